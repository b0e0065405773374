import { heatmaps, type Panel } from '../../figures/heatmaps';
import type { PlotlyFigure } from '../../figures/figure';
import { headMeans, headName, indexLabels, matrices, ranked } from '../attention/head-values';
import type { Input, Subject } from '../../subject/subject';
import { stating } from '../departures';
import { analysis } from '../analysis';
import { agree, count, list, number, object, oneOf, optional, tensor, type Check } from '../check';
import { encodeProfile, type ProfileMeasure } from '../geometry/profile';
import { checkOthers, modelFigures, otherLines, otherProfiles, type OtherProfile } from '../geometry/profile-models';
import { input } from '../input';
import { OTHERS, withOthers } from '../other-models';
import { READING, readingOf, refusesTowers, towerAlone, TOWERS, towerRead, type Reading } from '../reading';
import { INPUT } from '../spec/fields';
import type { ResultTensor } from '../result';
import { shortText } from '../short-text';
import type { Spec } from '../spec/spec';
import { decodeTensor, encodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';
import { headRanks, mapRanks, refusesRanks, scoreHooks } from './head-ranks';
import { inRandomOrder } from './random-order';

const TITLES = [
  'QK effective rank',
  'QK stable rank',
  'OV effective rank',
  'OV stable rank',
  'rank of scores'
] as const;

const DIMS = ['measure', 'layer', 'head'] as const;
/** What is compared where there are several models. */
const MEANS: readonly ProfileMeasure[] = TITLES.map(title => ({ title, unit: 'dimensions' }));

export interface HeadRank {
  /** [measure, layer, head], in dimensions: of W_Q·W_Kᵀ, of W_V·W_O, and the numerical rank of q·kᵀ on the text. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  readonly dHead: number;
  /** Mean over the heads of the first four with the entries of each head's matrices in a random order. */
  readonly shuffled: readonly number[];
  readonly input: Input;
  /** Other models' means over the heads [measure, layer]; absent in results of older versions. */
  readonly others?: readonly OtherProfile[] | undefined;
  /** Of models of several. */
  readonly tower?: (typeof TOWERS)[number] | undefined;
}

const SPEC = { ...INPUT, ...READING, ...OTHERS };

const FIELDS: Check<HeadRank> = object<HeadRank>({
  values: tensor('float32', ...DIMS),
  dHead: count,
  shuffled: list(number, 4),
  input,
  others: checkOthers(TITLES.length),
  tower: optional(oneOf(...TOWERS))
});

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
    refuses: opened => refusesTowers(opened, refusesRanks),
    cost(opened, spec) {
      const { subject, read } = readingOf(opened, spec, spec.tower);
      return withOthers(spec, subject.cost({ ids: [read.ids], hooks: scoreHooks(subject).flat() }));
    },
    async compute(opened, spec, context, seed) {
      const { subject, read } = served(opened, spec);
      const { layers, heads } = subject.tower;
      const shuffled = Array<number>(4).fill(0);
      const values = await headRanks(subject, read, context, (weights, at, algebra) => {
        const mixed = weights.map((one, i) => inRandomOrder(one, seed + at * 4 + i));
        mapRanks(mixed, algebra).forEach((value, m) => (shuffled[m] += value / (layers * heads)));
      });
      const others = await otherProfiles(opened, spec.others, context, {
        title: 'Head rank',
        refuses: other => refusesTowers(other, refusesRanks),
        async rows(other, steps) {
          const { subject: seen, read: own } = served(other, spec);
          const { layers: deep, heads: wide } = seen.tower;
          return headMeans(await headRanks(seen, own, steps), [TITLES.length, deep, wide]);
        }
      });
      const encoded = encodeTensor({ dims: DIMS, shape: [TITLES.length, layers, heads], unit: 'dimensions' }, values);
      return {
        values: { ...encoded, dtype: 'float32' },
        dHead: subject.tower.dHead,
        shuffled,
        input: read,
        others,
        ...towerRead(subject)
      };
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
    figures: result => [
      maps(result),
      ...modelFigures(
        MEANS,
        { values: encodeProfile(headMeans(decodeTensor(result.values), result.values.shape)), others: result.others },
        { title: 'layer', labels: indexLabels(result.values.shape[1]) },
        [{ title: 'Head rank', measures: [0, 2, 4] }],
        'Means over the heads of each layer; a model with fewer layers ends earlier.'
      )
    ],
    summary: result => summary(result)
  }),
  ['heads', 'biases', 'positions', 'groups', 'softcap'],
  undefined,
  (opened, spec) => towerAlone(opened, spec.tower)
);

/** The tower that is meant. Throws where its ranks cannot be measured. */
function served(opened: Subject, spec: Spec<typeof SPEC>): Reading {
  const reading = readingOf(opened, spec, spec.tower);
  const why = refusesRanks(reading.subject);
  if (why !== undefined) {
    throw new Error(`head rank of the ${reading.subject.tower.name}: ${why}`);
  }
  return reading;
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
    caption: `${result.tower ? `Of the ${result.tower}. ` : ''}At most d_head = ${dHead} for each map; the text has ${read.ids.length} tokens${read.ids.length > dHead ? ', more than that: some patterns cannot be reached by a head' : ''}. With shuffled matrices: QK effective ${shuffled[0].toFixed(1)}, OV effective ${shuffled[2].toFixed(1)}. Layer 0 is at the top.`,
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
    ...(result.tower ? [`of the ${result.tower}`] : []),
    `shuffled matrices: ${result.shuffled.map((value, m) => `${TITLES[m]} ${value.toFixed(2)}`).join(', ')}`,
    ...extremes(result),
    ...otherLines(MEANS, result.others),
    'means over the heads by layer:',
    ...textTable(
      ['layer', ...TITLES],
      indexLabels(layers)
        .filter((_, l) => l % step === 0)
        .map(l => [l, ...values.map(one => mean(one[Number(l)]))])
    )
  ].join('\n');
}
