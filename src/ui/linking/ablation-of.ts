import type { HeadPlace } from '../../figures/part-names';
import type { Payload } from '../../report/payload';

/**
 * The ablation of the heads' layers, part by part, on the prompts of the output in which they were kept; of a text, which has no answer, the
 * change of all probabilities of the next token.
 */
export function ablationOf({ model, seed, spec }: Payload, heads: readonly HeadPlace[]): Payload {
  const layers = [...new Set(heads.map(({ layer }) => layer))].sort((a, b) => a - b);
  return { analysis: 'ablation', model, seed, spec: { ...measured(spec), layers } };
}

function measured({ prompts, metric, text, ids }: Payload['spec']): Payload['spec'] {
  if (prompts !== undefined) {
    return { prompts, ...(metric === undefined ? withoutAnswer(prompts) : { metric }) };
  }
  const read = typeof text === 'string' && text !== '' ? text : ids;
  return read === undefined ? {} : { prompts: [{ clean: read }], metric: 'kl' };
}

/** Prompts without answers have none to measure. */
const withoutAnswer = (prompts: unknown): Payload['spec'] =>
  Array.isArray(prompts) && prompts.some(prompt => (prompt as { answer?: unknown }).answer === undefined)
    ? { metric: 'kl' }
    : {};
