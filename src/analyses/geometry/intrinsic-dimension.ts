import { curves } from '../../figures/curves';
import type { Figure } from '../../figures/figure';
import type { Matrix } from '../../maths/matrix';
import { LEAST_POINTS, twoNn } from '../../maths/two-nn';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { agree, count, gappedTensor, list, object, type Check } from '../check';
import type { ResultTensor } from '../result';
import { shortText } from '../short-text';
import { decodeTensor, encodeTensor } from '../tensor-codec';
import {
  agreePlaces,
  BASELINE,
  baselineRows,
  baselineWords,
  checkBaseline,
  withBaseline,
  withShuffled,
  type Baseline
} from './baseline';
import { eachPlace } from './each-place';
import { checkProfile, encodeProfile, placeNames, profileRows, type Profile, type ProfileMeasure } from './profile';
import { profileFigure, profileLines, short } from './profile-view';
import { refusesStream } from './stream';
import { disjointParts } from './disjoint-parts';
import {
  drawSample,
  factsOf,
  factsText,
  readSample,
  SAMPLE,
  sampleCost,
  type SampleFacts,
  type TokenSample
} from './token-sample';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'TwoNN', unit: 'dimensions' },
  { title: 'maximum likelihood', unit: 'dimensions' },
  { title: 'different points', unit: 'points' }
];

export interface IntrinsicDimension {
  /** [measure, place]; NaN where fewer than 100 different points are left. */
  readonly values: Profile;
  readonly baseline: Baseline;
  /** Of disjoint parts of the sample, smaller and smaller: points of a part, with [size, place] the mean TwoNN of the parts. */
  readonly sizes: readonly number[];
  readonly subsamples: ResultTensor & { readonly dtype: 'float32' };
  readonly sample: SampleFacts;
}

/** Points nearer than this share of their length are one point: rounding of single precision, not geometry. */
const TOLERANCE = 1e-5;
/** A sample is parted at most into so many. */
const MOST_PARTS = 16;

const SPEC = { ...SAMPLE, ...BASELINE };

const FIELDS: Check<IntrinsicDimension> = object<IntrinsicDimension>({
  values: checkProfile(MEASURES.length),
  baseline: checkBaseline(MEASURES.length),
  sizes: list(count, MOST_PARTS),
  subsamples: gappedTensor(['size', 'place']),
  sample: object<SampleFacts>({ texts: count, points: count, tokens: count })
});

export const intrinsicDimension = analysis<typeof SPEC, IntrinsicDimension>({
  id: 'intrinsic-dimension',
  title: 'Intrinsic dimension',
  description:
    'On how many dimensions the stream’s vectors lie locally (TwoNN), place by place, with smaller samples beside.',
  family: 'expressivity',
  measure: 'R1',
  theory: {
    kind: 'estimator',
    statement:
      'TwoNN: where points are locally uniform on a manifold of d dimensions, the ratio μ of the distances to the second and the first neighbour has the distribution 1 − μ^(−d); d is the slope of −ln(1 − F) on ln μ, the largest tenth left out (Facco et al. 2017). Trained language models have a peak in their middle layers that untrained ones lack (Cheng et al. 2024).',
    caveat:
      'The estimate assumes constant density up to the second neighbour and independent points: tokens of one text are neither, and in hundreds of dimensions the number rises with the sample (see the smaller samples) and is too low for d above 20 or so. Below 500 points it is rough, below 100 different ones it is not given. Points nearer than 10⁻⁵ of their length (repeated first tokens) count once.',
    references: [
      'Facco et al. 2017, arXiv 1803.06992',
      'Cheng et al. 2024, arXiv 2405.15471',
      'Valeriani et al. 2023, arXiv 2302.00294'
    ]
  },
  spec: SPEC,
  refuses: refusesStream,
  cost: (subject, spec) => withBaseline(subject, spec, sampleCost(subject, spec)),
  async compute(subject, spec, context, seed) {
    const sample = drawSample(subject, spec, seed);
    if (sample.points < LEAST_POINTS) {
      throw new Error(`intrinsic dimension: needs at least ${LEAST_POINTS} points, got ${sample.points}`);
    }
    const parts = partings(sample.points, seed);
    const { own, baseline } = await withShuffled(
      subject,
      spec,
      context,
      seed,
      (model, steps) => measured(model, sample, parts, steps),
      profileOf
    );
    const sizes = parts.map(parting => parting[0].length);
    if (own.every(({ numbers }) => Number.isNaN(numbers[0]))) {
      throw new Error(
        `intrinsic dimension: needs ${LEAST_POINTS} different points, which no place has of the ${sample.points} (equal ones count once)`
      );
    }
    return {
      values: encodeProfile(profileOf(own)),
      baseline,
      sizes,
      subsamples: {
        ...encodeTensor(
          { dims: ['size', 'place'], shape: [sizes.length, own.length] },
          Float32Array.from(sizes.flatMap((_, i) => own.map(({ smaller }) => smaller[i])))
        ),
        dtype: 'float32'
      },
      sample: factsOf(sample)
    };
  },
  validateResult(value) {
    const result = agreePlaces(FIELDS(value, 'result'));
    agree('result.subsamples sizes', result.sizes.length, result.subsamples.shape[0]);
    agree('result.subsamples places', result.values.shape[1], result.subsamples.shape[1]);
    return result;
  },
  figures: result => figures(result),
  summary: ({ values, sample }) =>
    [`Intrinsic dimension (TwoNN): ${factsText(sample)}`, ...profileLines(MEASURES, profileRows(values))].join('\n')
});

