import { ccaBasis, ccaOfBases, leadingDirections, type CcaBasis } from '../../maths/cca';
import { centredGram, ckaOfGrams, type CentredGram } from '../../maths/cka';
import { linearAlgebra } from '../../maths/linear-algebra';
import { isConstant, type Matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { agree, count, flag, gappedTensor, list, object, oneOf, type Check } from '../check';
import type { ResultTensor } from '../result';
import { choice, flag as flagField } from '../spec';
import { encodeTensor } from '../tensor-codec';
import { eachPlace } from './each-place';
import { similarityFigures, similaritySummary } from './similarity-view';
import { refusesStream, streamHooks } from './stream';
import {
  drawSample,
  factsOf,
  readSample,
  SAMPLE,
  sampleCost,
  type SampleFacts,
  type TokenSample
} from './token-sample';

export const CCA_FORMS = ['none', 'svcca', 'pwcca'] as const;
export type CcaForm = (typeof CCA_FORMS)[number];

export interface RepresentationSimilarity {
  /** [map, place, place]: linear CKA, debiased CKA, then CCA where it was asked for; NaN where a representation is constant. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  readonly cca: CcaForm;
  /** Dimensions of each place that CCA compares; empty without it. */
  readonly kept: readonly number[];
  /** The last map is debiased CKA of the model's places (rows) with those of a shuffled one (columns). */
  readonly shuffled: boolean;
  readonly sample: SampleFacts;
}

/** Of all Gram matrices held at once, in bytes. */
const MOST_BYTES = 2 ** 30;
/** Of the strongest direction: weaker ones are rounding of single precision, as the one that a layer norm takes away. */
const NEGLIGIBLE = 1e-6;
/** Of the variance that SVCCA keeps, as Raghu et al. 2017 have it. */
const SHARE = 0.99;
const MOST_PLACES = 1024;

const SPEC = {
  ...SAMPLE,
  most: { ...SAMPLE.most, default: 400 },
  cca: choice<CcaForm>({
    title: 'CCA',
    description:
      'A further map: SVCCA, the mean canonical correlation of the directions that carry 99 % of the variance, or PWCCA, of all directions, weighted by how much of the row’s representation they carry. Needs more points than dimensions.',
    options: CCA_FORMS,
    default: 'none'
  }),
  shuffled: flagField({
    title: 'Shuffled model',
    description:
      'A further map: the model’s places against those of a copy with the entries of each weight matrix in a random order.',
    default: false
  })
};

const FIELDS: Check<RepresentationSimilarity> = object<RepresentationSimilarity>({
  values: gappedTensor(['map', 'place', 'place']),
  cca: oneOf(...CCA_FORMS),
  kept: list(count, MOST_PLACES),
  shuffled: flag,
  sample: object<SampleFacts>({ texts: count, points: count, tokens: count })
});

export const representationSimilarity = analysis<typeof SPEC, RepresentationSimilarity>({
  id: 'representation-similarity',
  title: 'Representation similarity',
  description:
    'How alike the stream is at every two places, up to rotation and scale: linear CKA, debiased CKA, SVCCA or PWCCA.',
  family: 'expressivity',
  measure: 'R4, R5',
  theory: {
    kind: 'identity',
    statement:
      'Linear CKA of the same tokens at two places, ‖YᵀX‖²_F/(‖XᵀX‖_F ‖YᵀY‖_F) with centred columns: 1 for equal ones, the same under rotations and scales (Kornblith et al. 2019). Debiased: with the unbiased estimator of HSIC (Song et al. 2012). CCA: canonical correlations, the same under every invertible linear map (Raghu et al. 2017; Morcos et al. 2018).',
    caveat:
      'Skip connections alone make neighbouring places alike. Plain CKA is biased upwards where there are fewer points than dimensions: look at the debiased map. A few points far out, such as first tokens with massive activations, can make all of it (Davari et al. 2023): compare with tokens "but-first". CCA of hardly more points than dimensions is near 1 for anything.',
    references: [
      'Kornblith et al. 2019, arXiv 1905.00414',
      'Song et al. 2012, JMLR 13',
      'Davari et al. 2023, arXiv 2210.16156',
      'Raghu et al. 2017, arXiv 1706.05806',
      'Morcos, Raghu & Bengio 2018, arXiv 1806.05759'
    ]
  },
  spec: SPEC,
  refuses: refusesStream,
  cost: (subject, spec) => {
    const { forwards, bytes } = sampleCost(subject, spec);
    const models = spec.shuffled ? 2 : 1;
    return {
      forwards: forwards * models,
      bytes: bytes * models,
      ...(spec.shuffled && { session: Object.values(subject.facts.dtypes).reduce((sum, size) => sum + size, 0) })
    };
  },
  async compute(subject, spec, context, seed) {
    const sample = drawSample(subject, spec, seed);
    refuseSize(sample.points, streamHooks(subject).length * (spec.shuffled ? 2 : 1));
    const { grams, bases } = await places(subject, sample, spec.cca, context);
    const maps = [ckaMap(grams, grams, 'plain'), ckaMap(grams, grams, 'debiased')];
    if (spec.cca !== 'none') {
      maps.push(await ccaMap(bases, spec.cca, context));
    }
    if (spec.shuffled) {
      maps.push(ckaMap(grams, await shuffledGrams(subject, sample, context, seed), 'debiased'));
    }
    const shape = [maps.length, grams.length, grams.length];
    return {
      values: {
        ...encodeTensor({ dims: ['map', 'place', 'place'], shape }, Float32Array.from(maps.flat(2))),
        dtype: 'float32'
      },
      cca: spec.cca,
      kept: bases.map(one => one?.basis.columns ?? 0),
      shuffled: spec.shuffled,
      sample: factsOf(sample)
    };
  },
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [maps, rows, columns] = result.values.shape;
    agree('result.values maps', 2 + Number(result.cca !== 'none') + Number(result.shuffled), maps);
    agree('result.values places', rows, columns);
    agree('result.kept places', result.cca === 'none' ? 0 : rows, result.kept.length);
    if (rows === 0) {
      throw new Error("'result.values' has no place");
    }
    return result;
  },
  figures: similarityFigures,
  summary: similaritySummary
});

