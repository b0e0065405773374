import type { ServedHook } from './hook-names';
import type { Reading } from './reading';
import { mainIds, readingInputs, type Feedable } from './feeds';
import type { Feeds } from './session';

/** Hooks of a decoder, and outputs, where nobody said what the decoder reads. */
export const refuseUnread = (
  { missing }: Reading,
  hooks: Iterable<ServedHook>,
  outputs: readonly string[],
  label: string
): void => {
  const hook = missing === undefined ? undefined : [...hooks].find(({ positions }) => positions === missing)?.name;
  const asked = hook ?? (missing === undefined ? undefined : outputs[0]);
  if (asked !== undefined) {
    throw new Error(
      `decoder ids missing: '${asked}' needs what the decoder of '${label}' reads, and no config.json with decoder_start_token_id is beside it`
    );
  }
};

/** The inputs where states that are fed tell how many there are; throws where the file wants states and none are fed. */
export const givenStates = (inputs: readonly Feedable[], feeds: Feeds, label: string): readonly Feedable[] => {
  const states = inputs.filter(({ role }) => role === 'states');
  const given = states.map(({ name, shape }) => {
    const dims = feeds?.[name]?.dims;
    if (dims === undefined) {
      throw new Error(
        `input missing: '${name}' [${shape.join(', ')}] of '${label}' is an encoder's last states, which no ids give: put the encoder's file beside it, or feed it`
      );
    }
    return [name, [Array<number>(dims[1] ?? 0).fill(0)]] as const;
  });
  return given.length === 0 ? inputs : readingInputs(inputs, mainIds(inputs)?.name, Object.fromEntries(given));
};
