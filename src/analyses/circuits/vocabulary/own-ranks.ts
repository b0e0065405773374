import type { LinearAlgebra } from '../../../maths/linear-algebra';
import { transpose, type Matrix } from '../../../maths/matrix';
import type { BilinearHead } from './vocabulary-circuit';

/** How many tokens a head puts above each token's own, counted over a vocabulary that comes in parts. */
export interface OwnRanks {
  /** [d_head, d_model]: what reads the right side. */
  readonly reads: Matrix;
  /** `reads` times the tokens from `start` on, [d_head, tokens]. */
  add(start: number, inner: Matrix): void;
  /** Share of the tokens with fewer than `k` above their own. */
  share(k: number): number;
}

/** Rows x_t·A·B·yᵀ for the tokens `ids`, whose own rows of both sides are given; equal values do not count as above. */
export function ownRanks(
  { a, b }: BilinearHead,
  ids: readonly number[],
  { left, right }: { readonly left: Matrix; readonly right: Matrix },
  algebra: LinearAlgebra
): OwnRanks {
  const written = algebra.multiply(left, a);
  const own = ownValues(written, algebra.multiply(b, transpose(right)));
  const above = new Uint32Array(ids.length);
  return {
    reads: b,
    add: (start, inner) => {
      const { columns, data } = algebra.multiply(written, inner);
      ids.forEach((id, row) => {
        for (let column = 0, at = row * columns; column < columns; column++, at++) {
          // The token itself is skipped: two orders of summing it differ in the last digit.
          above[row] += data[at] > own[row] && start + column !== id ? 1 : 0;
        }
      });
    },
    share: k => above.reduce((sum, count) => sum + (count < k ? 1 : 0), 0) / ids.length
  };
}

/** Σ_w written[t, w]·inner[w, t] */
function ownValues(written: Matrix, inner: Matrix): Float64Array {
  const { rows, columns } = written;
  return Float64Array.from({ length: rows }, (_, t) => {
    let sum = 0;
    for (let w = 0; w < columns; w++) {
      sum += written.data[t * columns + w] * inner.data[w * rows + t];
    }
    return sum;
  });
}
