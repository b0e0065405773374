import { logSoftmax } from '../../maths/log-softmax';
import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { count, flag, number, orNull } from '../check';
import { BASELINE } from '../baseline';
import type { ProfileMeasure } from '../geometry/profile';
import { profileAnalysis, type Measured } from '../geometry/profile-analysis';
import { short } from '../geometry/profile-view';
import { floats } from '../floats';
import { quiet } from '../quiet';
import { refusesLogits } from '../refuses-logits';
import { number as numberField } from '../spec/spec';
import { decoderOf } from '../reading';
import { besideSource, type TowerTexts } from '../tower-texts';
import { DOCUMENTS, readDocuments } from './documents';

const UNIT = 'bits per token';
const MEASURES: readonly ProfileMeasure[] = [
  { title: 'bound', unit: UNIT },
  { title: 'loss on the texts', unit: UNIT },
  { title: 'guessing', unit: UNIT }
];

/** Numbers of documents at which the bound is drawn, besides the one that was read. */
const DECADES = [1e2, 1e4, 1e6, 1e8, 1e10, 1e12, 1e14];

interface CompressionBound {
  readonly documents: number;
  readonly tokens: number;
  readonly vocabulary: number;
  /** Of the weights as the file stores them: C. */
  readonly bits: number;
  readonly smoothing: number;
  readonly delta: number;
  /** Mean over the documents of their smoothed loss: R̂, bits per token. */
  readonly loss: number;
  /** R̂ + Δ√(…), bits per token. */
  readonly bound: number;
  /** log₂ V. */
  readonly guessing: number;
  /** The bound promises no more than guessing gives. */
  readonly vacuous: boolean;
  /** Documents with which the same loss would be worth a promise; null where no number is enough. */
  readonly needed: number | null;
}

const SPEC = {
  ...DOCUMENTS,
  smoothing: numberField({
    title: 'Smoothing',
    description:
      'The share a of the uniform distribution in p_s = (1 − a)·p + a/V, by which the loss is bounded. More makes the loss larger and its range smaller.',
    default: 0.1,
    minimum: 1e-6,
    maximum: 0.999
  }),
  delta: numberField({
    title: 'Failure probability',
    description: 'The bound holds but for this share of draws of the texts.',
    default: 0.05,
    minimum: 1e-9,
    maximum: 0.5
  }),
  ...BASELINE
};

/** [measure, number of documents]: the bound if so many documents had this loss; the loss; log₂ V. */
export const compressionBound = profileAnalysis({
  id: 'compression-bound',
  title: 'Compression bound',
  description: 'What the size of the file promises about its loss on unseen texts, and whether that is worth anything.',
  family: 'generalisation',
  measure: 'G5',
  theory: {
    kind: 'bound',
    statement:
      'For a model that takes C bits to write down and was fixed before m independent documents were drawn, with probability 1 − δ the expected loss is at most R̂ + Δ√((C ln 2 + 2 ln C + ln 1/δ)/(2m)): Occam’s bound with a prefix-free code (Hoeffding and a union bound), as used for language models by Lotfi et al. 2024. R̂ is the mean loss of p_s = (1 − a)p + a/V, whose range is Δ = log₂(1 + (1 − a)V/a) bits.',
    caveat:
      'C is the size of the weights as this file stores them, not the least code of the function: Lotfi et al. train compressed models for this, and get bounds that say something. A number above log₂ V, what guessing gives, is vacuous. It holds only if the texts are independent draws of the distribution meant and the weights were fixed without them: for texts from the training set, or that somebody chose, it says nothing. Beside "these" the numbers of documents are hypothetical.',
    references: [
      'Lotfi et al. 2024, arXiv 2312.17173',
      'Blumer et al. 1987, Information Processing Letters 24',
      'Hoeffding 1963, JASA 58'
    ]
  },
  spec: SPEC,
  measures: MEASURES,
  assumes: [],
  view: decoderOf,
  refuses: subject =>
    refusesLogits(subject) ??
    (subject.tower.causal ? undefined : 'bidirectional model: it does not predict the next token'),
  cost: (subject, spec) => documentsCost(subject, readDocuments(subject, spec)),
  read(subject, spec): Read {
    const bits = 8 * Object.values(subject.facts.dtypes).reduce((sum, bytes) => sum + bytes, 0);
    return { given: readDocuments(subject, spec), smoothing: spec.smoothing, delta: spec.delta, bits };
  },
  measured,
  keeps(
    { given: { texts }, smoothing, delta, bits }: Read,
    { bound, loss, vocabulary, range }: BoundMeasured
  ): CompressionBound {
    const guessing = Math.log2(vocabulary);
    const needed =
      loss < guessing ? Math.ceil((range ** 2 * codeTerm(bits, delta)) / (2 * (guessing - loss) ** 2)) : null;
    return {
      documents: texts.length,
      tokens: texts.reduce((sum, { ids }) => sum + ids.length - 1, 0),
      vocabulary,
      bits,
      smoothing,
      delta,
      loss,
      bound,
      guessing,
      vacuous: bound >= guessing,
      needed
    };
  },
  checks: {
    documents: count,
    tokens: count,
    vocabulary: count,
    bits: count,
    smoothing: number,
    delta: number,
    loss: number,
    bound: number,
    guessing: number,
    vacuous: flag,
    needed: orNull(number)
  },
  strains: (_, { documents, tokens, needed }) => [
    `${documents} documents of ${tokens} tokens${needed === null ? '' : ` where ${short(needed)} would be needed`}`
  ],
  agrees({ bound, guessing, vacuous }) {
    if (vacuous !== bound >= guessing) {
      throw new Error(`'result.vacuous' is ${vacuous} of a bound of ${bound} where guessing gives ${guessing}`);
    }
  },
  axis: ({ documents }) => ({
    title: 'documents',
    labels: [`these ${documents}`, ...DECADES.map(one => `10^${Math.log10(one)}`)]
  }),
  figures: (result, { draw }) => [
    draw({
      title: 'Compression bound',
      caption: `${verdict(result)} Logarithmic axis; the bound at other numbers of documents supposes the same loss on them.`,
      y: UNIT,
      log: true,
      measures: [0, 1, 2]
    })
  ],
  heading: result => [
    `Compression bound: ${result.documents} documents, ${result.tokens} tokens, ${result.bits} bits of weights`,
    verdict(result)
  ]
});

