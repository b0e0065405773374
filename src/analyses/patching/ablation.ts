import { random } from '../../maths/random';
import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import type { Patch, PatchSource } from '../../subject/sweep';
import { ablationRows } from './ablation-rows';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { count, flag, gappedTensor, list, number, object, oneOf } from '../check';
import { baselinesOf, completionOf, type Effects } from './effects';
import { effectsFigures, effectsSummary, type EffectsView } from './effects-view';
import { blockHook, missingHook, select } from '../hooks';
import { input } from '../input';
import { cleanOnly, measuredPrompts, type MeasuredPrompt } from './measured-prompts';
import { METRICS, metricReadout, type MetricId } from './metric';
import { metricReferences } from './metric-references';
import { METRIC, PROMPTS } from './patching-fields';
import { quiet } from '../quiet';
import { decoderOf, ENCODER_INPUT, writingOf } from '../reading';
import { refusesLogits } from '../refuses-logits';
import { shortText } from '../short-text';
import { sweptEffects } from './swept-effects';
import { choice, indices, text, type Spec } from '../spec/spec';

const KINDS = ['zero', 'mean', 'resample'] as const;
type Kind = (typeof KINDS)[number];
const OVER = ['all', 'positions'] as const;

export interface Ablation extends Effects {
  readonly ablation: Kind;
  readonly over: (typeof OVER)[number];
  readonly metric: MetricId;
  readonly layers: readonly number[];
  /** Of a layer; the columns are these, then its attention as a whole, then its MLP. */
  readonly heads: number;
  readonly mlp: boolean;
  /** Rows that means were taken over or rows drawn from; 0 for zero. */
  readonly rows: number;
  /** The first prompt. */
  readonly clean: Input;
  readonly prompts: number;
  readonly method: 'positions' | 'layers' | 'whole';
}

const SPEC = {
  prompts: { ...PROMPTS, title: 'Prompts', description: `${PROMPTS.description} Here 'corrupted' may be left out.` },
  ...ENCODER_INPUT,
  ablation: choice({
    title: 'In its place',
    description: 'What stands in the place of a part: zeros, the mean of its values, or its value on another text.',
    options: KINDS,
    default: 'zero'
  }),
  over: choice({
    title: 'Mean over',
    description: 'Of a mean: over all positions of the reference texts, or each position on its own.',
    options: OVER,
    default: 'all'
  }),
  reference: text({
    title: 'Reference texts',
    read: true,
    description:
      'For mean and resample, one text a line. Absent: the prompts themselves (resample: their corrupted versions, or else another prompt).',
    maxLength: 20000
  }),
  metric: METRIC,
  layers: indices({ title: 'Layers', description: 'Layers to ablate, counted from 0; absent = all.' })
};

const DIMS = ['layer', 'component'] as const;

const FIELDS: Check<Ablation> = object<Ablation>({
  values: gappedTensor(DIMS),
  deviations: gappedTensor(DIMS),
  baselines: object({ clean: number, corrupted: number }),
  normalised: flag,
  done: count,
  ablation: oneOf(...KINDS),
  over: oneOf(...OVER),
  metric: oneOf(...(Object.keys(METRICS) as MetricId[])),
  layers: list(count),
  heads: count,
  mlp: flag,
  rows: count,
  clean: input,
  prompts: count,
  method: oneOf('positions', 'layers', 'whole')
});

