import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { agree, count, flag, gappedTensor, list, object, oneOf, optional, orNull, text, type Check } from '../check';
import type { ResultTensor } from '../result';
import { stating } from '../departures';
import { refusesTowers, TOWERS, towerRead } from '../reading';
import { choice, flag as flagField, text as textField } from '../spec/spec';
import { sampleStrains, sampleView } from './profile-sources';
import { similarities } from './similarities';
import { similarityFigures, similaritySummary } from './similarity-view';
import { refusesStream } from './stream';
import { drawSample, factsOf, SAMPLE, sampleCost, type SampleFacts } from './token-sample';

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
  /** The same maps of the model's places (rows) with those of a second model (columns); null where none was named. */
  readonly other: OtherModel | null;
  readonly sample: SampleFacts;
  /** Of models of several. */
  readonly tower?: (typeof TOWERS)[number] | undefined;
}

export interface OtherModel {
  readonly label: string;
  readonly hash: string;
  /** [map, place, other place] */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** Dimensions of each of its places that CCA compares; empty without it. */
  readonly kept: readonly number[];
}

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
  }),
  other: textField({
    title: 'Other model',
    description:
      'A second model to compare with, place by place: a folder or an .onnx file, named as the first is. Its width and depth may differ; its tokens must be the same.',
    maxLength: 1024
  })
};

const FIELDS: Check<RepresentationSimilarity> = object<RepresentationSimilarity>({
  values: gappedTensor(['map', 'place', 'place']),
  cca: oneOf(...CCA_FORMS),
  kept: list(count, MOST_PLACES),
  shuffled: flag,
  other: orNull(
    object<OtherModel>({
      label: text,
      hash: text,
      values: gappedTensor(['map', 'place', 'other place']),
      kept: list(count, MOST_PLACES)
    })
  ),
  sample: object<SampleFacts>({ texts: count, points: count, tokens: count }),
  tower: optional(oneOf(...TOWERS))
});

export const representationSimilarity = stating(
  analysis<typeof SPEC, RepresentationSimilarity>({
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
        'Skip connections alone make neighbouring places alike. Plain CKA is biased upwards where there are fewer points than dimensions: look at the debiased map. A few points far out, such as first tokens with massive activations, can make all of it (Davari et al. 2023): compare with tokens "but-first". CCA of hardly more points than dimensions is near 1 for anything. PWCCA weighs canonical variates, as its paper says; google/svcca’s code weighs directions that are not whitened, and gives other numbers. Two models that read the same text are alike in what any model would keep of it: compare with the shuffled one.',
      references: [
        'Kornblith et al. 2019, arXiv 1905.00414',
        'Song et al. 2012, JMLR 13',
        'Davari et al. 2023, arXiv 2210.16156',
        'Raghu et al. 2017, arXiv 1706.05806',
        'Morcos, Raghu & Bengio 2018, arXiv 1806.05759'
      ]
    },
    spec: SPEC,
    refuses: opened => refusesTowers(opened, refusesStream),
    cost: (opened, spec) => {
      const subject = sampleView(opened, spec);
      const { forwards, bytes } = sampleCost(subject, spec);
      const models = 1 + Number(spec.shuffled) + Number(names(spec.other));
      return {
        forwards: forwards * models,
        bytes: bytes * models,
        ...(spec.shuffled && { session: Object.values(subject.facts.dtypes).reduce((sum, size) => sum + size, 0) })
      };
    },
    async compute(opened, spec, context, seed) {
      const subject = sampleView(opened, spec);
      const why = refusesStream(subject);
      if (why !== undefined) {
        throw new Error(`representation similarity of the ${subject.tower.name}: ${why}`);
      }
      const sample = drawSample(subject, spec, seed);
      const second = names(spec.other) ? await openOther(spec.other, context) : undefined;
      try {
        const found = await similarities(subject, second && sampleView(second, spec), spec, sample, context, seed);
        return { ...found, cca: spec.cca, shuffled: spec.shuffled, sample: factsOf(sample), ...towerRead(subject) };
      } finally {
        await second?.close();
      }
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
      if (result.other) {
        const [count, own, columns] = result.other.values.shape;
        agree('result.other.values maps', 2 + Number(result.cca !== 'none'), count);
        agree('result.other.values places', rows, own);
        agree('result.other.kept places', result.cca === 'none' ? 0 : columns, result.other.kept.length);
        if (columns === 0) {
          throw new Error("'result.other.values' has no place");
        }
      }
      return result;
    },
    figures: similarityFigures,
    summary: similaritySummary
  }),
  [],
  sampleStrains,
  sampleView
);

const names = (other: string | undefined): other is string => other !== undefined && other.trim() !== '';

async function openOther(other: string, context: Context): Promise<Subject> {
  if (!context.open) {
    throw new Error(`other model not opened: nothing opens '${other}' here`);
  }
  return context.open(other);
}
