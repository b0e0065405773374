import { logSoftmax } from '../../maths/log-softmax';
import { topK } from '../../maths/top-k';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions/interventions';
import type { Subject } from '../../subject/subject';
import { floats } from '../floats';
import type { MeasuredPrompt } from '../patching/measured-prompts';
import type { metricReadout } from '../patching/metric';
import { quiet } from '../quiet';
import type { ResultTable } from '../result';
import { shortText } from '../short-text';
import type { Steering } from './steering';
import { norm } from './steering-direction';
import { encodeTensor } from '../tensor-codec';

/** What is known before anything runs. */
export interface SteeringPlan {
  readonly prompts: readonly MeasuredPrompt[];
  /** In full. */
  readonly hook: string;
  readonly logits: string;
  readonly where: 'all' | 'last';
}

interface Dose {
  readonly strength: number;
  /** Coefficients on each side of 0. */
  readonly steps: number;
}

/** Float32 numbers as a result has them. */
export const encoded = (
  labels: { readonly dims: readonly string[]; readonly shape: readonly number[]; readonly unit?: string },
  values: Float32Array
): Steering['values'] => ({ ...encodeTensor(labels, values), dtype: 'float32' });

/** From −strength to strength, 0 among them. */
export const coefficients = ({ steps, strength }: Dose): readonly number[] =>
  Array.from({ length: 2 * steps + 1 }, (_, i) => (strength * (i - steps)) / steps);

/** 0 and the two ends first: they say which tokens to follow. */
export const outwards = (alphas: readonly number[]): readonly number[] => {
  const middle = alphas[(alphas.length - 1) / 2];
  const ends = [alphas[alphas.length - 1], alphas[0]];
  return [middle, ...ends, ...alphas.slice(1, -1).filter(alpha => alpha !== middle)];
};

export const added = (
  { hook, where }: SteeringPlan,
  direction: Float32Array,
  alpha: number
): readonly Intervention[] => [
  {
    hook,
    op: 'add',
    value: { dims: [direction.length], type: 'float32', data: direction },
    alpha,
    ...(where === 'last' && { pos: [-1] })
  }
];

/** Where each prompt's answer is read, all of the vocabulary. */
export async function answerLogits(
  subject: Subject,
  { prompts, logits }: SteeringPlan,
  list: readonly Intervention[],
  context: Context
): Promise<readonly Float32Array[]> {
  const ids = prompts.map(({ clean }) => clean.ids);
  const found = await subject.forward({ ids, hooks: [], outputs: [logits], interventions: { list } }, quiet(context));
  const values = floats(found.get(logits), logits);
  const width = values.length / (ids.length * ids[0].length);
  return prompts.map(({ clean, answerAt }, row) => {
    const at = (row * clean.ids.length + answerAt) * width;
    return values.slice(at, at + width);
  });
}

export async function hookNorm(
  subject: Subject,
  { prompts, hook, where }: SteeringPlan,
  context: Context
): Promise<number> {
  const ids = prompts.map(({ clean }) => clean.ids);
  const values = floats((await subject.forward({ ids, hooks: [hook] }, quiet(context))).get(hook), hook);
  const width = subject.tower.dModel;
  const length = ids[0].length;
  const places = Array.from({ length: values.length / width }, (_, at) => at).filter(
    at => where === 'all' || at % length === length - 1
  );
  return places.reduce((sum, at) => sum + norm(values.subarray(at * width, (at + 1) * width)), 0) / places.length;
}

const FOLLOWED = 2;

/** Tokens that are followed: the answers, and the most probable ones at 0 and at both ends. */
const followed = (prompts: readonly MeasuredPrompt[], runs: ReadonlyMap<number, readonly Float32Array[]>): number[] => {
  const [{ correct, wrong }] = prompts;
  const tops = [...runs.values()].slice(0, 3).flatMap(([first]) => topK(first, FOLLOWED));
  return [...new Set([...correct.slice(0, 1), ...wrong.slice(0, 1), ...tops])].slice(0, 5);
};

export const readings = (
  subject: Subject,
  prompts: readonly MeasuredPrompt[],
  { columns, value }: ReturnType<typeof metricReadout>,
  runs: ReadonlyMap<number, readonly Float32Array[]>
): Pick<Steering, 'alphas' | 'values' | 'probabilities' | 'tokens'> => {
  const alphas = [...runs.keys()].sort((a, b) => a - b);
  const ids = followed(prompts, runs);
  const read = (row: Float32Array, prompt: number): number =>
    value(columns ? Float32Array.from(columns[prompt], id => row[id]) : row, prompt);
  const values = alphas.flatMap(alpha => runs.get(alpha)!.map(read));
  const probabilities = alphas.flatMap(alpha => {
    const logs = runs.get(alpha)!.map(row => logSoftmax(row));
    return ids.map(id => logs.reduce((sum, row) => sum + Math.exp(row[id]), 0) / logs.length);
  });
  const shape = [alphas.length, prompts.length];
  return {
    alphas,
    values: encoded({ dims: ['alpha', 'prompt'], shape }, Float32Array.from(values)),
    probabilities: encoded(
      { dims: ['alpha', 'token'], shape: [alphas.length, ids.length], unit: 'probability' },
      Float32Array.from(probabilities)
    ),
    tokens: { ids, labels: ids.map(id => subject.tokens?.label(id) ?? String(id)) }
  };
};

/** Of the first prompt, at both ends and at 0; none where the model's positions are used up or where tokens see the future. */
export async function continuations(
  subject: Subject,
  spec: Dose & { readonly tokens: number },
  planned: SteeringPlan,
  direction: Float32Array,
  context: Context
): Promise<ResultTable> {
  const [{ clean }] = planned.prompts;
  const room = (subject.maxPositions ?? Infinity) - clean.ids.length + 1;
  const tokens = Math.min(spec.tokens, room);
  if (tokens < 1 || !subject.tower.causal) {
    return { columns: { alpha: [], text: [] } };
  }
  const alphas = [-spec.strength, 0, spec.strength];
  const texts: string[] = [];
  for (const alpha of alphas) {
    const interventions = { list: added(planned, direction, alpha) };
    const { ids } = await subject.generate({ ids: [clean.ids], tokens, interventions }, quiet(context));
    texts.push(ids[0].map(id => subject.tokens?.label(id) ?? `${id} `).join(''));
  }
  return { columns: { alpha: alphas, text: texts.map(shown => shortText(shown, 390)) } };
}
