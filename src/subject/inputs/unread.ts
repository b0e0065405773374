import { isContent } from '../../anatomy/certificate/row-input';
import { mainInput, readingInputs, type Feedable, type Rows } from './feeds';
import type { ServedHook } from '../hook-names';
import type { Reading } from './reading';
import type { Feeds } from '../session';

/**
 * Hooks of another tower, and outputs, where nobody said what that tower reads. `needs`: an output is computed from the input.
 */
export const refuseUnread = (
  { missing, inputs, tower }: Reading,
  hooks: Iterable<ServedHook>,
  outputs: readonly string[],
  feeds: Feeds,
  label: string,
  needs: (output: string, input: string) => boolean
): void => {
  if (missing === undefined || feeds?.[missing]) {
    return;
  }
  const asked =
    [...hooks].find(({ positions }) => positions === missing)?.name ?? outputs.find(name => needs(name, missing));
  if (asked === undefined) {
    return;
  }
  const input = inputs.find(({ name }) => name === missing);
  const apart = input && (isContent(input) || tower.content);
  throw new Error(
    apart
      ? `input missing: '${asked}' of '${label}' needs '${missing}' (${input.role}) as well, which is not given`
      : `decoder ids missing: '${asked}' needs what the decoder of '${label}' reads, and no config.json with decoder_start_token_id is beside it`
  );
};

/** Hooks of a tower that was fed another number of rows than the run has. */
export const refuseOtherRows = (
  inputs: readonly Feedable[],
  hooks: Iterable<ServedHook>,
  feeds: Feeds,
  rows: number
): void => {
  const odd = inputs.find(({ name, own }) => own && feeds?.[name] && feeds[name].dims[0] !== rows);
  const asked = odd && [...hooks].find(({ positions }) => positions === odd.name)?.name;
  if (asked !== undefined) {
    throw new Error(
      `rows differ: '${asked}' has the ${feeds![odd!.name].dims[0]} rows of '${odd!.name}', this run has ${rows}`
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
