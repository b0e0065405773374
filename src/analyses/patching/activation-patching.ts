import type { Input, Subject } from '../../subject/subject';
import type { Patch, SweepRequest } from '../../subject/sweep';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { count, flag, gappedTensor, list, number, object, oneOf } from '../check';
import { baselinesOf, completionOf, type Effects } from './effects';
import { effectsFigures, effectsSummary, type EffectsView } from './effects-view';
import { blockHook, missingHook, select } from '../hooks';
import { input } from '../input';
import { decoderOf, ENCODER_INPUT, writingOf } from '../reading';
import { refusesLogits } from '../refuses-logits';
import { measuredPrompts, type MeasuredPrompt } from './measured-prompts';
import { METRICS, metricReadout, type MetricId } from './metric';
import { metricReferences } from './metric-references';
import {
  DIRECTION,
  METRIC,
  NORMALISE,
  PATCHED_HEADS,
  PATCHED_LAYERS,
  PATCHED_POSITIONS,
  PROMPTS
} from './patching-fields';
import { shortText } from '../short-text';
import { sweptEffects } from './swept-effects';
import { choice, type Spec } from '../spec/spec';

/** Short names of the hooks, and their names in a block; whether they have heads. */
const HOOKS = {
  z: { name: 'attn.hook_z', heads: true, what: "heads' results (z)" },
  q: { name: 'attn.hook_q', heads: true, what: 'queries' },
  k: { name: 'attn.hook_k', heads: true, what: 'keys' },
  v: { name: 'attn.hook_v', heads: true, what: 'values' },
  pattern: { name: 'attn.hook_pattern', heads: true, what: 'attention patterns' },
  resid_pre: { name: 'hook_resid_pre', heads: false, what: 'residual stream before the block' },
  resid_mid: { name: 'hook_resid_mid', heads: false, what: 'residual stream between attention and MLP' },
  resid_post: { name: 'hook_resid_post', heads: false, what: 'residual stream after the block' },
  attn_out: { name: 'hook_attn_out', heads: false, what: 'attention outputs' },
  mlp_out: { name: 'hook_mlp_out', heads: false, what: 'MLP outputs' },
  cross_z: { name: 'cross_attn.hook_z', heads: true, what: "the cross-attention's heads' results (z)" },
  cross_attn_out: { name: 'hook_cross_attn_out', heads: false, what: "the cross-attention's outputs" }
} as const;
type HookId = keyof typeof HOOKS;

const DIMS = { head: ['layer', 'head'], position: ['layer', 'position'], both: ['layer', 'head', 'position'] } as const;
type By = keyof typeof DIMS;

export interface ActivationPatching extends Effects {
  readonly hook: HookId;
  readonly metric: MetricId;
  readonly direction: 'denoising' | 'noising';
  /** The model's own numbers of the axes. */
  readonly layers: readonly number[];
  readonly heads: readonly number[];
  readonly positions: readonly number[];
  /** Of the first prompt. */
  readonly clean: Input;
  readonly corrupted: Input;
  readonly prompts: number;
  /** How the sweep was made. */
  readonly method: 'positions' | 'layers' | 'whole';
}

const SPEC = {
  prompts: PROMPTS,
  ...ENCODER_INPUT,
  hook: choice<HookId>({
    title: 'Hook',
    description: 'What is patched; cross_z and cross_attn_out in decoders that read an encoder.',
    options: Object.keys(HOOKS) as HookId[],
    default: 'z'
  }),
  by: choice({
    title: 'By',
    description: 'One patch for each head, or for each head and position. Hooks without heads are patched by position.',
    options: ['head', 'head-and-position'],
    default: 'head'
  }),
  metric: METRIC,
  direction: DIRECTION,
  normalise: NORMALISE,
  layers: PATCHED_LAYERS,
  heads: PATCHED_HEADS,
  positions: PATCHED_POSITIONS
};

