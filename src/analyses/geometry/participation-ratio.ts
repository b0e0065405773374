import { columnVariances, covarianceSpectrum } from '../../maths/covariance';
import { linearAlgebra, type LinearAlgebra } from '../../maths/linear-algebra';
import type { Matrix } from '../../maths/matrix';
import { participationRatio as ratioOf } from '../../maths/spectrum-statistics';
import { topK } from '../../maths/top-k';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { count, number, table } from '../check';
import type { ResultTable } from '../result';
import { integer } from '../spec/spec';
import { BASELINE } from '../baseline';
import { eachPlace } from './each-place';
import { placeNames, type ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ofSample } from './profile-sources';
import { short } from './profile-view';
import { factsText, readSample, SAMPLE, type TokenSample } from './token-sample';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'participation ratio', unit: 'dimensions' },
  { title: 'without rogue coordinates', unit: 'dimensions' },
  { title: 'rogue coordinates', unit: 'share of variance, 0 to 1' }
];

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

const SOURCE = ofSample('participation ratio', 3);

/**
 * (Σλ)²/Σλ² of the covariance; without its coordinates of largest variance; their share of the variance. `rogue`: the coordinates left
 * out, by place, largest variance first, with their share.
 */
export const participationRatio = profileAnalysis({
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
  measures: MEASURES,
  assumes: [],
  ...SOURCE,
  read(subject, spec, seed): Read {
    const sample = SOURCE.read(subject, spec, seed);
    if (spec.rogue >= subject.tower.dModel) {
      throw new Error(`field 'rogue' is ${spec.rogue}, the stream has ${subject.tower.dModel} coordinates`);
    }
    return { sample, rogue: spec.rogue };
  },
  measured,
  keeps: ({ sample }, { rogue }: RogueMeasured) => ({ rogue: tableOf(rogue), ...SOURCE.keeps(sample) }),
  checks: { rogue: table({ place: count, coordinate: count, share: number }), ...SOURCE.checks },
  agrees({ rogue, values }) {
    const places = values.shape[1];
    const beyond = (rogue.columns.place as readonly number[]).find(place => place >= places);
    if (beyond !== undefined) {
      throw new Error(`'result.rogue' names place ${beyond} of ${places}`);
    }
  },
  figures: ({ sample }, { draw }) => [
    draw({
      title: 'Participation ratio',
      caption: `${factsText(sample)}; with these the number is at most ${sample.points - 1}.`,
      y: 'participation ratio (dimensions)',
      measures: [0, 1]
    }),
    draw({
      title: 'Variance of rogue coordinates',
      caption: `What the coordinates of largest variance carry of all variance, together; ${factsText(sample)}.`,
      y: 'share of variance (0–1)',
      range: [0, 1.02],
      measures: [2]
    })
  ],
  heading({ sample, rogue, values }) {
    const named = usual(rogue, values.shape[1]);
    return [
      `Participation ratio: ${factsText(sample)}`,
      named
        ? `coordinates that carry most of the variance at a place, with their share: ${named}`
        : 'all points are the same at every place: there is no variance to share out'
    ];
  }
});

interface Read {
  readonly sample: TokenSample;
  readonly rogue: number;
}

interface RogueMeasured extends Measured {
  readonly rogue: readonly Rogue[];
}

const tableOf = (rogue: readonly Rogue[]): ResultTable => ({
  columns: {
    place: rogue.map(({ place }) => place),
    coordinate: rogue.map(({ coordinate }) => coordinate),
    share: rogue.map(({ share }) => share)
  }
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

async function measured(subject: Subject, { sample, rogue }: Read, context: Context): Promise<RogueMeasured> {
  const algebra = await linearAlgebra();
  const places = await readSample(subject, sample, context);
  const found = await eachPlace(places, sample.texts.length, context, (points, place) =>
    ratios(points, rogue, place, algebra)
  );
  return {
    rows: MEASURES.map((_, m) => found.map(({ numbers }) => numbers[m])),
    rogue: found.flatMap(one => one.rogue)
  };
}

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
  const kept = Array.from({ length: columns }, (_, column) => column).filter(column => !left.has(column));
  const rest = new Float64Array(rows * kept.length);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < kept.length; at++) {
      rest[row * kept.length + at] = data[row * columns + kept[at]];
    }
  }
  return { rows, columns: kept.length, data: rest };
}

/** The coordinates that are rogue at most places. */
function usual(rogue: ResultTable, places: number): string {
  const names = placeNames(places);
  const columns = rogue.columns as Readonly<Record<string, readonly number[]>>;
  const best = topK(columns.share, 3);
  return best
    .map(at => `${columns.coordinate[at]} (${short(columns.share[at])} after ${names[columns.place[at]]})`)
    .join(', ');
}