export const ablation = analysis<typeof SPEC, Ablation>({
  id: 'ablation',
  title: 'Ablation of parts',
  description: 'What the answer loses without each head, each attention layer and each MLP, one at a time.',
  family: 'circuits',
  theory: {
    kind: 'causal',
    statement:
      'The run is repeated with one part’s output replaced by zeros, by its mean over reference texts, or by its value on another text; the change of the metric is that part’s total effect, exact up to rounding.',
    caveat:
      'Zeros are values that the model never met, so that zero ablation also measures the surprise; means and other texts keep the part’s usual size. A part that others back up loses nothing when it is ablated alone.',
    references: [
      'Michel et al. 2019, arXiv 1905.10650',
      'Wang et al. 2022, arXiv 2211.00593',
      'McGrath et al. 2023, arXiv 2307.15771'
    ]
  },
  spec: SPEC,
  refuses(opened) {
    const subject = decoderOf(opened);
    return refusesLogits(subject) ?? missingHook(subject, hooksOf(subject, [0]));
  },
  cost: (opened, spec) => {
    const subject = writingOf(opened, spec);
    const { base, patches, prompts } = plan(subject, spec);
    const readout = metricReadout(spec.metric, prompts);
    return subject.sweepCost({ base, source: { kind: 'zero' }, patches, readout });
  },
  async compute(opened, spec, context, seed) {
    const subject = writingOf(opened, spec);
    const planned = plan(subject, spec);
    const { base, prompts, axes } = planned;
    const references = await metricReferences(subject, spec.metric, prompts, context);
    const { source, rows } = await sourceOf(subject, spec, planned, seed, context);
    return sweptEffects(
      {
        ...axes,
        labels: { ...planned.labels, rows },
        metric: spec.metric,
        normalise: false,
        baselines: values => baselinesOf(values, undefined, false),
        sweep: (cells, { onStart, onCell }) =>
          subject.sweep(
            {
              base,
              source,
              patches: cells.map(cell => planned.patches[cell]),
              readout: metricReadout(spec.metric, prompts, references),
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
    const shape = [result.layers.length, columnNames(result).length];
    for (const tensor of [result.values, result.deviations]) {
      if (tensor.shape.join() !== shape.join() || shape.includes(0)) {
        throw new Error(`'result': effects of shape [${tensor.shape.join(', ')}] where [${shape.join(', ')}] belongs`);
      }
    }
    return result;
  },
  figures: result => effectsFigures(viewOf(result)),
  summary: result => effectsSummary(viewOf(result))
});

interface Plan {
  readonly base: readonly (readonly number[])[];
  readonly prompts: readonly MeasuredPrompt[];
  readonly patches: readonly Patch[];
  readonly axes: { readonly dims: readonly string[]; readonly shape: readonly number[] };
  readonly labels: Omit<Ablation, keyof Effects | 'method' | 'rows'>;
}

/** What each layer's columns change. */
const hooksOf = (subject: Subject, layers: readonly number[]): readonly string[] =>
  layers.flatMap(layer => [
    blockHook(subject, layer, 'attn.hook_z'),
    blockHook(subject, layer, 'hook_attn_out'),
    ...(subject.tower.mlp === 'none' ? [] : [blockHook(subject, layer, 'hook_mlp_out')])
  ]);

/** Everything that is known before anything runs; throws for what the model or the prompts do not have. */
function plan(subject: Subject, spec: Spec<typeof SPEC>): Plan {
  const prompts = measuredPrompts(
    subject,
    spec.ablation === 'resample' ? spec.prompts : cleanOnly(spec.prompts),
    spec.metric,
    false
  );
  const { tower } = subject;
  const layers = select('layers', spec.layers, tower.layers);
  const missing = missingHook(subject, hooksOf(subject, layers));
  if (missing !== undefined) {
    throw new Error(`ablation: ${missing}`);
  }
  const patches = layers.flatMap((layer): Patch[] => {
    const [z, ...whole] = hooksOf(subject, [layer]);
    const heads = Array.from({ length: tower.heads }, (_, head): Patch => ({ hook: z, heads: [head] }));
    return [...heads, ...whole.map(hook => ({ hook }))];
  });
  const mlp = tower.mlp !== 'none';
  return {
    prompts,
    base: prompts.map(({ clean }) => clean.ids),
    patches,
    axes: { dims: DIMS, shape: [layers.length, patches.length / layers.length] },
    labels: {
      ablation: spec.ablation,
      over: spec.over,
      metric: spec.metric,
      layers,
      heads: tower.heads,
      mlp,
      clean: prompts[0].clean,
      prompts: prompts.length
    }
  };
}

async function sourceOf(
  subject: Subject,
  spec: Spec<typeof SPEC>,
  { prompts, labels }: Plan,
  seed: number,
  context: Context
): Promise<{ readonly source: PatchSource; readonly rows: number }> {
  if (spec.ablation === 'zero') {
    return { source: { kind: 'zero' }, rows: 0 };
  }
  const rows = ablationRows(subject, spec, prompts, random(seed));
  if (spec.ablation === 'resample') {
    return { source: { kind: 'run', ids: rows }, rows: rows.length };
  }
  const over = spec.over === 'all' ? 'all' : 'rows';
  const means = await subject.means({ ids: rows, hooks: hooksOf(subject, labels.layers), over }, quiet(context));
  const length = labels.clean.ids.length;
  return { source: { kind: 'values', of: hook => along(means.get(hook), length) }, rows: rows.length };
}

/** A mean over all positions stands at each of them. */
function along(mean: Tensor, length: number): Tensor {
  const [, positions, ...rest] = mean.dims;
  if (positions === length) {
    return mean;
  }
  const { data } = mean;
  const repeated = new Float32Array(data.length * length);
  Array.from({ length }, (_, at) => repeated.set(data as Float32Array, at * data.length));
  return { dims: [1, length, ...rest], type: 'float32', data: repeated };
}

const columnNames = ({ heads, mlp }: Ablation): readonly string[] => [
  ...Array.from({ length: heads }, (_, head) => String(head)),
  'attention',
  ...(mlp ? ['MLP'] : [])
];

const PUT: Readonly<Record<Kind, (result: Ablation) => string>> = {
  zero: () => 'zeros',
  mean: ({ rows, over }) =>
    `the mean over ${rows} text${rows === 1 ? '' : 's'}${over === 'all' ? ' and all positions' : ', position by position'}`,
  resample: () => 'its value on another text'
};

function viewOf(result: Ablation): EffectsView {
  const { layers, heads, metric, prompts, baselines, clean, ablation: kind } = result;
  const { title, unit } = METRICS[metric];
  const columns = columnNames(result);
  const words = shortText(clean.labels.join('').replaceAll('·', ' '), 80);
  return {
    title: `Ablation (${kind})`,
    effects: result,
    rows: { title: 'layer', labels: layers.map(String) },
    columns: { title: result.mlp ? 'head, whole attention, MLP' : 'head, whole attention', labels: columns },
    cell: (row, column) => (column < heads ? `L${layers[row]}H${column}` : `${columns[column]} ${layers[row]}`),
    metric: title,
    unit,
    prompts,
    reference: `${title} unablated: ${baselines.clean.toFixed(4)} ${unit}; ${prompts} prompt${prompts > 1 ? 's' : ''}`,
    caption:
      `Each part's output replaced by ${PUT[kind](result)}: change of the ${title} from ${baselines.clean.toFixed(3)} ${unit}. ` +
      `Prompt “${words}”${prompts > 1 ? ` and ${prompts - 1} more, the mean of all` : ''}.`
  };
}
