import type { Matrix } from '../../maths/matrix';

/**
 * Mean cosine of all pairs of these points that are of different texts: with unit vectors x̂ it is
 * (‖Σ x̂‖² − Σ_t ‖Σ_{x of t} x̂‖²)/(n² − Σ_t n_t²). Rows of zeros have no direction and are left out; undefined where no pair is left.
 */
export function groupCosine(
  { columns, data }: Matrix,
  points: readonly number[],
  texts: readonly number[]
): number | undefined {
  const sums = new Map<number, { sum: Float64Array; count: number }>();
  for (const point of points) {
    const row = data.subarray(point * columns, (point + 1) * columns);
    const norm = Math.sqrt(row.reduce((total, value) => total + value ** 2, 0));
    if (norm > 0) {
      const one = sums.get(texts[point]) ?? { sum: new Float64Array(columns), count: 0 };
      row.forEach((value, j) => (one.sum[j] += value / norm));
      one.count++;
      sums.set(texts[point], one);
    }
  }
  const groups = [...sums.values()];
  const whole = new Float64Array(columns);
  groups.forEach(({ sum }) => sum.forEach((value, j) => (whole[j] += value)));
  const count = groups.reduce((total, one) => total + one.count, 0);
  const pairs = count ** 2 - groups.reduce((total, one) => total + one.count ** 2, 0);
  const within = groups.reduce((total, { sum }) => total + square(sum), 0);
  return pairs === 0 ? undefined : (square(whole) - within) / pairs;
}

const square = (vector: Float64Array): number => vector.reduce((total, value) => total + value ** 2, 0);