const FIELDS: Check<ActivationPatching> = object<ActivationPatching>({
  values: gappedTensor(DIMS.head, DIMS.position, DIMS.both),
  deviations: gappedTensor(DIMS.head, DIMS.position, DIMS.both),
  baselines: object({ clean: number, corrupted: number }),
  normalised: flag,
  done: count,
  hook: oneOf(...(Object.keys(HOOKS) as HookId[])),
  metric: oneOf(...(Object.keys(METRICS) as MetricId[])),
  direction: oneOf('denoising', 'noising'),
  layers: list(count),
  heads: list(count),
  positions: list(count),
  clean: input,
  corrupted: input,
  prompts: count,
  method: oneOf('positions', 'layers', 'whole')
});

export const activationPatching = analysis<typeof SPEC, ActivationPatching>({
  id: 'activation-patching',
  title: 'Activation patching',
  description: 'Which activations carry the difference between two prompts: values of one run put into the other.',
  family: 'circuits',
  theory: {
    kind: 'causal',
    statement:
      'The run on one prompt is repeated with one activation replaced by its value in the run on the other; the change of the metric is that activation’s total causal effect, exact up to rounding. 0: as without the patch; 1 (denoising) or −1 (noising): the whole difference between the two runs.',
    caveat:
      'Effects of single patches do not add up: parts that back one another up show nothing when patched alone, and denoising finds what suffices, noising what is needed. The corrupted prompt decides which differences are seen: try two.',
    references: [
      'Vig et al. 2020, arXiv 2004.12265',
      'Wang et al. 2022, arXiv 2211.00593',
      'Heimersheim & Nanda 2024, arXiv 2404.15255'
    ]
  },
  spec: SPEC,
  refuses(opened) {
    const subject = decoderOf(opened);
    return refusesLogits(subject) ?? missingHook(subject, [blockHook(subject, 0, HOOKS.resid_pre.name)]);
  },
  cost: (opened, spec) => {
    const subject = writingOf(opened, spec);
    const { request } = plan(subject, spec);
    return subject.sweepCost(request);
  },
  async compute(opened, spec, context) {
    const subject = writingOf(opened, spec);
    const planned = plan(subject, spec);
    const references = await metricReferences(subject, spec.metric, planned.prompts, context);
    const { prompts, patches, request, labels, axes } = planned;
    return sweptEffects(
      {
        ...axes,
        labels,
        metric: spec.metric,
        normalise: spec.normalise,
        baselines: (base, source) => baselinesOf(base, source, spec.direction === 'denoising'),
        sweep: (cells, { onStart, onCell }) =>
          subject.sweep(
            {
              ...request,
              readout: metricReadout(spec.metric, prompts, references),
              patches: cells.map(cell => patches[cell]),
              onStart,
              onPatch: onCell
            },
            context
          )
      },
      context
    );
  },
  completion: completionOf,
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const { heads, positions, layers } = result;
    const sizes: Readonly<Record<string, number>> = {
      layer: layers.length,
      head: heads.length,
      position: positions.length
    };
    for (const tensor of [result.values, result.deviations]) {
      const wrong = tensor.dims.findIndex((name, axis) => tensor.shape[axis] !== sizes[name] || sizes[name] === 0);
      if (wrong >= 0) {
        throw new Error(
          `'result': axis '${tensor.dims[wrong]}' has ${tensor.shape[wrong]} places, named are ${sizes[tensor.dims[wrong]]}`
        );
      }
    }
    const outside = positions.find(position => position >= result.clean.labels.length);
    if (outside !== undefined || result.corrupted.labels.length !== result.clean.labels.length) {
      throw new Error(`'result.positions': ${outside ?? 'tokens'} do not fit ${result.clean.labels.length} tokens`);
    }
    return result;
  },
  figures: result => effectsFigures(viewOf(result)),
  summary: result => effectsSummary(viewOf(result))
});

interface Plan {
  readonly request: SweepRequest;
  readonly prompts: readonly MeasuredPrompt[];
  readonly patches: readonly Patch[];
  readonly axes: { readonly dims: readonly string[]; readonly shape: readonly number[] };
  readonly labels: Omit<ActivationPatching, keyof Effects | 'method'>;
}

