import type { SweepRequest } from '../sweep';
import type { BaseRun } from './base-run';
import type { Travel } from './chain';
import type { Exact } from './exact-parts';
import { readParts, readToken } from './readout';

/** The readout of each row: its own logits where it reaches a position, the base run's elsewhere. */
export const readTravel = async (
  exact: Exact,
  base: BaseRun,
  readout: SweepRequest['readout'],
  { batch, packed }: Travel
): Promise<readonly number[]> => {
  const { width } = base.hook(exact.units.hooks.stream(exact.units.hooks.layers));
  const wanted = batch.active.map((positions, row) =>
    positions.map(position => readout.positions[batch.prompts[row]].includes(position))
  );
  const flat = wanted.flat();
  const kept = new Float32Array(flat.filter(Boolean).length * width);
  let to = 0;
  flat.forEach((want, token) => {
    if (want) {
      kept.set(packed.subarray(token * width, (token + 1) * width), to);
      to += width;
    }
  });
  const ids = wanted.flatMap((flags, row) => flags.filter(Boolean).map(() => readout.columns?.[batch.prompts[row]]));
  const whole = exact.alone && !exact.columns;
  const tokens = whole ? await readRow(exact, packed, width, flat, ids) : await readTokens(exact, kept, width, ids);
  let at = 0;
  return batch.prompts.map((prompt, row) => {
    const own = new Map(
      batch.active[row].flatMap((position, index) => (wanted[row][index] ? [[position, tokens[at++]] as const] : []))
    );
    const parts = readout.positions[prompt].map(
      position => own.get(position) ?? readToken(base.logits, prompt, position, readout.columns?.[prompt])
    );
    return readParts(parts, readout, prompt);
  });
};

/** The same of one whole row, whose tokens are rounded together: of those that are wanted. */
const readRow = async (
  exact: Exact,
  data: Float32Array,
  width: number,
  wanted: readonly boolean[],
  ids: readonly (readonly number[] | undefined)[]
): Promise<readonly Float32Array[]> => {
  const logits = await exact.unembed({ dims: [1, wanted.length, width], type: 'float32', data });
  const positions = wanted.flatMap((want, position) => (want ? [position] : []));
  return positions.map((position, at) => readToken(logits, 0, position, ids[at]).slice());
};

/** What a readout sees of each token, [token, width] of the last stream. */
export const readTokens = async (
  exact: Exact,
  packed: Float32Array,
  width: number,
  ids: readonly (readonly number[] | undefined)[]
): Promise<readonly Float32Array[]> => {
  const parts: Float32Array[] = [];
  const { columns, units } = exact;
  if (columns && ids.length > 0 && ids.every(list => list !== undefined)) {
    const values = { dims: [1, ids.length, width], data: packed };
    const [{ data }] = await units.run('last', units.hooks.layers - 1, [values], units.sizes(1, ids.length), {});
    const size = data.length / ids.length;
    return ids.map((list, token) => columns(data.subarray(token * size, (token + 1) * size), list!));
  }
  for (let at = 0; at < ids.length; at += parts.length - at) {
    const count = Math.min(units.pace.size('unembed'), ids.length - at);
    const started = performance.now();
    const data = packed.subarray(at * width, (at + count) * width);
    const logits = await exact.unembed({ dims: [1, count, width], type: 'float32', data });
    units.pace.record('unembed', 'unembed', count, performance.now() - started);
    for (let token = 0; token < count; token++) {
      parts.push(readToken(logits, 0, token, ids[at + token]).slice());
    }
  }
  return parts;
};
