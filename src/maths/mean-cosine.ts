import type { Matrix } from './matrix';

/**
 * Mean cosine of all ordered pairs of different rows, from the sum of the unit rows: (‖Σ x̂‖² − n)/(n(n − 1)). Rows of zeros have no
 * direction and are left out; undefined for fewer than two others.
 */
export function meanCosine({ rows, columns, data }: Matrix): number | undefined {
  const sum = new Float64Array(columns);
  let counted = 0;
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    const norm = Math.sqrt(row.reduce((total, value) => total + value ** 2, 0));
    if (norm > 0) {
      counted++;
      row.forEach((value, j) => (sum[j] += value / norm));
    }
  }
  const square = sum.reduce((total, value) => total + value ** 2, 0);
  return counted < 2 ? undefined : (square - counted) / (counted * (counted - 1));
}
