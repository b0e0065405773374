import type { Matrix } from './matrix';

export interface TwoNn {
  /** Slope through 0 of −ln(1 − F) on ln μ, the largest tenth of μ left out. */
  readonly dimension: number;
  /** The maximum-likelihood form, (N − 1)/Σ ln μ. */
  readonly likelihood: number;
  /** Points that were counted. */
  readonly points: number;
  /** Points left out because another lies at the same place. */
  readonly duplicates: number;
}

/** Facco et al. 2017: below this number of points the estimate says nothing. */
export const LEAST_POINTS = 100;
const KEPT = 0.9;

/**
 * Intrinsic dimension from the ratio μ = r₂/r₁ of each point's distances to its second and first neighbour (Facco et al. 2017).
 * One row a point. Undefined where fewer than `LEAST_POINTS` different points are left, or all ratios are 1.
 */
export function twoNn(points: Matrix): TwoNn | undefined {
  const different = withoutDuplicates(points);
  const duplicates = points.rows - different.rows;
  if (different.rows < LEAST_POINTS) {
    return undefined;
  }
  const logs = logRatios(different).sort();
  const total = logs.reduce((a, b) => a + b, 0);
  const kept = Math.floor(different.rows * KEPT);
  let [product, square] = [0, 0];
  for (let i = 0; i < kept; i++) {
    product += logs[i] * -Math.log(1 - (i + 1) / different.rows);
    square += logs[i] ** 2;
  }
  if (square === 0) {
    return undefined;
  }
  return { dimension: product / square, likelihood: (different.rows - 1) / total, points: different.rows, duplicates };
}

/** The first of each set of equal rows. */
function withoutDuplicates({ rows, columns, data }: Matrix): Matrix {
  const seen = new Set<string>();
  const kept: Float64Array[] = [];
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    const key = row.join();
    if (!seen.has(key)) {
      seen.add(key);
      kept.push(row);
    }
  }
  const flat = new Float64Array(kept.length * columns);
  kept.forEach((row, i) => flat.set(row, i * columns));
  return { rows: kept.length, columns, data: flat };
}

/** ln(r₂/r₁) of each point; distances as sums of squared differences, which do not cancel as ‖a‖² + ‖b‖² − 2a·b would. */
function logRatios({ rows, columns, data }: Matrix): Float64Array {
  const first = new Float64Array(rows).fill(Infinity);
  const second = new Float64Array(rows).fill(Infinity);
  const offer = (point: number, distance: number): void => {
    if (distance < first[point]) {
      second[point] = first[point];
      first[point] = distance;
    } else if (distance < second[point]) {
      second[point] = distance;
    }
  };
  for (let i = 0; i < rows; i++) {
    for (let j = i + 1; j < rows; j++) {
      let distance = 0;
      for (let k = 0, a = i * columns, b = j * columns; k < columns; k++, a++, b++) {
        distance += (data[a] - data[b]) ** 2;
      }
      offer(i, distance);
      offer(j, distance);
    }
  }
  return first.map((r1, point) => Math.log(second[point] / r1) / 2);
}
