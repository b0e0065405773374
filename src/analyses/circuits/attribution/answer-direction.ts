import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import type { MeasuredPrompt } from '../../patching/measured-prompts';
import type { MetricId } from '../../patching/metric';
import { logitScale } from './logit-scale';

/** A weighted sum of logits. */
export interface AnswerDirection {
  /** Σ weight · W_U[:, token], [d_model], behind the final norm. */
  readonly direction: Float64Array;
  /** Σ weight · b_U[token]. */
  readonly bias: number;
}

/** The metrics that are weighted sums of logits. */
export const LINEAR_METRICS = ['logit-diff', 'logit', 'logits'] as const satisfies readonly MetricId[];
export type LinearMetric = (typeof LINEAR_METRICS)[number];

/** Tokens with their weights: the correct ones' mean, less the wrong ones' mean for a difference. */
export function tokenWeights(metric: LinearMetric, prompt: MeasuredPrompt): ReadonlyMap<number, number> {
  const { correct, wrong, weights } = prompt;
  const terms: readonly (readonly [number, number])[] =
    metric === 'logits'
      ? weights.map(({ id, weight }) => [id, weight])
      : [
          ...correct.map(id => [id, 1 / correct.length] as const),
          ...(metric === 'logit' ? [] : wrong.map(id => [id, -1 / wrong.length] as const))
        ];
  const sums = new Map<number, number>();
  terms.forEach(([id, weight]) => sums.set(id, (sums.get(id) ?? 0) + weight));
  return sums;
}

/** Reads each token's column of the unembedding once; what the file multiplies its logits by is in the directions. */
export async function answerDirections(
  subject: Subject,
  context: Context
): Promise<(tokens: ReadonlyMap<number, number>) => AnswerDirection> {
  const { weights, tower } = subject;
  const scale = await logitScale(subject, context);
  const columns = new Map<number, { readonly column: Float32Array; readonly bias: number }>();
  const read = (id: number): { readonly column: Float32Array; readonly bias: number } => {
    const range = [id, id + 1] as const;
    const bias = weights.names.includes('b_U') ? Number(weights.read('b_U', { range }).data[0]) : 0;
    return { column: weights.read('W_U', { range }).data as Float32Array, bias };
  };
  return tokens => {
    const direction = new Float64Array(tower.dModel);
    let bias = 0;
    for (const [id, weight] of tokens) {
      const found = columns.get(id) ?? read(id);
      columns.set(id, found);
      found.column.forEach((value, m) => (direction[m] += weight * value));
      bias += weight * found.bias;
    }
    return { direction: direction.map(value => scale * value), bias: scale * bias };
  };
}
