import type { Tower } from '../../anatomy/anatomy';
import type { SweepRequest } from '../sweep';

/**
 * How many first tokens of a prompt both runs share: a causal model computes the same there, so that nothing is changed by a patch of them. 0 where tokens
 * see later ones, or where what is put there is no run.
 */
export const commonPrefix = (
  { causal }: Pick<Tower, 'causal'>,
  { base, source }: Pick<SweepRequest, 'base' | 'source'>,
  prompt: number
): number => {
  if (!causal || source.kind !== 'run') {
    return 0;
  }
  const other = source.ids[prompt] ?? [];
  const first = base[prompt].findIndex((id, position) => id !== other[position]);
  return first < 0 ? base[prompt].length : first;
};

/** The positions that a patch changes, ascending, of `length` where it names none. */
export const changedPositions = (
  pos: readonly number[] | undefined,
  length: number,
  prefix: number
): readonly number[] =>
  [...(pos ?? Array.from({ length }, (_, position) => position))]
    .filter(position => position >= prefix)
    .sort((a, b) => a - b);
