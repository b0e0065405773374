import { quantile } from '../../maths/quantile';
import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { agree, count, number, object, orNull } from '../check';
import { BASELINE } from '../baseline';
import type { ProfileMeasure } from '../geometry/profile';
import { profileAnalysis, type Measured } from '../geometry/profile-analysis';
import { short } from '../geometry/profile-view';
import { lastLayerCost, readLastLayer, refusesNextToken, refuseUnlinear, type LastLayer } from './last-layer';
import { decoderOf, isDecoder } from '../reading';
import { besideSource, type TowerTexts } from '../tower-texts';
import { LEAST_TOKENS, DOCUMENTS, readDocuments } from './documents';
import { spectralComplexity, type SpectralComplexity } from './spectral-complexity';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'margin', unit: 'logits' },
  { title: 'distance to the boundary', unit: 'share of ‖h‖' }
];

/** Shares of the tokens whose margins are kept: 0, 5 %, … 100 %. */
const SHARES = Array.from({ length: 21 }, (_, at) => at / 20);
/** γ of Jiang et al. 2020. */
const GAMMA = 0.1;

interface Margins {
  readonly tokens: number;
  readonly texts: number;
  /** Tokens that are the model's first choice. */
  readonly right: number;
  /** The margin that a tenth of the tokens are below, logits. */
  readonly gamma: number;
  readonly complexity: SpectralComplexity;
  /** ln Π‖W‖₂² − 2 ln γ + ln Σ‖W‖_F²/‖W‖₂², nats; null where γ is not positive: a tenth of the tokens and more are missed. */
  readonly term: number | null;
}

/** [measure, share of tokens]: quantiles of z_y − max z, the best other token, and of that over ‖w_y − w_j‖·‖h‖. */
export const margins = profileAnalysis({
  id: 'margins',
  title: 'Output margins',
  description:
    'By how much the right token wins over the best other one, and how far each token is from being decided otherwise.',
  family: 'generalisation',
  measure: 'G3',
  theory: {
    kind: 'bound',
    statement:
      'The margin of a token is its logit less that of the best other token; over ‖w_y − w_j‖ it is the exact distance of h to the plane where both are equal. Margin bounds: with margin γ on the training set and a network of maps W, the test error exceeds the share below γ by at most √(R/(γ² m)), up to logarithms, where R = Π‖W‖₂² · Σ‖W‖_F²/‖W‖₂² (Bartlett, Foster & Telgarsky 2017; Neyshabur, Bhojanapalli & Srebro 2018). The term shown is ln R − 2 ln γ, γ the tenth percentile (Jiang et al. 2020), W⁰ = 0.',
    caveat:
      'The leading term of a bound, not the bound: constants, depth and width are left out, and for models of this kind the bound is vacuous by many powers of ten. The texts should be those that the model was trained on. A negative γ leaves no bound. Norms measured on the weights as the file has them, nothing folded; norms that grow with training make the term larger although the function may not change.',
    references: [
      'Bartlett, Foster & Telgarsky 2017, arXiv 1706.08498',
      'Neyshabur, Bhojanapalli & Srebro 2018, arXiv 1707.09564',
      'Jiang et al. 2020, arXiv 1912.02178',
      'Elsayed et al. 2018, arXiv 1803.05598'
    ]
  },
  spec: { ...DOCUMENTS, ...BASELINE },
  measures: MEASURES,
  assumes: ['skips', 'norms', 'softmax', 'activations', 'tied'],
  strains: subject => (isDecoder(subject) ? ['an encoder and cross-attention, whose maps are not counted'] : []),
  view: decoderOf,
  refuses: refusesNextToken,
  cost: (subject, spec) => documentsCost(subject, readDocuments(subject, spec)),
  read(subject, spec): TowerTexts {
    const given = readDocuments(subject, spec);
    const { texts } = given;
    const tokens = texts.reduce((sum, { ids }) => sum + ids.length - 1, 0);
    if (tokens < LEAST_TOKENS) {
      throw new Error(
        `margins: need at least ${LEAST_TOKENS} tokens that follow another, got ${tokens} (field 'texts')`
      );
    }
    return given;
  },
  measured,
  reads: 'weights',
  async keeps({ texts }: TowerTexts, { tokens, right, gamma }: MarginsMeasured, subject, context): Promise<Margins> {
    const complexity = await spectralComplexity(subject, context);
    const term = gamma > 0 ? complexity.norms - 2 * Math.log(gamma) + complexity.ranks : null;
    return { tokens, texts: texts.length, right, gamma, complexity, term };
  },
  checks: {
    tokens: count,
    texts: count,
    right: count,
    gamma: number,
    complexity: object<SpectralComplexity>({ matrices: count, norms: number, ranks: number }),
    term: orNull(number)
  },
  agrees({ values, tokens, right }) {
    agree('result.values places', SHARES.length, values.shape[1]);
    if (right > tokens || tokens === 0) {
      throw new Error(`'result.right' is ${right} of ${tokens} tokens`);
    }
  },
  axis: () => ({
    title: 'share of tokens with a smaller margin',
    labels: SHARES.map(share => `${Math.round(share * 100)} %`)
  }),
  figures: (result, { draw }) => [
    draw({
      title: 'Output margins',
      caption: `Quantiles over ${result.tokens} tokens of ${result.texts} texts: the right token’s logit less that of the best other token; below 0 the model chooses another one. ${termWords(result)}`,
      y: 'margin (logits)',
      measures: [0]
    }),
    draw({
      title: 'Distance to the decision boundary',
      caption:
        'The margin over ‖w_y − w_j‖ · ‖h‖: how far h would have to move, as a share of its length, until the other token is as likely.',
      y: 'distance (share of ‖h‖)',
      measures: [1]
    })
  ],
  heading: result => [
    `Margins: ${result.tokens} tokens of ${result.texts} texts, ${result.right} right`,
    termWords(result)
  ]
});

