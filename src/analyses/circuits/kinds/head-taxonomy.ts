import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { agree, count, flag, gappedTensor, list, number, object, optional, orNull, tensor, text } from '../../check';
import { INPUT } from '../../spec/fields';
import { input } from '../../input';
import { patternCost, refusesPatterns, visitPatterns, type LayerPattern } from '../../attention/pattern-runs';
import type { Spec } from '../../spec/spec';
import { choice, flag as flagField, integer } from '../../spec/spec';
import { encodeTensor } from '../../tensor-codec';
import { copyingScores, refusesCopying } from './copying';
import { distanceShare } from './distance-share';
import { cellsOf, HEAD_KINDS } from './head-kinds';
import { kindScores, type Excluded } from './kind-scores';
import { taxonomyRows, type TaxonomyRows } from './taxonomy-rows';
import { taxonomyFigures, taxonomySummary, type HeadTaxonomy } from './taxonomy-view';
import { uniformAttention } from './uniform-attention';
import { uniformShare } from './uniform-share';

const SHORTEST = 4;
/** Copying is read on so many sequences at most: it multiplies by the unembedding. */
const MOST_COPYING = 4;

const SPEC = {
  on: choice({
    title: 'On',
    description: 'Random tokens repeated once, or one text.',
    options: ['random', 'text'],
    default: 'random'
  }),
  ...INPUT,
  batch: integer({
    title: 'Sequences',
    description: 'Random sequences to average over.',
    default: 5,
    minimum: 1,
    maximum: 64
  }),
  length: integer({
    title: 'Length',
    description: 'Random tokens of a block, which is repeated once; shortened where the model has too few positions.',
    default: 30,
    minimum: SHORTEST,
    maximum: 512
  }),
  measure: choice({
    title: 'Measure',
    description:
      "What is shown: the share of weight in rows that have somewhere to look ('weight'), in all rows (detect_head's 'mul'), or 1 − the mean distance from the ideal pattern ('abs').",
    options: ['weight', 'mul', 'abs'],
    default: 'weight'
  }),
  window: integer({
    title: 'Window',
    description: 'Tokens that count as local: the current one and those before it (in encoders, on both sides).',
    default: 5,
    minimum: 2,
    maximum: 512
  }),
  exclude_first: flagField({
    title: 'Exclude the first token',
    description: 'Leave weight on the first token out of every score.',
    default: false
  }),
  exclude_current: flagField({
    title: 'Exclude the current token',
    description: 'Leave weight on the current token out of every score.',
    default: false
  })
};

type TaxonomySpec = Spec<typeof SPEC>;

const KIND = ['kind', 'layer', 'head'] as const;

const FIELDS: Check<HeadTaxonomy> = object<HeadTaxonomy>({
  values: gappedTensor(KIND),
  mul: gappedTensor(KIND),
  abs: gappedTensor(KIND),
  positional: tensor('float32', 'layer', 'head'),
  alike: tensor('float32', 'layer', 'head'),
  copying: object({ scores: orNull(tensor('float32', 'layer', 'head')), why: text }),
  baselines: list(orNull(number), HEAD_KINDS.length),
  window: count,
  sequences: count,
  tokens: count,
  bos: flag,
  input: optional(input)
});

export const headTaxonomy = analysis<typeof SPEC, HeadTaxonomy>({
  id: 'head-taxonomy',
  title: 'Head taxonomy',
  description:
    'What kind each head is: previous, duplicate, induction, current, first token, local, positional, copying.',
  family: 'circuits',
  measure: 'I2',
  theory: {
    kind: 'identity',
    statement:
      'Each head’s attention is compared with ideal patterns: the share of its weight on the ideal’s places, in rows that have any or in all rows (TransformerLens’s detect_head, mul), or 1 − mean |A − D|·T (abs). On random tokens repeated once the induction score is prefix matching. Positional: the share of weight that a head looking by distance alone would have in common with it, on random tokens whose repetitions lie at random distances. Copying: how much a head directly raises the logit of the token it attends to, above the mean of the sequence’s tokens.',
    caveat:
      'A kind says where a head looks on these tokens, not what it does elsewhere, nor that it matters: that needs an intervention. Kinds overlap: a previous-token head is also local and positional. In the measures of all rows (mul, abs) half of a repeated sequence has nothing to match, so that no induction head reaches 1.',
    references: [
      'Olsson et al. 2022, arXiv 2209.11895',
      'Nanda & Bloom, TransformerLens: head_detector.detect_head',
      'Voita et al. 2019, arXiv 1905.09418',
      'Xiao et al. 2023, arXiv 2309.17453'
    ]
  },
  spec: SPEC,
  refuses(subject) {
    const positions = subject.maxPositions;
    return positions !== undefined && positions < 2 * SHORTEST
      ? `the model has ${positions} positions, repeated tokens need ${2 * SHORTEST}`
      : refusesPatterns(subject);
  },
  cost(subject, spec) {
    const rows = taxonomyRows(subject, spec, 0);
    const { forwards, bytes } = patternCost(subject, { rows: allRows(rows), layers: layersOf(subject) });
    return { forwards: forwards + copyingRows(subject, rows).length, bytes };
  },
  compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [kinds, ...heads] = result.values.shape;
    agree('result.values kinds', HEAD_KINDS.length, kinds);
    agree('result.baselines', HEAD_KINDS.length, result.baselines.length);
    const shapes = [result.mul.shape.slice(1), result.abs.shape.slice(1), result.positional.shape, result.alike.shape];
    const other = [...shapes, ...(result.copying.scores ? [result.copying.scores.shape] : [])].find(
      one => one.join() !== heads.join()
    );
    if (other || heads.includes(0) || result.mul.shape[0] !== kinds || result.abs.shape[0] !== kinds) {
      throw new Error(`'result': scores of [${(other ?? heads).join(', ')}] heads beside [${heads.join(', ')}]`);
    }
    return result;
  },
  figures: (result, spec) => taxonomyFigures(result, spec.measure),
  summary: (result, spec) => taxonomySummary(result, spec.measure)
});