function refuseSize(points: number, places: number): void {
  if (points < 4) {
    throw new Error(`representation similarity: needs at least 4 points, got ${points}`);
  }
  const bytes = points ** 2 * places * 8;
  if (bytes > MOST_BYTES) {
    throw new Error(
      `sample too large: similarities of ${points} points at ${places} places take ${bytes} bytes, at most ${MOST_BYTES} are held (field 'most')`
    );
  }
}

interface Places {
  readonly grams: readonly (CentredGram | undefined)[];
  readonly bases: readonly (CcaBasis | undefined)[];
}

async function places(subject: Subject, sample: TokenSample, form: CcaForm, context: Context): Promise<Places> {
  const algebra = await linearAlgebra();
  const read = await readSample(subject, sample, context);
  const found = await eachPlace(read, sample.texts.length, context, (points, place) => ({
    gram: centredGram(points, algebra),
    ...(form !== 'none' && !isConstant(points) && { basis: basisOf(points, place, form) })
  }));
  return {
    grams: found.map(({ gram }) => gram),
    bases: form === 'none' ? [] : found.map(({ basis }) => basis)
  };

  /** Refused here already: canonical correlations of as many dimensions as points are all 1. */
  function basisOf(points: Matrix, place: number, kind: CcaForm): CcaBasis {
    const made = ccaBasis(kind === 'svcca' ? leadingDirections(points, SHARE, algebra) : points, algebra, NEGLIGIBLE);
    if (points.rows <= made.basis.columns + 1) {
      throw new Error(
        `CCA needs more points than dimensions: place ${place} has ${made.basis.columns} dimensions, ${points.rows} points were drawn (field 'texts')`
      );
    }
    return made;
  }
}

async function shuffledGrams(
  subject: Subject,
  sample: TokenSample,
  context: Context,
  seed: number
): Promise<Places['grams']> {
  const shuffled = await subject.shuffled(seed, context);
  try {
    return (await places({ ...subject, forward: shuffled.forward }, sample, 'none', context)).grams;
  } finally {
    await shuffled.release();
  }
}

function ckaMap(rows: Places['grams'], columns: Places['grams'], form: 'plain' | 'debiased'): number[][] {
  return rows.map(a => columns.map(b => (a && b ? (ckaOfGrams(a, b)[form] ?? NaN) : NaN)));
}

/** SVCCA is the same both ways; PWCCA weighs by the row's representation. */
async function ccaMap(bases: Places['bases'], form: CcaForm, context: Context): Promise<number[][]> {
  const algebra = await linearAlgebra();
  const map: number[][] = bases.map(() => []);
  for (const [i, a] of bases.entries()) {
    for (const [j, b] of bases.entries()) {
      context.progress({ done: i * bases.length + j, total: bases.length ** 2, label: `CCA of places ${i} and ${j}` });
      await new Promise(resolve => setTimeout(resolve));
      context.signal.throwIfAborted();
      map[i].push(form === 'svcca' && j < i ? map[j][i] : a && b ? valueOf(ccaOfBases(a, b, algebra)) : NaN);
    }
  }
  return map;

  function valueOf({ mean, projectionWeighted }: ReturnType<typeof ccaOfBases>): number {
    return form === 'svcca' ? mean : projectionWeighted;
  }
}
