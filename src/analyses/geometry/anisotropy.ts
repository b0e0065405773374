import { covarianceSpectrum } from '../../maths/covariance';
import { linearAlgebra } from '../../maths/linear-algebra';
import type { Matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { count } from '../check';
import { BASELINE } from '../baseline';
import { eachPlace } from './each-place';
import { groupCosine } from './group-cosine';
import type { ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ofSample } from './profile-sources';
import { factsText, readSample, SAMPLE, type TokenSample } from './token-sample';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'mean cosine', unit: '−1 to 1' },
  { title: 'self-similarity', unit: '−1 to 1' },
  { title: 'first component', unit: 'share of variance, 0 to 1' }
];

const SOURCE = ofSample('anisotropy', 0);

/** Cosine of tokens of different texts; of one token id in different texts, of which there are `repeated`; largest share of the variance. */
export const anisotropy = profileAnalysis({
  id: 'anisotropy',
  title: 'Anisotropy',
  description:
    'How far the stream’s vectors point the same way, whatever their token, and how much context changes a token.',
  family: 'expressivity',
  measure: 'R3',
  theory: {
    kind: 'estimator',
    statement:
      'Mean cosine of tokens of different texts (0 where directions are spread evenly), mean cosine of one token in different texts (self-similarity, averaged over the tokens that occur in several), and the share of variance of the first principal component. Contextual representations lie in a narrow cone that tightens with depth (Ethayarajh 2019).',
    caveat:
      'Contested as a property of the whole space: a few rogue coordinates and massive activations of first tokens can make all of it (Timkey & van Schijndel 2021), so look at participation ratio and massive activations too, and leave first tokens out. Self-similarity means something only against the mean cosine of the same place. An average over few texts is a rough estimate.',
    references: ['Ethayarajh 2019, arXiv 1909.00512', 'Timkey & van Schijndel 2021, arXiv 2109.04404']
  },
  spec: { ...SAMPLE, ...BASELINE },
  measures: MEASURES,
  assumes: [],
  ...SOURCE,
  read(subject, spec, seed) {
    const sample = SOURCE.read(subject, spec, seed);
    const used = new Set(labelsOf(sample).map(({ text }) => text)).size;
    if (used < 2) {
      throw new Error(`anisotropy: needs tokens of at least 2 texts, got ${used}`);
    }
    return sample;
  },
  measured,
  keeps: sample => ({ ...SOURCE.keeps(sample), repeated: byId(labelsOf(sample)).length }),
  checks: { ...SOURCE.checks, repeated: count },
  figures({ sample, repeated }, { rows, beside, draw }) {
    const lowest = Math.min(0, ...[...rows, ...beside.flat()].flat().filter(value => !Number.isNaN(value)));
    return [
      draw({
        title: 'Anisotropy',
        caption: `${factsText(sample)}; self-similarity over ${repeated} token ids that occur in several texts.`,
        y: 'cosine, share of variance',
        range: [lowest - 0.02, 1.02],
        measures: [0, 1, 2]
      })
    ];
  },
  heading: ({ sample, repeated }) => [`Anisotropy: ${factsText(sample)}, ${repeated} token ids in several texts`]
});

async function measured(subject: Subject, sample: TokenSample, context: Context): Promise<Measured> {
  const algebra = await linearAlgebra();
  const labels = labelsOf(sample);
  const places = await readSample(subject, sample, context);
  const columns = await eachPlace(places, sample.texts.length, context, points =>
    measures(points, labels, covarianceShare(points, algebra))
  );
  return { rows: MEASURES.map((_, m) => columns.map(column => column[m])) };
}

interface Label {
  readonly text: number;
  readonly id: number;
}

const labelsOf = ({ texts, positions }: TokenSample): Label[] =>
  positions.flatMap((row, text) => row.map(position => ({ text, id: texts[text].ids[position] })));

/** Points by their token id. */
function byId(labels: readonly Label[]): number[][] {
  const groups = new Map<number, number[]>();
  labels.forEach(({ id }, point) => groups.set(id, [...(groups.get(id) ?? []), point]));
  return [...groups.values()].filter(points => new Set(points.map(point => labels[point].text)).size > 1);
}

const covarianceShare = (points: Matrix, algebra: Awaited<ReturnType<typeof linearAlgebra>>): number => {
  const spectrum = covarianceSpectrum(points, algebra);
  return spectrum ? spectrum[0] / spectrum.reduce((a, b) => a + b, 0) : NaN;
};

function measures(points: Matrix, labels: readonly Label[], share: number): number[] {
  const texts = labels.map(({ text }) => text);
  const all = groupCosine(
    points,
    labels.map((_, point) => point),
    texts
  );
  const own = byId(labels).map(group => groupCosine(points, group, texts));
  const defined = own.filter(value => value !== undefined);
  return [all ?? NaN, defined.length ? defined.reduce((a, b) => a + b, 0) / defined.length : NaN, share];
}
