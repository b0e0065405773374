import type { Matrix } from './matrix';

/**
 * How far the rows are from being all the same: ‖X − 1x̄ᵀ‖/‖X‖ with x̄ the mean row and ‖M‖ = √(‖M‖₁ ‖M‖_∞) (Dong, Cordonnier & Loukas
 * 2021). 0 where they are; near 1 for rows without a common part. Undefined for a matrix of zeros.
 */
export function rankResidual(x: Matrix): number | undefined {
  const mean = new Float64Array(x.columns);
  x.data.forEach((value, at) => (mean[at % x.columns] += value / x.rows));
  const whole = compositeNorm(x);
  const rest = { ...x, data: x.data.map((value, at) => value - mean[at % x.columns]) };
  return whole > 0 ? compositeNorm(rest) / whole : undefined;
}

/** √(largest column sum · largest row sum) of absolute values. */
function compositeNorm({ rows, columns, data }: Matrix): number {
  const [byRow, byColumn] = [new Float64Array(rows), new Float64Array(columns)];
  data.forEach((value, at) => {
    byRow[Math.floor(at / columns)] += Math.abs(value);
    byColumn[at % columns] += Math.abs(value);
  });
  const largest = (sums: Float64Array): number => sums.reduce((a, b) => Math.max(a, b), 0);
  return Math.sqrt(largest(byRow) * largest(byColumn));
}
