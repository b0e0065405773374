import type { Input, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { count, flag, list, number, object, oneOf, optional, table, tensor, text as words } from '../check';
import { blockHook, missingHook, select } from '../hooks';
import { input } from '../input';
import { cleanOnly, measuredPrompts } from '../patching/measured-prompts';
import { METRICS, metricReadout, type MetricId } from '../patching/metric';
import { metricReferences } from '../patching/metric-references';
import { METRIC, PROMPTS } from '../patching/patching-fields';
import { decoderOf, ENCODER_INPUT, writingOf } from '../reading';
import { refusesLogits } from '../refuses-logits';
import type { ResultTable, ResultTensor } from '../result';
import { choice, integer, number as numberField, text, type Spec } from '../spec/spec';
import { DIRECTIONS, norm, steeringDirection, type DirectionKind } from './steering-direction';
import {
  added,
  coefficients,
  continuations,
  encoded,
  hookNorm,
  answerLogits,
  outwards,
  readings,
  type SteeringPlan
} from './steering-runs';
import { DEFAULT_TEXTS, steeringTexts } from './steering-texts';
import { steeringFigures, steeringSummary } from './steering-view';

const HOOKS = ['resid_pre', 'resid_mid', 'resid_post', 'attn_out', 'mlp_out'] as const;
type HookId = (typeof HOOKS)[number];

export interface Steering {
  /** The metric [alpha, prompt]. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  readonly alphas: readonly number[];
  /** Probabilities of some next tokens, the mean over the prompts [alpha, token]. */
  readonly probabilities: ResultTensor & { readonly dtype: 'float32' };
  readonly tokens: { readonly ids: readonly number[]; readonly labels: readonly string[] };
  /** Added alpha times [feature]. */
  readonly direction: ResultTensor & { readonly dtype: 'float32' };
  readonly directionNorm: number;
  /** Mean length of the hook's own values where the direction is added. */
  readonly hookNorm: number;
  readonly source: DirectionKind;
  readonly hook: HookId;
  readonly layer: number;
  readonly where: 'all' | 'last';
  readonly metric: MetricId;
  readonly clean: Input;
  readonly prompts: number;
  /** How the first prompt goes on: alpha, text. */
  readonly continuations: ResultTable;
  /** The direction is that of the prompts, clean less corrupted: there is no tokenizer for the default texts. */
  readonly ofPrompts?: boolean;
  /** Coefficients asked for; fewer are there in a partial result. */
  readonly asked: number;
}

const SPEC = {
  prompts: { ...PROMPTS, description: `${PROMPTS.description} Here 'corrupted' may be left out.` },
  ...ENCODER_INPUT,
  source: choice({
    title: 'Direction',
    description:
      'A difference of means (positive less negative texts), the mean of what a head writes on the positive texts, or a vector.',
    options: DIRECTIONS,
    default: 'difference'
  }),
  positive: text({
    title: 'Positive texts',
    read: true,
    description: 'One a line (ids with commas, without a tokenizer).',
    default: DEFAULT_TEXTS.positive,
    maxLength: 100000
  }),
  negative: text({
    title: 'Negative texts',
    read: true,
    description: 'One a line.',
    default: DEFAULT_TEXTS.negative,
    maxLength: 100000
  }),
  over: choice({
    title: 'Mean over',
    description: 'The last token of each text, or all tokens.',
    options: ['last', 'all'],
    default: 'last'
  }),
  headLayer: integer({
    title: "Head's layer",
    description: 'Of the direction of a head.',
    default: 0,
    minimum: 0,
    maximum: 4095
  }),
  head: integer({ title: 'Head', description: 'Of the direction of a head.', default: 0, minimum: 0, maximum: 4095 }),
  vector: text({
    title: 'Vector',
    description: 'The direction itself: numbers with commas, or base64 of float32 as a result has it.',
    maxLength: 200000
  }),
  hook: choice({
    title: 'Hook',
    description: 'Where means are taken and the direction is added.',
    options: HOOKS,
    default: 'resid_post'
  }),
  layer: integer({
    title: 'Layer',
    description: 'Of the hook, counted from 0.',
    default: 0,
    minimum: 0,
    maximum: 4095
  }),
  where: choice({
    title: 'Positions',
    description: 'All positions of the prompt, or its last; new tokens are steered as well.',
    options: ['all', 'last'],
    default: 'all'
  }),
  strength: numberField({
    title: 'Strength',
    description: 'The largest coefficient; coefficients run from minus it to it.',
    default: 4,
    minimum: 0.001,
    maximum: 10000
  }),
  steps: integer({
    title: 'Steps',
    description: 'Coefficients on each side of 0.',
    default: 4,
    minimum: 1,
    maximum: 32
  }),
  metric: METRIC,
  tokens: integer({
    title: 'New tokens',
    description: 'Length of the continuations at the two ends and at 0; 0 for none.',
    default: 12,
    minimum: 0,
    maximum: 200
  })
};

const FIELDS: Check<Steering> = object<Steering>({
  values: tensor('float32', 'alpha', 'prompt'),
  alphas: list(number, 65),
  probabilities: tensor('float32', 'alpha', 'token'),
  tokens: object({ ids: list(count, 16), labels: list(words, 16) }),
  direction: tensor('float32', 'feature'),
  directionNorm: number,
  hookNorm: number,
  source: oneOf(...DIRECTIONS),
  hook: oneOf(...HOOKS),
  layer: count,
  where: oneOf('all', 'last'),
  metric: oneOf(...(Object.keys(METRICS) as MetricId[])),
  clean: input,
  prompts: count,
  continuations: table({ alpha: number, text: words }),
  ofPrompts: optional(flag),
  asked: count
});

export const steering = analysis<typeof SPEC, Steering>({
  id: 'steering',
  title: 'Steering by a direction',
  description: 'Adds a direction to the residual stream: dose and response of a metric, and how the text goes on.',
  family: 'circuits',
  theory: {
    kind: 'causal',
    statement:
      'The hook’s value becomes x + α·d at the chosen positions, for a range of coefficients α; the metric and the next token’s probabilities are read from each run, exact up to rounding. d is a difference of means over two sets of texts, what a head writes, or given.',
    caveat:
      'That a direction steers does not say that the model uses it: a long enough vector leaves the range of what the stream holds, and norms then scale everything else down. Compare its length with the stream’s own, and the response with its mirror image at −α.',
    references: [
      'Turner et al. 2023, arXiv 2308.10248',
      'Rimsky et al. 2024, arXiv 2312.06681',
      'Zou et al. 2023, arXiv 2310.01405'
    ]
  },
  spec: SPEC,
  refuses(opened) {
    const subject = decoderOf(opened);
    return refusesLogits(subject) ?? missingHook(subject, [blockHook(subject, 0, 'hook_resid_pre')]);
  },
  cost: (opened, spec) => {
    const subject = writingOf(opened, spec);
    const { prompts, hook, logits } = plan(subject, spec);
    const ids = prompts.map(({ clean }) => clean.ids);
    const list = [{ hook, op: 'scale', value: 1 } as const];
    const one = subject.cost({ ids, hooks: [hook], outputs: [logits], interventions: { list } });
    const runs = 2 * spec.steps + 1;
    const whole = spec.tokens * 3;
    const forwards = runs * one.forwards + whole;
    return {
      forwards,
      bytes: one.bytes,
      ...(one.seconds !== undefined && { seconds: (one.seconds * (runs * ids.length + whole)) / ids.length })
    };
  },
  async compute(opened, spec, context) {
    const subject = writingOf(opened, spec);
    const planned = plan(subject, spec);
    const { hook, prompts } = planned;
    const { ofPrompts, ...texts } = steeringTexts(subject, spec);
    const direction = await steeringDirection(subject, { ...spec, ...texts, hook }, context);
    const references = await metricReferences(subject, spec.metric, prompts, context);
    const readout = metricReadout(spec.metric, prompts, references);
    const runs = new Map<number, readonly Float32Array[]>();
    const all = coefficients(spec);
    const empty = planned.labels(direction, all.length, await hookNorm(subject, planned, context));
    let done: Steering = { ...empty, ...(ofPrompts && spec.source !== 'vector' && { ofPrompts }) };
    for (const alpha of outwards(all)) {
      context.signal.throwIfAborted();
      context.progress({ done: runs.size, total: all.length, label: `coefficient ${runs.size + 1} of ${all.length}` });
      runs.set(alpha, await answerLogits(subject, planned, added(planned, direction, alpha), context));
      done = { ...done, ...readings(subject, prompts, readout, runs) };
      if (runs.size < all.length) {
        context.partial?.(done);
      }
    }
    return { ...done, continuations: await continuations(subject, spec, planned, direction, context) };
  },
  completion: ({ alphas, asked }) => ({ done: alphas.length, total: asked }),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const { alphas, values, probabilities, tokens, prompts } = result;
    const wrong =
      values.shape.join() !== [alphas.length, prompts].join() ||
      probabilities.shape.join() !== [alphas.length, tokens.ids.length].join() ||
      tokens.labels.length !== tokens.ids.length ||
      alphas.length === 0 ||
      prompts === 0;
    if (wrong) {
      throw new Error(
        `'result': [${values.shape.join(', ')}] values and [${probabilities.shape.join(', ')}] probabilities for ${alphas.length} coefficients, ${prompts} prompts, ${tokens.ids.length} tokens`
      );
    }
    return result;
  },
  figures: steeringFigures,
  summary: steeringSummary
});

