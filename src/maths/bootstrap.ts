import type { Random } from './random';

/** Members of each resample, drawn with replacement [resample][n]. */
export type Resamples = readonly Int32Array[];

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export const resamples = (n: number, count: number, random: Random): Resamples =>
  Array.from({ length: count }, () => Int32Array.from({ length: n }, () => random.below(n)));

/** Percentile bootstrap of a mean (Efron 1979): the interval that holds `level` of the resamples' means, ends interpolated as in NumPy's quantile. */
export function bootstrapMean(values: ArrayLike<number>, draws: Resamples, level: number): Interval {
  const means = Float64Array.from(draws, members => {
    let sum = 0;
    for (const member of members) {
      sum += values[member];
    }
    return sum / members.length;
  }).sort();
  return { low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2) };
}

function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
