import { logSoftmax } from '../../maths/log-softmax';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import type { MeasuredPrompt } from './measured-prompts';
import { METRICS, type MetricId } from './metric';
import { quiet } from '../quiet';

/** Log-probabilities at the answers' places in the clean prompts, for the metric that compares with them; undefined for the others. */
export async function metricReferences(
  subject: Subject,
  metric: MetricId,
  prompts: readonly MeasuredPrompt[],
  context: Context
): Promise<readonly Float64Array[] | undefined> {
  const name = subject.tower.head?.logits;
  if (METRICS[metric].answer !== 'none' || name === undefined) {
    return undefined;
  }
  const ids = prompts.map(({ clean }) => clean.ids);
  const logits = (await subject.forward({ ids, hooks: [], outputs: [name] }, quiet(context))).get(name);
  const [, length, vocabulary] = logits.dims;
  return prompts.map(({ answerAt }, row) => {
    const at = (row * length + answerAt) * vocabulary;
    return logSoftmax(Float32Array.from(logits.data.subarray(at, at + vocabulary) as Float32Array));
  });
}