interface Place {
  readonly numbers: readonly number[];
  /** Mean TwoNN of the parts of each parting. */
  readonly smaller: readonly number[];
}

type Partings = readonly (readonly (readonly number[])[])[];

/** The sample in 1, 2, 4, … disjoint parts, as long as a part holds enough points. */
function partings(points: number, seed: number): Partings {
  const counts = [1, 2, 4, 8, MOST_PARTS].filter(count => Math.floor(points / count) >= LEAST_POINTS);
  return counts.map(count => disjointParts(points, count, seed));
}

/** [measure][place] */
const profileOf = (found: readonly Place[]): number[][] =>
  MEASURES.map((_, m) => found.map(({ numbers }) => numbers[m]));

async function measured(subject: Subject, sample: TokenSample, parts: Partings, context: Context): Promise<Place[]> {
  const places = await readSample(subject, sample, context);
  return eachPlace(places, sample.texts.length, context, async points => {
    const whole = twoNn(points, TOLERANCE);
    const smaller: number[] = [];
    for (const parting of parts) {
      await new Promise(resolve => setTimeout(resolve));
      context.signal.throwIfAborted();
      const found = parting.length === 1 ? [whole] : parting.map(part => twoNn(rowsOf(points, part), TOLERANCE));
      smaller.push(mean(found.map(one => one?.dimension ?? NaN)));
    }
    return { numbers: [whole?.dimension ?? NaN, whole?.likelihood ?? NaN, whole?.points ?? NaN], smaller };
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / values.length, 0);

function rowsOf({ columns, data }: Matrix, rows: readonly number[]): Matrix {
  const part = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => part.set(data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { rows: rows.length, columns, data: part };
}

function figures({ values, baseline, sizes, subsamples, sample }: IntrinsicDimension): Figure[] {
  const rows = profileRows(values);
  const places = rows[0].length;
  const names = placeNames(places);
  const flat = decodeTensor(subsamples);
  const shown = [...new Set([0, Math.floor((places - 1) / 2), places - 1])];
  const curve = (place: number): number[] => sizes.map((_, i) => flat[i * places + place]);
  return [
    profileFigure({
      title: 'Intrinsic dimension',
      caption: `${factsText(sample)}.${baselineWords(baseline)}`,
      y: 'intrinsic dimension (dimensions)',
      measures: MEASURES.slice(0, 2),
      rows: rows.slice(0, 2),
      baseline: baselineRows(baseline).slice(0, 2)
    }),
    curves({
      title: 'Intrinsic dimension of smaller samples',
      caption:
        'Mean TwoNN of disjoint parts of the sample, by the points of a part. A line that still rises says that the sample is too small for the dimension.',
      alt: shortText(
        `TwoNN by sample size. ${shown.map(place => `After ${names[place]}: ${sizes.map((size, i) => `${size} points ${short(curve(place)[i])}`).join(', ')}`).join('. ')}`
      ),
      x: { title: 'points in a part' },
      y: { title: 'TwoNN (dimensions)' },
      curves: shown.map(place => ({
        name: place === 0 ? 'before block 0' : `after block ${names[place]}`,
        x: sizes,
        y: curve(place),
        mode: 'both'
      }))
    })
  ];
}
