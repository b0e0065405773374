import { columnVariances, covarianceSpectrum } from '../../maths/covariance';
import { linearAlgebra, type LinearAlgebra } from '../../maths/linear-algebra';
import type { Matrix } from '../../maths/matrix';
import { participationRatio as ratioOf } from '../../maths/spectrum-statistics';
import { topK } from '../../maths/top-k';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { count, number, object, table, type Check } from '../check';
import type { ResultTable } from '../result';
import { integer } from '../spec';
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
  { title: 'participation ratio', unit: 'dimensions' },
  { title: 'without rogue coordinates', unit: 'dimensions' },
  { title: 'rogue coordinates', unit: 'share of variance, 0 to 1' }
];

export interface ParticipationRatio {
  /** [measure, place]: (Σλ)²/Σλ² of the covariance; without its coordinates of largest variance; their share of the variance. */
  readonly values: Profile;
  readonly baseline: Baseline;
  /** Coordinates left out, by place, largest variance first, with their share. */
  readonly rogue: ResultTable;
  readonly sample: SampleFacts;
}

const SPEC = {
  ...SAMPLE,
  ...BASELINE,
  rogue: integer({
    title: 'Rogue coordinates',
    description: 'How many coordinates, those of largest variance at each place, are left out in the second line.',
    default: 3,
    minimum: 1,
    maximum: 64
  })
};

const FIELDS: Check<ParticipationRatio> = object<ParticipationRatio>({
  values: checkProfile(MEASURES.length),
  baseline: checkBaseline(MEASURES.length),
  rogue: table({ place: count, coordinate: count, share: number }),
  sample: object<SampleFacts>({ texts: count, points: count, tokens: count })
});

export const participationRatio = analysis<typeof SPEC, ParticipationRatio>({
  id: 'participation-ratio',
  title: 'Participation ratio',
  description: 'Over how many dimensions the stream’s variance is spread, with and without its rogue coordinates.',
  family: 'expressivity',
  measure: 'R2',
  theory: {
    kind: 'identity',
    statement:
      '(Σλ)²/Σλ² of the eigenvalues λ of the covariance of the tokens’ vectors: 1 where all variance lies on one line, d where it is even in all d dimensions (Gao et al. 2017). Beside it the same without the coordinates of largest variance.',
    caveat:
      'An identity of this sample; of the texts it was drawn from it is an estimate that n points pull down, and it cannot exceed n − 1. One to three rogue coordinates of single models carry most of the variance and make the number about 1 whatever the rest does (Timkey & van Schijndel 2021). It depends on the basis scales: it is not invariant to how the next norm weights coordinates.',
    references: ['Gao et al. 2017, bioRxiv 214262', 'Timkey & van Schijndel 2021, arXiv 2109.04404']
  },
  spec: SPEC,
  refuses: refusesStream,
  cost: (subject, spec) => withBaseline(subject, spec, sampleCost(subject, spec)),
  async compute(subject, spec, context, seed) {
    const sample = drawSample(subject, spec, seed);
    if (sample.points < 3) {
      throw new Error(`participation ratio: needs at least 3 points, got ${sample.points}`);
    }
    if (spec.rogue >= subject.tower.dModel) {
      throw new Error(`field 'rogue' is ${spec.rogue}, the stream has ${subject.tower.dModel} coordinates`);
    }
    const { own, baseline } = await withShuffled(
      subject,
      spec,
      context,
      seed,
      (model, steps) => measured(model, sample, spec.rogue, steps),
      profileOf
    );
    const rogue = own.flatMap(one => one.rogue);
    return {
      values: encodeProfile(profileOf(own)),
      baseline,
      rogue: {
        columns: {
          place: rogue.map(({ place }) => place),
          coordinate: rogue.map(({ coordinate }) => coordinate),
          share: rogue.map(({ share }) => share)
        }
      },
      sample: factsOf(sample)
    };
  },
  validateResult(value) {
    const result = agreePlaces(FIELDS(value, 'result'));
    const places = result.values.shape[1];
    const beyond = (result.rogue.columns.place as readonly number[]).find(place => place >= places);
    if (beyond !== undefined) {
      throw new Error(`'result.rogue' names place ${beyond} of ${places}`);
    }
    return result;
  },
  figures: result => figures(result),
  summary: result => summary(result)
});

interface Rogue {
  readonly place: number;
  readonly coordinate: number;
  readonly share: number;
}

interface Ratios {
  readonly numbers: readonly number[];
  readonly rogue: readonly Rogue[];
}

async function measured(subject: Subject, sample: TokenSample, rogue: number, context: Context): Promise<Ratios[]> {
  const algebra = await linearAlgebra();
  const places = await readSample(subject, sample, context);
  return eachPlace(places, sample.texts.length, context, (points, place) => ratios(points, rogue, place, algebra));
}

/** [measure][place] */
const profileOf = (found: readonly Ratios[]): number[][] =>
  MEASURES.map((_, m) => found.map(({ numbers }) => numbers[m]));

function ratios(points: Matrix, count: number, place: number, algebra: LinearAlgebra): Ratios {
  const ratio = (x: Matrix): number => {
    const spectrum = covarianceSpectrum(x, algebra);
    return spectrum ? ratioOf(spectrum) : NaN;
  };
  const whole = ratio(points);
  if (Number.isNaN(whole)) {
    return { numbers: [NaN, NaN, NaN], rogue: [] };
  }
  const variances = columnVariances(points);
  const sum = variances.reduce((a, b) => a + b, 0);
  const rogue = topK(variances, count).map(coordinate => ({ place, coordinate, share: variances[coordinate] / sum }));
  const rest = without(points, new Set(rogue.map(({ coordinate }) => coordinate)));
  return { numbers: [whole, ratio(rest), rogue.reduce((total, { share }) => total + share, 0)], rogue };
}

function without({ rows, columns, data }: Matrix, left: ReadonlySet<number>): Matrix {
  return { rows, columns: columns - left.size, data: data.filter((_, at) => !left.has(at % columns)) };
}

function figures({ values, baseline, sample }: ParticipationRatio): ReturnType<typeof profileFigure>[] {
  const rows = profileRows(values);
  const beside = baselineRows(baseline);
  const words = baselineWords(baseline);
  return [
    profileFigure({
      title: 'Participation ratio',
      caption: `${factsText(sample)}; with these the number is at most ${sample.points - 1}.${words}`,
      y: 'participation ratio (dimensions)',
      measures: MEASURES.slice(0, 2),
      rows: rows.slice(0, 2),
      baseline: beside.slice(0, 2)
    }),
    profileFigure({
      title: 'Variance of rogue coordinates',
      caption: `What the coordinates of largest variance carry of all variance, together; ${factsText(sample)}.${words}`,
      y: 'share of variance (0–1)',
      range: [0, 1.02],
      measures: MEASURES.slice(2),
      rows: rows.slice(2),
      baseline: beside.slice(2)
    })
  ];
}

/** The coordinates that are rogue at most places. */
function usual({ rogue, values }: ParticipationRatio): string {
  const names = placeNames(values.shape[1]);
  const columns = rogue.columns as Readonly<Record<string, readonly number[]>>;
  const best = topK(columns.share, 3);
  return best
    .map(at => `${columns.coordinate[at]} (${short(columns.share[at])} after ${names[columns.place[at]]})`)
    .join(', ');
}

const summary = (result: ParticipationRatio): string =>
  [
    `Participation ratio: ${factsText(result.sample)}`,
    `coordinates that carry most at a place: ${usual(result)}`,
    ...profileLines(MEASURES, profileRows(result.values))
  ].join('\n');
