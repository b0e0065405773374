import { heatmaps, type Panel } from '../../figures/heatmaps';
import type { PlotlyFigure } from '../../figures/figure';
import { linearAlgebra, type LinearAlgebra } from '../../maths/linear-algebra';
import { matrix, transpose, type Matrix } from '../../maths/matrix';
import { spectrumStatistics } from '../../maths/spectrum-statistics';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import type { WeightName } from '../../subject/weights/weight-table';
import { stating } from '../departures';
import { analysis } from '../analysis';
import { agree, count, list, number, object, tensor, type Check } from '../check';
import { INPUT } from '../spec/fields';
import { floats } from '../floats';
import { headName, indexLabels, matrices, ranked } from '../attention/head-values';
import { blockHook, missingHook } from '../hooks';
import { input, inputOf } from '../input';
import { quiet } from '../quiet';
import type { ResultTensor } from '../result';
import { shortText } from '../short-text';
import { encodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';
import { inRandomOrder } from './random-order';

const DIMS = ['measure', 'layer', 'head'] as const;
const TITLES = [
  'QK effective rank',
  'QK stable rank',
  'OV effective rank',
  'OV stable rank',
  'rank of scores'
] as const;

export interface HeadRank {
  /** [measure, layer, head], in dimensions: of W_Q·W_Kᵀ, of W_V·W_O, and the numerical rank of q·kᵀ on the text. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  readonly dHead: number;
  /** Mean over the heads of the first four with the entries of each head's matrices in a random order. */
  readonly shuffled: readonly number[];
  readonly input: Input;
}

const SPEC = { ...INPUT };

const FIELDS: Check<HeadRank> = object<HeadRank>({
  values: tensor('float32', ...DIMS),
  dHead: count,
  shuffled: list(number, 4),
  input
});

const WEIGHTS: readonly WeightName[] = ['W_Q', 'W_K', 'W_V', 'W_O'];

export const headRank = stating(
  analysis<typeof SPEC, HeadRank>({
    id: 'head-rank',
    title: 'Head rank',
    description:
      'Over how many dimensions each head compares and moves: ranks of its QK and OV maps, and of its scores on a text.',
    family: 'expressivity',
    measure: 'E4',
    theory: {
      kind: 'identity',
      statement:
        'W_Q·W_Kᵀ, W_V·W_O and the scores q·kᵀ of a head have rank d_head at most: with more tokens than that, some attention patterns cannot be reached by any input (Bhojanapalli et al. 2020). Effective rank: exp of the entropy of the normalised singular values (Roy & Vetterli 2007); stable rank: Σσ²/σ₁².',
      caveat:
        'The theorem is of one head; several heads and layers share the work. Biases, rotation and positions added to the scores change their rank beyond W_Q·W_Kᵀ, so that the scores of the text are measured themselves, before mask and softmax. A low rank may be all that a head needs.',
      references: [
        'Bhojanapalli et al. 2020, arXiv 2002.07028',
        'Amsel, Yehudai & Bruna 2024, arXiv 2410.10853',
        'Roy & Vetterli 2007, EUSIPCO'
      ]
    },
    spec: SPEC,
    refuses(subject) {
      const missing = WEIGHTS.find(name => !subject.weights.names.includes(name));
      return missing === undefined
        ? missingHook(subject, scoreHooks(subject).flat())
        : `the weight ${missing} is not stored as numbers that are understood`;
    },
    cost: (subject, spec) => subject.cost({ ids: [inputOf(subject, spec).ids], hooks: scoreHooks(subject).flat() }),
    async compute(subject, spec, context, seed) {
      const read = inputOf(subject, spec);
      const algebra = await linearAlgebra();
      const { layers, heads } = subject.tower;
      const values = new Float32Array(TITLES.length * layers * heads);
      const shuffled = Array<number>(4).fill(0);
      for (let layer = 0; layer < layers; layer++) {
        context.progress({ done: layer, total: layers, label: `layer ${layer + 1} of ${layers}` });
        const weights = headWeights(subject, layer);
        const scores = await scoreRanks(subject, layer, read.ids, algebra, context);
        for (let head = 0; head < heads; head++) {
          await new Promise(resolve => setTimeout(resolve));
          context.signal.throwIfAborted();
          const own = mapRanks(weights[head], algebra);
          [...own, scores[head]].forEach((value, m) => (values[(m * layers + layer) * heads + head] = value));
          const other = mapRanks(
            weights[head].map((one, i) => inRandomOrder(one, seed + (layer * heads + head) * 4 + i)),
            algebra
          );
          other.forEach((value, m) => (shuffled[m] += value / (layers * heads)));
        }
      }
      const encoded = encodeTensor({ dims: DIMS, shape: [TITLES.length, layers, heads], unit: 'dimensions' }, values);
      return { values: { ...encoded, dtype: 'float32' }, dHead: subject.tower.dHead, shuffled, input: read };
    },
    validateResult(value) {
      const result = FIELDS(value, 'result');
      agree('result.values measures', TITLES.length, result.values.shape[0]);
      agree('result.shuffled', 4, result.shuffled.length);
      if (result.values.shape.includes(0)) {
        throw new Error(`'result.values' has shape [${result.values.shape.join(', ')}]: an empty axis`);
      }
      return result;
    },
    figures: result => [maps(result)],
    summary: result => summary(result)
  }),
  ['heads', 'biases', 'positions', 'groups', 'softcap']
);

/** Of each layer its queries and its keys as they are compared: rotated where the model rotates. */
function scoreHooks(subject: Subject): string[][] {
  return subject.tower.blocks.map(({ attention }, layer) =>
    ['q', 'k'].map(name => blockHook(subject, layer, `attn.hook_${attention.rotary ? 'rot_' : ''}${name}`))
  );
}

/** W_Q [d, d_h], W_K [d, d_h], W_V [d, d_h], W_Oᵀ [d, d_h] of each head; keys and values of its group. */
function headWeights(subject: Subject, layer: number): Matrix[][] {
  const { heads, kvHeads } = subject.tower;
  const stacks = WEIGHTS.map(name => {
    const { dims, data } = subject.weights.read(name, { layers: [layer] });
    const [, , rows, columns] = dims;
    return (head: number): Matrix =>
      matrix(rows, columns, (data as Float32Array).subarray(head * rows * columns, (head + 1) * rows * columns));
  });
  return Array.from({ length: heads }, (_, head) => {
    const group = Math.floor(head / (heads / kvHeads));
    return [stacks[0](head), stacks[1](group), stacks[2](group), transpose(stacks[3](head))];
  });
}

/** Effective and stable rank of W_Q·W_Kᵀ and of W_V·W_O. */
function mapRanks([q, k, v, o]: readonly Matrix[], algebra: LinearAlgebra): number[] {
  return [productSpectrum(q, k, algebra), productSpectrum(v, o, algebra)]
    .map(spectrumStatistics)
    .flatMap(({ effectiveRank, stableRank }) => [effectiveRank, stableRank]);
}

/** Singular values of a·bᵀ, a [m, k] and b [n, k]: those of R_a·R_bᵀ of their QR decompositions, k × k. */
function productSpectrum(a: Matrix, b: Matrix, algebra: LinearAlgebra): Float64Array {
  const [left, right] = [a, b].map(one => algebra.qr(one).r);
  return algebra.singularValues(algebra.multiply(left, transpose(right)));
}

/** Numerical rank of q·kᵀ: singular values above σ₁ · T · 2⁻²³. */
async function scoreRanks(
  subject: Subject,
  layer: number,
  ids: readonly number[],
  algebra: LinearAlgebra,
  context: Context
): Promise<number[]> {
  const hooks = scoreHooks(subject)[layer];
  const cache = await subject.forward({ ids: [ids], hooks }, quiet(context));
  const [q, k] = hooks.map(name => {
    const read = cache.get(name);
    return { heads: read.dims[2], width: read.dims[3], data: floats(read, name) };
  });
  return Array.from({ length: q.heads }, (_, head) => {
    const of = ({ heads, width, data }: typeof q, at: number): Matrix =>
      matrix(
        ids.length,
        width,
        ids.flatMap((__, pos) => Array.from(data.subarray((pos * heads + at) * width, (pos * heads + at + 1) * width)))
      );
    const singular = productSpectrum(of(q, head), of(k, Math.floor(head / (q.heads / k.heads))), algebra);
    return singular.filter(value => value > singular[0] * ids.length * 2 ** -23).length;
  });
}

function maps(result: HeadRank): PlotlyFigure {
  const [, layers, heads] = result.values.shape;
  const values = matrices(result.values);
  const { dHead, shuffled, input: read } = result;
  const panel = (measure: number): Panel => ({
    title: TITLES[measure],
    unit: 'dimensions',
    range: [0, Math.max(1, dHead, ...values[measure].flat())],
    values: values[measure]
  });
  const names = values[0].flatMap((row, l) =>
    row.map((_, h) => [headName(l, h), ...values.map(one => Number(one[l][h].toFixed(3)))])
  );
  return heatmaps({
    title: 'Head rank',
    caption: `At most d_head = ${dHead} for each map; the text has ${read.ids.length} tokens${read.ids.length > dHead ? ', more than that: some patterns cannot be reached by a head' : ''}. With shuffled matrices: QK effective ${shuffled[0].toFixed(1)}, OV effective ${shuffled[2].toFixed(1)}. Layer 0 is at the top.`,
    alt: shortText(`Ranks of ${layers} layers × ${heads} heads, at most ${dHead}. ${extremes(result).join('; ')}.`),
    panels: [panel(0), panel(2), panel(4)],
    rows: { title: 'layer', labels: indexLabels(layers) },
    columns: { title: 'head', labels: indexLabels(heads) },
    cell: headName,
    table: { columns: ['head', ...TITLES], rows: names.slice(0, 50), omitted: Math.max(0, names.length - 50) }
  });
}

/** The lowest and the highest head of the two effective ranks. */
const extremes = (result: HeadRank): string[] =>
  [0, 2].map(measure => {
    const all = ranked(matrices(result.values)[measure]);
    const [highest, lowest] = [all[0], all[all.length - 1]];
    return `${TITLES[measure]}: lowest ${headName(lowest.layer, lowest.head)} ${lowest.value.toFixed(1)}, highest ${headName(highest.layer, highest.head)} ${highest.value.toFixed(1)}`;
  });

function summary(result: HeadRank): string {
  const [, layers, heads] = result.values.shape;
  const values = matrices(result.values);
  const step = Math.ceil(layers / 24);
  const mean = (row: readonly number[]): number => Number((row.reduce((a, b) => a + b, 0) / row.length).toPrecision(4));
  return [
    `Head rank: ${layers} layers x ${heads} heads, d_head ${result.dHead}, ${result.input.ids.length} tokens`,
    `shuffled matrices: ${result.shuffled.map((value, m) => `${TITLES[m]} ${value.toFixed(2)}`).join(', ')}`,
    ...extremes(result),
    'means over the heads by layer:',
    ...textTable(
      ['layer', ...TITLES],
      indexLabels(layers)
        .filter((_, l) => l % step === 0)
        .map(l => [l, ...values.map(one => mean(one[Number(l)]))])
    )
  ].join('\n');
}