const verdict = ({ bound, guessing, vacuous, loss, needed, delta }: CompressionBound): string =>
  `${vacuous ? 'Vacuous' : 'Not vacuous'}: at most ${short(bound)} bits per token with probability ${1 - delta}, where guessing gives ${short(guessing)} and the texts ${short(loss)}; ${
    needed === null ? 'no number of documents would do' : `${short(needed)} documents would be needed`
  }.`;

interface Read {
  readonly given: TowerTexts;
  readonly smoothing: number;
  readonly delta: number;
  readonly bits: number;
}

interface BoundMeasured extends Measured {
  readonly loss: number;
  readonly bound: number;
  readonly vocabulary: number;
  /** Δ, bits. */
  readonly range: number;
}

/** C ln 2 + 2 ln C + ln 1/δ, nats. */
const codeTerm = (bits: number, delta: number): number => bits * Math.LN2 + 2 * Math.log(bits) + Math.log(1 / delta);

function documentsCost(subject: Subject, { texts }: TowerTexts): Cost {
  const outputs = [subject.tower.head!.logits];
  const costs = texts.map(({ ids }) => subject.cost({ ids: [ids], hooks: [], outputs }));
  return { forwards: texts.length, bytes: costs.reduce((most, { bytes }) => Math.max(most, bytes), 0) };
}

async function measured(
  subject: Subject,
  { given, smoothing, delta, bits }: Read,
  context: Context
): Promise<BoundMeasured> {
  const { texts } = given;
  const { logits } = subject.tower.head!;
  const losses: number[] = [];
  let vocabulary = 0;
  for (const [at, { ids }] of texts.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done: at, total: texts.length, label: `text ${at + 1} of ${texts.length}` });
    const cache = await besideSource(subject, given, at).forward(
      { ids: [ids], hooks: [], outputs: [logits] },
      quiet(context)
    );
    const values = floats(cache.get(logits), logits);
    vocabulary = values.length / ids.length;
    losses.push(documentLoss(values, ids, smoothing));
  }
  const loss = losses.reduce((sum, one) => sum + one / losses.length, 0);
  const range = Math.log2(1 + ((1 - smoothing) * vocabulary) / smoothing);
  const boundOf = (documents: number): number => loss + range * Math.sqrt(codeTerm(bits, delta) / (2 * documents));
  const all = [texts.length, ...DECADES];
  const even = (value: number): number[] => all.map(() => value);
  return {
    rows: [all.map(boundOf), even(loss), even(Math.log2(vocabulary))],
    loss,
    bound: boundOf(texts.length),
    vocabulary,
    range
  };
}

/** Mean of −log₂ p_s of the tokens that follow another. */
function documentLoss(values: Float32Array, ids: readonly number[], smoothing: number): number {
  const width = values.length / ids.length;
  return ids.slice(1).reduce((sum, next, position) => {
    if (next >= width) {
      throw new Error(
        `compression bound: token ${next} follows position ${position}, the model has logits of ${width} tokens`
      );
    }
    const row = values.subarray(position * width, (position + 1) * width);
    if (!row.every(Number.isFinite)) {
      throw new Error(`compression bound: a logit at position ${position} is not finite`);
    }
    const p = Math.exp(logSoftmax(row)[next]);
    return sum - Math.log2((1 - smoothing) * p + smoothing / width) / (ids.length - 1);
  }, 0);
}