interface Plan extends SteeringPlan {
  /** The result before any coefficient is there. */
  labels(direction: Float32Array, asked: number, hookNorm: number): Steering;
}

function plan(subject: Subject, spec: Spec<typeof SPEC>): Plan {
  const prompts = measuredPrompts(subject, cleanOnly(spec.prompts), spec.metric, false);
  select('layer', [spec.layer], subject.tower.layers);
  const hook = blockHook(subject, spec.layer, `hook_${spec.hook}`);
  const missing = missingHook(subject, [hook]);
  if (missing !== undefined) {
    throw new Error(`steering: ${missing}`);
  }
  const { source, layer, where, metric } = spec;
  const empty = (...dims: readonly string[]) => encoded({ dims, shape: dims.map(() => 0) }, new Float32Array(0));
  return {
    prompts,
    hook,
    logits: subject.tower.head!.logits,
    where,
    labels: (direction, asked, size) => ({
      values: empty('alpha', 'prompt'),
      alphas: [],
      probabilities: empty('alpha', 'token'),
      tokens: { ids: [], labels: [] },
      direction: encoded({ dims: ['feature'], shape: [direction.length] }, direction),
      directionNorm: norm(direction),
      hookNorm: size,
      source,
      hook: spec.hook,
      layer,
      where,
      metric,
      clean: prompts[0].clean,
      prompts: prompts.length,
      continuations: { columns: { alpha: [], text: [] } },
      asked
    })
  };
}
