import type { Matrix } from '../../../maths/matrix';
import { topK } from '../../../maths/top-k';

export interface ScoredToken {
  readonly id: number;
  readonly value: number;
}

/** The largest values of each row over a vocabulary that comes in parts. */
export interface TopTokens {
  /** [rows, tokens] from token `start`. */
  add(start: number, values: Matrix): void;
  /** [row], the largest first. */
  readonly rows: readonly (readonly ScoredToken[])[];
}

export function topTokens(count: number, k: number): TopTokens {
  const rows: ScoredToken[][] = Array.from({ length: count }, () => []);
  return {
    rows,
    add: (start, { columns, data }) =>
      rows.forEach((row, at) => {
        const values = data.subarray(at * columns, (at + 1) * columns);
        const own = topK(values, k).map(place => ({ id: start + place, value: values[place] }));
        rows[at] = [...row, ...own].sort((a, b) => b.value - a.value || a.id - b.id).slice(0, k);
      })
  };
}
