import { mainInput, readingInputs, type Feedable, type Rows } from './feeds';
import type { ServedHook } from '../hook-names';
import type { Reading } from './reading';
import type { Feeds } from '../session';

/** Hooks of a decoder, and outputs, where nobody said what the decoder reads. */
export const refuseUnread = (
  { missing }: Reading,
  hooks: Iterable<ServedHook>,
  outputs: readonly string[],
  feeds: Feeds,
  label: string
): void => {
  if (missing === undefined || feeds?.[missing]) {
    return;
  }
  const asked = [...hooks].find(({ positions }) => positions === missing)?.name ?? outputs[0];
  if (asked !== undefined) {
    throw new Error(
      `decoder ids missing: '${asked}' needs what the decoder of '${label}' reads, and no config.json with decoder_start_token_id is beside it`
    );
  }
};

/**
 * The inputs where sequences that are fed besides the rows tell how long they are; throws where the file wants an encoder's states and none
 * are fed.
 */
export const givenSequences = (inputs: readonly Feedable[], feeds: Feeds, label: string): readonly Feedable[] => {
  const given = new Map<string, Rows>();
  for (const { name, role, own, shape } of inputs) {
    const fed = feeds?.[name];
    if (role === 'states' && !fed) {
      throw new Error(
        `input missing: '${name}' [${shape.join(', ')}] of '${label}' is an encoder's last states, which no ids give: put the encoder's file beside it, or feed it`
      );
    }
    if (fed && (role === 'states' || (role === 'ids' && own))) {
      given.set(name, [Array<number>(Math.max(1, fed.dims[1] ?? 1)).fill(0)]);
    }
  }
  return given.size === 0 ? inputs : readingInputs(inputs, mainInput(inputs)?.input.name, Object.fromEntries(given));
};
