import type { Patch } from '../sweep';
import { entryOf, type PatchRow } from './entries';
import type { Pace } from './pace';
import type { Run } from './sweep-run';

/** Prompts of one patch together, late entries first. */
export const orderedRows = (patches: readonly Patch[], prompts: number): readonly PatchRow[] =>
  patches
    .map((patch, index) => ({ patch, index, order: entryOf(patch.hook)!.order }))
    .sort((a, b) => b.order - a.order || a.index - b.index)
    .flatMap(({ patch, index }) => Array.from({ length: prompts }, (_, prompt) => ({ patch, index, prompt })));

/** The rows that change something that is read; the others have the base run's value at once. */
export const travelling = <R extends PatchRow>(
  rows: readonly R[],
  { active, base }: Run,
  give: (row: R, value: number) => void
): readonly R[] => {
  const idle = (row: R): boolean => active(row.prompt, row.patch.pos).length === 0;
  rows.filter(idle).forEach(row => give(row, base[row.prompt]));
  return rows.filter(row => !idle(row));
};

/** Rows of one hook that travel together, as many as run in a short time by what was measured until then. */
export function* chunks<R extends PatchRow>(
  rows: readonly R[],
  length: number,
  pace: Pace,
  run: Pick<Run, 'spread' | 'active' | 'alone'>
): Generator<readonly R[]> {
  let chunk: R[] = [];
  let tokens = 0;
  for (const row of rows) {
    const own = run.spread(run.active(row.prompt, row.patch.pos));
    const fits = !run.alone && tokens + own <= pace.size('tokens') && (chunk.length + 1) * length <= pace.size('grid');
    if (chunk.length > 0 && !(fits && chunk[0].patch.hook === row.patch.hook)) {
      yield chunk;
      chunk = [];
      tokens = 0;
    }
    chunk.push(row);
    tokens += own;
  }
  if (chunk.length > 0) {
    yield chunk;
  }
}

/** Takes rows' values, and gives those of each patch when all its prompts are there. */
export const collector = (
  prompts: number,
  values: Float64Array,
  give: ((index: number, values: readonly number[]) => void) | undefined
) => {
  const missing = new Uint32Array(values.length / prompts).fill(prompts);
  return ({ index, prompt }: PatchRow, value: number): void => {
    const at = index * prompts;
    values[at + prompt] = value;
    if (--missing[index] === 0) {
      give?.(index, [...values.subarray(at, at + prompts)]);
    }
  };
};
