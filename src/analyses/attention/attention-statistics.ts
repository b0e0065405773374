import { entropy } from '../../maths/entropy';
import type { LayerPattern } from './pattern-runs';

/** Means over the query rows of one head. */
export interface HeadStatistics {
  /** Nats. */
  readonly entropy: number;
  /** Row t divided by the largest entropy it can have: ln(t + 1) where causal, else ln T. */
  readonly normalised: number;
  /** Σ A·|query − key|, tokens. */
  readonly distance: number;
  /** Weight on the first token from all later ones. */
  readonly sink: number;
}

/**
 * A causal row 0 sees one key: its entropy is 0 whatever the head does, and 0/0 when normalised, so causal rows count from
 * 1. The sink counts from row 1 in any case, for the first token's look at itself is no sink.
 */
export function headStatistics(pattern: LayerPattern, head: number, causal: boolean): HeadStatistics {
  const { length, weights } = pattern;
  const sums = { entropy: 0, normalised: 0, distance: 0, sink: 0 };
  const first = causal ? 1 : 0;
  for (let query = 0; query < length; query++) {
    const start = (head * length + query) * length;
    const row = weights.subarray(start, start + length);
    sums.sink += query > 0 ? row[0] : 0;
    if (query >= first) {
      const nats = entropy(row);
      sums.entropy += nats;
      sums.normalised += nats / Math.log(causal ? query + 1 : length);
      sums.distance += row.reduce((sum, weight, key) => sum + weight * Math.abs(query - key), 0);
    }
  }
  const rows = length - first;
  return {
    entropy: sums.entropy / rows,
    normalised: sums.normalised / rows,
    distance: sums.distance / rows,
    sink: sums.sink / (length - 1)
  };
}
