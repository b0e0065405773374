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
 * One row a point. A point nearer to an earlier one than `tolerance` of its own length is a duplicate: what differs by rounding alone would
 * give ratios of any size. Undefined where fewer than `LEAST_POINTS` different points are left, or all ratios are 1.
 */
export function twoNn(points: Matrix, tolerance = 0): TwoNn | undefined {
  const logs = logRatios(points, tolerance).sort();
  const count = logs.length;
  if (count < LEAST_POINTS) {
    return undefined;
  }
  const total = logs.reduce((a, b) => a + b, 0);
  const kept = Math.floor(count * KEPT);
  let [product, square] = [0, 0];
  for (let i = 0; i < kept; i++) {
    product += logs[i] * -Math.log(1 - (i + 1) / count);
    square += logs[i] ** 2;
  }
  if (square === 0) {
    return undefined;
  }
  const duplicates = points.rows - count;
  return { dimension: product / square, likelihood: (count - 1) / total, points: count, duplicates };
}

/** ln(r₂/r₁) of each different point; distances as sums of squared differences, which do not cancel as ‖a‖² + ‖b‖² − 2a·b would. */
function logRatios({ rows, columns, data }: Matrix, tolerance: number): Float64Array {
  const kept: number[] = [];
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
    const least = tolerance === 0 ? 0 : tolerance ** 2 * squaredLength(data, i * columns, columns);
    const distances = kept.map(j => squaredDistance(data, i * columns, j * columns, columns));
    if (distances.every(distance => distance > least)) {
      distances.forEach((distance, at) => {
        offer(i, distance);
        offer(kept[at], distance);
      });
      kept.push(i);
    }
  }
  return Float64Array.from(kept, point => Math.log(second[point] / first[point]) / 2);
}

function squaredDistance(data: Float64Array, a: number, b: number, columns: number): number {
  let sum = 0;
  for (let k = 0; k < columns; k++) {
    sum += (data[a + k] - data[b + k]) ** 2;
  }
  return sum;
}

function squaredLength(data: Float64Array, at: number, columns: number): number {
  let sum = 0;
  for (let k = at; k < at + columns; k++) {
    sum += data[k] ** 2;
  }
  return sum;
}