const layersOf = ({ tower }: Subject): number[] => Array.from({ length: tower.layers }, (_, layer) => layer);

const allRows = ({ rows, scattered, input: read }: TaxonomyRows): readonly (readonly number[])[] =>
  read ? rows : [...rows, ...scattered];

const copyingRows = (subject: Subject, { rows }: TaxonomyRows): readonly (readonly number[])[] =>
  refusesCopying(subject) === undefined ? rows.slice(0, MOST_COPYING) : [];

/** Running means that leave out what is not a number. */
class Means {
  private readonly sums: Float64Array;
  private readonly counts: Float64Array;

  constructor(length: number) {
    this.sums = new Float64Array(length);
    this.counts = new Float64Array(length);
  }

  add(at: number, value: number): void {
    if (!Number.isNaN(value)) {
      this.sums[at] += value;
      this.counts[at]++;
    }
  }

  values = (): Float32Array => Float32Array.from(this.sums, (sum, at) => sum / this.counts[at]);
}

async function compute(subject: Subject, spec: TaxonomySpec, context: Context, seed: number): Promise<HeadTaxonomy> {
  const { layers, heads, causal } = subject.tower;
  const shown = taxonomyRows(subject, spec, seed);
  const length = shown.rows[0].length;
  const cells = shown.rows.map(ids => cellsOf({ ids, causal }, spec.window));
  const excluded: Excluded = { first: spec.exclude_first, current: spec.exclude_current };
  const [values, mul, abs] = [0, 1, 2].map(() => new Means(HEAD_KINDS.length * layers * heads));
  const [positional, alike] = [0, 1].map(() => new Means(layers * heads));
  const visit = ({ row, layer, weights }: LayerPattern): void => {
    for (let head = 0; head < heads; head++) {
      const pattern = weights.subarray(head * length ** 2, (head + 1) * length ** 2);
      if (row < shown.rows.length) {
        kindScores(pattern, length, cells[row], excluded).forEach((score, kind) => {
          const at = (kind * layers + layer) * heads + head;
          values.add(at, score.weight);
          mul.add(at, score.mul);
          abs.add(at, score.abs);
        });
      }
      if (shown.input || row >= shown.rows.length) {
        positional.add(layer * heads + head, distanceShare(pattern, length, causal));
        alike.add(layer * heads + head, uniformShare(pattern, length, causal));
      }
    }
  };
  await visitPatterns(subject, { rows: allRows(shown), layers: layersOf(subject) }, context, visit);
  const why = refusesCopying(subject);
  const packed = (means: Means, dims: readonly string[], shape: readonly number[], unit: string) => ({
    ...encodeTensor({ dims, shape, unit }, means.values()),
    dtype: 'float32' as const
  });
  const kinds = [HEAD_KINDS.length, layers, heads];
  return {
    values: packed(values, KIND, kinds, 'share of attention weight'),
    mul: packed(mul, KIND, kinds, 'share of attention weight'),
    abs: packed(abs, KIND, kinds, '1 − mean |A − D|·T'),
    positional: packed(positional, KIND.slice(1), [layers, heads], 'share of attention weight'),
    alike: packed(alike, KIND.slice(1), [layers, heads], 'share of attention weight'),
    copying: {
      scores: why === undefined ? await copying(subject, copyingRows(subject, shown), context) : null,
      why: why ?? ''
    },
    baselines: uniform(length, causal, cells[0], excluded),
    window: spec.window,
    sequences: shown.rows.length,
    tokens: shown.length ?? length,
    bos: subject.input({ ids: shown.rows[0] }).bos,
    ...(shown.input && { input: shown.input })
  };
}

async function copying(
  subject: Subject,
  rows: readonly (readonly number[])[],
  context: Context
): Promise<HeadTaxonomy['copying']['scores']> {
  const { layers, heads } = subject.tower;
  const sum = new Float64Array(layers * heads);
  for (const [done, ids] of rows.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done, total: rows.length, label: `copying: sequence ${done + 1} of ${rows.length}` });
    const each = await copyingScores(subject, ids, layersOf(subject), context);
    each.flat().forEach((value, at) => (sum[at] += value / rows.length));
  }
  const labels = { dims: KIND.slice(1), shape: [layers, heads], unit: 'logits' };
  return { ...encodeTensor(labels, Float32Array.from(sum)), dtype: 'float32' };
}

/** `weight` of a head that looks at all it sees alike; null where a kind has no place. */
const uniform = (
  length: number,
  causal: boolean,
  cells: readonly Int32Array[],
  excluded: Excluded
): HeadTaxonomy['baselines'] =>
  kindScores(uniformAttention(length, causal), length, cells, excluded).map(({ weight }) =>
    Number.isNaN(weight) ? null : weight
  );
