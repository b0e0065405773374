import { curves } from '../../figures/curves';
import type { Figure } from '../../figures/figure';
import type { Matrix } from '../../maths/matrix';
import { LEAST_POINTS, twoNn } from '../../maths/two-nn';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { agree, count, gappedTensor, list } from '../check';
import type { ResultTensor } from '../result';
import { shortText } from '../short-text';
import { decodeTensor, encodeTensor } from '../tensor-codec';
import { BASELINE } from '../baseline';
import { disjointParts } from './disjoint-parts';
import { eachPlace } from './each-place';
import { placeNames, type ProfileMeasure } from './profile';
import { profileAnalysis, type Measured, type ProfileResult } from './profile-analysis';
import { ofSample } from './profile-sources';
import { short } from './profile-view';
import { factsText, readSample, SAMPLE, type SampleFacts, type TokenSample } from './token-sample';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'TwoNN', unit: 'dimensions' },
  { title: 'maximum likelihood', unit: 'dimensions' },
  { title: 'different points', unit: 'points' }
];

interface Kept {
  /** Of disjoint parts of the sample, smaller and smaller: points of a part, with [size, place] the mean TwoNN of the parts. */
  readonly sizes: readonly number[];
  readonly subsamples: ResultTensor & { readonly dtype: 'float32' };
  readonly sample: SampleFacts;
}

/** Points nearer than this share of their length are one point: rounding of single precision, not geometry. */
const TOLERANCE = 1e-5;
/** Fewer points give a rough estimate (Facco et al. 2017). */
const ROUGH = 500;
/** A sample is parted at most into so many. */
const MOST_PARTS = 16;

const SOURCE = ofSample('intrinsic dimension', LEAST_POINTS);

/** NaN where fewer than 100 different points are left. */
export const intrinsicDimension = profileAnalysis({
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
  spec: { ...SAMPLE, ...BASELINE },
  measures: MEASURES,
  assumes: [],
  ...SOURCE,
  read(subject, spec, seed): Read {
    const sample = SOURCE.read(subject, spec, seed);
    return { sample, parts: partings(sample.points, seed) };
  },
  measured,
  keeps({ sample, parts }, { rows, smaller }: PartsMeasured): Kept {
    if (rows[0].every(Number.isNaN)) {
      throw new Error(
        `intrinsic dimension: needs ${LEAST_POINTS} different points, which no place has of the ${sample.points} (equal ones count once)`
      );
    }
    const sizes = parts.map(parting => parting[0].length);
    return { sizes, subsamples: encodeSubsamples(sizes, smaller), ...SOURCE.keeps(sample) };
  },
  checks: {
    sizes: list(count, MOST_PARTS),
    subsamples: gappedTensor(['size', 'place']),
    ...SOURCE.checks
  },
  strains: (subject, result) => [
    ...SOURCE.strains(subject, result),
    ...(result.sample.points < ROUGH ? [`${result.sample.points} points where ${ROUGH} are asked for`] : [])
  ],
  agrees({ sizes, subsamples, values }) {
    agree('result.subsamples sizes', sizes.length, subsamples.shape[0]);
    agree('result.subsamples places', values.shape[1], subsamples.shape[1]);
  },
  figures: (result, { draw }) => [
    draw({
      title: 'Intrinsic dimension',
      caption: `${factsText(result.sample)}.`,
      y: 'intrinsic dimension (dimensions)',
      measures: [0, 1]
    }),
    subsampleCurves(result)
  ],
  heading: ({ sample }) => [`Intrinsic dimension (TwoNN): ${factsText(sample)}`]
});

interface Read {
  readonly sample: TokenSample;
  readonly parts: Partings;
}

interface PartsMeasured extends Measured {
  /** [place][size] */
  readonly smaller: readonly (readonly number[])[];
}

/** [place][size] → [size, place] */
const encodeSubsamples = (sizes: readonly number[], smaller: readonly (readonly number[])[]): Kept['subsamples'] => ({
  ...encodeTensor(
    { dims: ['size', 'place'], shape: [sizes.length, smaller.length] },
    Float32Array.from(sizes.flatMap((_, i) => smaller.map(one => one[i])))
  ),
  dtype: 'float32'
});

type Partings = readonly (readonly (readonly number[])[])[];

/** The sample in 1, 2, 4, … disjoint parts, as long as a part holds enough points. */
function partings(points: number, seed: number): Partings {
  const counts = [1, 2, 4, 8, MOST_PARTS].filter(count => Math.floor(points / count) >= LEAST_POINTS);
  return counts.map(count => disjointParts(points, count, seed));
}

async function measured(subject: Subject, { sample, parts }: Read, context: Context): Promise<PartsMeasured> {
  const places = await readSample(subject, sample, context);
  const found = await eachPlace(places, sample.texts.length, context, async points => {
    const whole = twoNn(points, TOLERANCE);
    const smaller: number[] = [];
    for (const parting of parts) {
      await new Promise(resolve => setTimeout(resolve));
      context.signal.throwIfAborted();
      const parted = parting.length === 1 ? [whole] : parting.map(part => twoNn(rowsOf(points, part), TOLERANCE));
      smaller.push(mean(parted.map(one => one?.dimension ?? NaN)));
    }
    return { numbers: [whole?.dimension ?? NaN, whole?.likelihood ?? NaN, whole?.points ?? NaN], smaller };
  });
  return {
    rows: MEASURES.map((_, m) => found.map(({ numbers }) => numbers[m])),
    smaller: found.map(one => one.smaller)
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / values.length, 0);

function rowsOf({ columns, data }: Matrix, rows: readonly number[]): Matrix {
  const part = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => part.set(data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { rows: rows.length, columns, data: part };
}

function subsampleCurves({ values, sizes, subsamples }: ProfileResult & Kept): Figure {
  const places = values.shape[1];
  const names = placeNames(places);
  const flat = decodeTensor(subsamples);
  const shown = [...new Set([0, Math.floor((places - 1) / 2), places - 1])];
  const curve = (place: number): number[] => sizes.map((_, i) => flat[i * places + place]);
  return curves({
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
  });
}
