import { logSoftmax } from '../../maths/log-softmax';
import type { Readout } from '../../subject/sweep';
import type { MeasuredPrompt } from './measured-prompts';

export type MetricId = 'logit-diff' | 'logit' | 'logits' | 'prob-diff' | 'loss' | 'kl' | 'rank';

export interface MetricRow {
  readonly title: string;
  readonly unit: string;
  /** Which sides of an answer it looks at. */
  readonly answer: 'both' | 'correct' | 'weights' | 'none';
  /** The logits of the answer's tokens are enough. */
  readonly columns: boolean;
  /** The number, from the logits at the answer's place: of the answer's tokens, correct ones first, or of all of the vocabulary. */
  read(logits: Float32Array, prompt: MeasuredPrompt, reference: Float64Array | undefined): number;
}

const mean = (values: ArrayLike<number>, from: number, to: number): number => {
  let sum = 0;
  for (let i = from; i < to; i++) {
    sum += values[i];
  }
  return sum / (to - from);
};

const probability = (logs: Float64Array, ids: readonly number[]): number =>
  ids.reduce((sum, id) => sum + Math.exp(logs[id]), 0);

/** What a prompt's outcome is measured by, at its last position or at its mask. Several tokens on a side are averaged as logits, added as probabilities. */
export const METRICS: Readonly<Record<MetricId, MetricRow>> = {
  'logit-diff': {
    title: 'logit difference',
    unit: 'logits',
    answer: 'both',
    columns: true,
    read: (logits, { correct }) => mean(logits, 0, correct.length) - mean(logits, correct.length, logits.length)
  },
  logit: {
    title: 'logit of the answer',
    unit: 'logits',
    answer: 'correct',
    columns: true,
    read: (logits, { correct }) => mean(logits, 0, correct.length)
  },
  logits: {
    title: 'weighted logits',
    unit: 'logits',
    answer: 'weights',
    columns: true,
    read: (logits, { weights }) => weights.reduce((sum, { weight }, at) => sum + weight * logits[at], 0)
  },
  'prob-diff': {
    title: 'probability difference',
    unit: 'probability',
    answer: 'both',
    columns: false,
    read: (logits, { correct, wrong }) => {
      const logs = logSoftmax(logits);
      return probability(logs, correct) - probability(logs, wrong);
    }
  },
  loss: {
    title: 'loss',
    unit: 'nats',
    answer: 'correct',
    columns: false,
    read: (logits, { correct }) => -Math.log(probability(logSoftmax(logits), correct))
  },
  kl: {
    title: 'KL divergence from the clean run',
    unit: 'nats',
    answer: 'none',
    columns: false,
    read: (logits, _, reference) => {
      const [p, q] = [reference!, logSoftmax(logits)];
      return p.reduce((sum, logP, id) => (logP > -Infinity ? sum + Math.exp(logP) * (logP - q[id]) : sum), 0);
    }
  },
  rank: {
    title: 'rank of the answer',
    unit: 'place (1 = top)',
    answer: 'correct',
    columns: false,
    read: (logits, { correct }) => {
      const best = correct.reduce((most, id) => Math.max(most, logits[id]), -Infinity);
      return 1 + logits.reduce((above, value) => above + (value > best ? 1 : 0), 0);
    }
  }
};

const columnsOf = ({ answer }: MetricRow, { correct, wrong, weights }: MeasuredPrompt): readonly number[] =>
  answer === 'weights' ? weights.map(({ id }) => id) : answer === 'both' ? [...correct, ...wrong] : correct;

/** `references`: log-probabilities at the answers' places in the clean runs, for metrics that compare with them. */
export function metricReadout(
  metric: MetricId,
  prompts: readonly MeasuredPrompt[],
  references?: readonly Float64Array[]
): Readout {
  const row = METRICS[metric];
  return {
    positions: prompts.map(({ answerAt }) => [answerAt]),
    ...(row.columns && {
      columns: prompts.map(prompt => columnsOf(row, prompt))
    }),
    value: (logits, prompt) => row.read(logits, prompts[prompt], references?.[prompt])
  };
}