const termWords = ({ term, gamma, complexity }: Margins): string =>
  `Of ${complexity.matrices} matrices ln Π‖W‖₂² = ${short(complexity.norms)} and ln Σ‖W‖_F²/‖W‖₂² = ${short(complexity.ranks)}; with the tenth percentile γ = ${short(gamma)} logits ${
    term === null ? 'there is no bound: γ is not positive' : `the bound’s term is ${short(term)} nats`
  }.`;

function documentsCost(subject: Subject, { texts }: TowerTexts): Cost {
  const costs = texts.map(({ ids }) => lastLayerCost(subject, ids));
  return { forwards: texts.length, bytes: costs.reduce((most, { bytes }) => Math.max(most, bytes), 0) };
}

interface MarginsMeasured extends Measured {
  readonly tokens: number;
  readonly right: number;
  readonly gamma: number;
}

async function measured(subject: Subject, given: TowerTexts, context: Context): Promise<MarginsMeasured> {
  const { texts } = given;
  const columns = unembeddingColumns(subject);
  const found: { readonly margin: number; readonly distance: number }[] = [];
  for (const [at, { ids }] of texts.entries()) {
    context.progress({ done: at, total: texts.length, label: `text ${at + 1} of ${texts.length}` });
    const layer = await readLastLayer(besideSource(subject, given, at), ids, context);
    if (at === 0) {
      refuseUnlinear(subject, layer);
    }
    ids.slice(1).forEach((next, position) => found.push(marginOf(layer, position, next, columns)));
  }
  const sorted = (pick: (one: (typeof found)[number]) => number): Float64Array => Float64Array.from(found, pick).sort();
  const all = sorted(({ margin }) => margin);
  return {
    rows: [all, sorted(({ distance }) => distance).filter(value => !Number.isNaN(value))].map(one =>
      SHARES.map(share => quantile(one, share))
    ),
    tokens: found.length,
    right: found.filter(({ margin }) => margin > 0).length,
    gamma: quantile(all, GAMMA)
  };
}

type Columns = (id: number) => Float32Array;

/** Throws where the right token has no logit. */
function marginOf(
  { hidden, logits }: LastLayer,
  position: number,
  right: number,
  columns: Columns
): { readonly margin: number; readonly distance: number } {
  const z = logits[position];
  if (right >= z.length) {
    throw new Error(`margins: token ${right} follows position ${position}, the model has logits of ${z.length} tokens`);
  }
  let other = right === 0 ? 1 : 0;
  z.forEach((value, id) => {
    other = id !== right && value > z[other] ? id : other;
  });
  const margin = z[right] - z[other];
  const [a, b] = [columns(right), columns(other)];
  const apart = Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0));
  const length = Math.sqrt(hidden[position].reduce((sum, value) => sum + value ** 2, 0));
  // Two tokens with one column have no plane between them.
  return { margin, distance: apart * length > 0 ? margin / (apart * length) : NaN };
}

/** Columns of W_U, each read once. */
function unembeddingColumns({ weights }: Subject): Columns {
  const known = new Map<number, Float32Array>();
  return id => {
    const found = known.get(id) ?? (weights.read('W_U', { range: [id, id + 1] }).data as Float32Array);
    known.set(id, found);
    return found;
  };
}
