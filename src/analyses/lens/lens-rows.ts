import { entropyOfLogs } from '../../maths/entropy';
import { klDivergence } from '../../maths/kl-divergence';
import { logSoftmax } from '../../maths/log-softmax';
import { topK } from '../../maths/top-k';

/** What one row of logits says, against the model's own output at that position. */
export interface LensReading {
  /** Token ids, most probable first. */
  readonly ids: readonly number[];
  readonly probabilities: readonly number[];
  /** KL(output ‖ this), nats. */
  readonly kl: number;
  /** Nats. */
  readonly entropy: number;
  /** Place of the output's top token in this row, 1 = first. */
  readonly rank: number;
}

/** The model's own output at one position. */
export interface Output {
  readonly logs: Float64Array;
  /** Its most probable token. */
  readonly top: number;
}

export const outputOf = (logits: Float32Array): Output => ({ logs: logSoftmax(logits), top: topK(logits, 1)[0] });

/** From the logits of the lens at one position. */
export function lensReading(lens: Float32Array, output: Output, k: number): LensReading {
  const logs = logSoftmax(lens);
  const ids = topK(lens, k);
  return {
    ids,
    probabilities: ids.map(id => Math.exp(logs[id])),
    kl: klDivergence(output.logs, logs),
    entropy: entropyOfLogs(logs),
    rank: rankOf(lens, output.top)
  };
}

/** One more than the number of tokens that come before `id`: larger ones, and equal ones with a lower id. */
function rankOf(logits: Float32Array, id: number): number {
  let before = 0;
  for (let i = 0; i < logits.length; i++) {
    before += logits[i] > logits[id] || (logits[i] === logits[id] && i < id) ? 1 : 0;
  }
  return before + 1;
}

/** The first row from which the top token no longer changes. */
export function predictionDepth(tops: readonly number[]): number {
  let depth = tops.length - 1;
  while (depth > 0 && tops[depth - 1] === tops[tops.length - 1]) {
    depth--;
  }
  return depth;
}
