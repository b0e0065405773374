import { topK } from '../../maths/top-k';
import type { Random } from '../../maths/random';

/** How the next token is drawn; greedy where it is not given. */
export interface Sampling {
  /** Logits are divided by it; 1 where absent. */
  readonly temperature?: number;
  /** Only the k most probable tokens are drawn from; all where absent. */
  readonly topK?: number;
  /** 0 where absent. */
  readonly seed?: number;
}

/** Throws for a temperature that is not above 0, and for a k that is no whole number from 1. */
export const checkSampling = ({ temperature = 1, topK: most = 1 }: Sampling): void => {
  if (!(temperature > 0) || !Number.isFinite(temperature)) {
    throw new Error(`temperature wrong: ${temperature}, wanted a number above 0 (greedy without it)`);
  }
  if (!Number.isInteger(most) || most < 1) {
    throw new Error(`top-k wrong: ${most}, wanted a whole number from 1`);
  }
};

/** The most probable token; of equal ones the lower id. */
export const greedy = (logits: Float32Array): number => topK(logits, 1)[0];

/** A token drawn from softmax(logits / temperature) among the k largest. */
export const sample = (logits: Float32Array, { temperature = 1, topK: most }: Sampling, stream: Random): number => {
  const ids = most === undefined || most >= logits.length ? logits.map((_, id) => id) : topK(logits, most);
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(ids, id => Math.exp((logits[id] - top) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = ((stream.next() + 0.5) / 2 ** 32) * total;
  const at = weights.findIndex(weight => (left -= weight) < 0);
  return ids[at < 0 ? weights.length - 1 : at];
};