/** Everything that is known before anything runs; throws for what the model or the prompts do not have. */
function plan(subject: Subject, spec: Spec<typeof SPEC>): Plan {
  const { name, heads: hasHeads } = HOOKS[spec.hook];
  const prompts = measuredPrompts(subject, spec.prompts, spec.metric, true);
  const length = prompts[0].clean.ids.length;
  const { tower } = subject;
  const layers = select('layers', spec.layers, tower.layers);
  const missing = missingHook(
    subject,
    layers.map(layer => blockHook(subject, layer, name))
  );
  if (missing !== undefined) {
    throw new Error(`activation patching: ${missing}`);
  }
  const by: By = !hasHeads ? 'position' : spec.by === 'head' ? 'head' : 'both';
  const count = spec.hook === 'k' || spec.hook === 'v' ? tower.kvHeads : tower.heads;
  const heads = hasHeads ? select('heads', spec.heads, count) : [];
  const positions = select('positions', spec.positions, length);
  const [clean, corrupted] = [prompts.map(prompt => prompt.clean.ids), prompts.map(prompt => prompt.corrupted.ids)];
  const denoising = spec.direction === 'denoising';
  const patches = layers.flatMap(layer =>
    (hasHeads ? heads : [undefined]).flatMap(head =>
      (by === 'head' ? [undefined] : positions).map((position): Patch => ({
        hook: blockHook(subject, layer, name),
        ...(head !== undefined && { heads: [head] }),
        pos: position === undefined ? positions : [position]
      }))
    )
  );
  const shape = [layers.length, ...(hasHeads ? [heads.length] : []), ...(by === 'head' ? [] : [positions.length])];
  return {
    prompts,
    patches,
    request: {
      base: denoising ? corrupted : clean,
      source: { kind: 'run', ids: denoising ? clean : corrupted },
      patches,
      readout: metricReadout(spec.metric, prompts)
    },
    axes: { dims: DIMS[by], shape },
    labels: {
      hook: spec.hook,
      metric: spec.metric,
      direction: spec.direction,
      layers,
      heads,
      positions,
      clean: prompts[0].clean,
      corrupted: prompts[0].corrupted,
      prompts: prompts.length
    }
  };
}

function viewOf(result: ActivationPatching): EffectsView {
  const { layers, heads, positions, clean, corrupted, hook, metric, direction } = result;
  const tokens = positions.map(position => {
    const [own, other] = [clean.labels[position], corrupted.labels[position]];
    return `${position} ${own === other ? own : `${own}/${other}`}`;
  });
  const names = layers.flatMap(layer => (heads.length ? heads.map(head => `L${layer}H${head}`) : [`L${layer}`]));
  const [rows, columns] = [
    result.values.dims.length === 2 ? { title: 'layer', labels: layers.map(String) } : { title: 'head', labels: names },
    result.values.dims.includes('position')
      ? { title: 'position', labels: tokens }
      : { title: 'head', labels: heads.map(String) }
  ];
  const cell = (row: number, column: number): string =>
    columns.title === 'head' ? `L${layers[row]}H${heads[column]}` : `${names[row]} at ${tokens[column]}`;
  const { title, unit } = METRICS[metric];
  const [into, from] = direction === 'denoising' ? ['corrupted', 'clean'] : ['clean', 'corrupted'];
  const what = `${HOOKS[hook].what} of the ${from} run put into the ${into} run`;
  const scale = result.normalised
    ? `0 is the ${into} run, ${direction === 'denoising' ? '1' : '−1'} the ${from} one.`
    : `Changes from the ${into} run.`;
  const shown = (words: Input): string => shortText(words.labels.join('').replaceAll('·', ' '), 80);
  return {
    title: `Activation patching: ${HOOKS[hook].what}`,
    effects: result,
    rows,
    columns,
    cell,
    metric: title,
    unit,
    prompts: result.prompts,
    caption: `${what[0].toUpperCase()}${what.slice(1)}. ${scale} Clean “${shown(clean)}”, corrupted “${shown(corrupted)}”${result.prompts > 1 ? ` and ${result.prompts - 1} more` : ''}.`
  };
}
