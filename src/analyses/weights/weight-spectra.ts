import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { stating } from '../departures';
import { analysis } from '../analysis';
import { count, list, number, object, oneOf, optional, orNull, tensor, text, type Check } from '../check';
import { eachOther, otherPaths, OTHERS } from '../other-models';
import { towerAlone, towerMeant, TOWERS } from '../reading';
import { LAYERS } from '../spec/fields';
import type { ResultTensor } from '../result';
import { choice, flag, text as textField, type Spec } from '../spec/spec';
import type { Fit, SpectrumRow } from './matrix-spectrum';
import { measureSpectra, MOST_DRAWN, MOST_MATRICES, namesDrawn } from './measure-spectra';
import { spectraFigures, spectraSummary } from './spectra-view';
import { matrixKinds, type WeightMatrix } from './weight-matrices';

export interface MatrixRow extends SpectrumRow {
  readonly name: string;
  readonly kind: string;
  readonly layer: number | null;
  /** The same entries in a random order; null where not asked for, and for tables. */
  readonly shuffled: SpectrumRow | null;
}

export interface DrawnSpectrum {
  readonly name: string;
  /** λ of WᵀW above rounding, largest first, in squares of the weights' unit. */
  readonly eigenvalues: ResultTensor & { readonly dtype: 'float32' };
}

export interface WeightSpectra {
  readonly matrices: readonly MatrixRow[];
  /** Matrices asked for; fewer are there in a partial result. */
  readonly asked: number;
  readonly drawn: readonly DrawnSpectrum[];
  /** Matrices that could not be read, and why. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
  /** Other models, as far as they are measured; absent where none was asked for. */
  readonly others?: readonly OtherSpectra[] | undefined;
  readonly othersAsked?: number | undefined;
  /** Of models of several. */
  readonly tower?: (typeof TOWERS)[number] | undefined;
}

/** What another model gives, one of its spectra drawn. */
export interface OtherSpectra extends Pick<WeightSpectra, 'matrices' | 'drawn' | 'left'> {
  readonly label: string;
  readonly hash: string;
}

const SPEC = {
  layers: LAYERS,
  tables: flag({
    title: 'Tables',
    description: 'Also the embedding, the positions and the unembedding.',
    default: true
  }),
  shuffled: flag({
    title: 'Shuffled matrices',
    description:
      'Beside each matrix of a layer the same with its entries in a random order: what its size and entries alone give.',
    default: false
  }),
  drawn: textField({
    title: 'Drawn spectra',
    description:
      'Up to four matrices by name, with commas between: "W_in 3, W_Q 0". Absent: one kind in the first, the middle and the last layer.',
    maxLength: 200
  }),
  tower: choice({
    title: 'Tower',
    only: 'towers',
    description:
      'Whose weights: encoder or decoder of encoder–decoders, text or vision of models that read both. Other models have one tower.',
    options: TOWERS,
    default: 'encoder'
  }),
  ...OTHERS
};

const FIT: Check<Fit> = object<Fit>({
  alpha: number,
  sigma: number,
  xMin: number,
  distance: number,
  tail: count,
  weighted: number,
  logNorm: number
});

const side: Check<number> = (value, at) => {
  const size = count(value, at);
  if (size === 0) {
    throw new Error(`'${at}' is 0, a matrix has a row and a column`);
  }
  return size;
};

const ROW = {
  rows: side,
  columns: side,
  spectral: number,
  frobenius: number,
  stableRank: number,
  effectiveRank: number,
  rank: count,
  fit: orNull(FIT)
};

const NAME = /^W_[A-Za-z]+( \d+)?$/;

const MEASURED = {
  matrices: list(
    object<MatrixRow>({
      name: text,
      kind: text,
      layer: orNull(count),
      ...ROW,
      shuffled: orNull(object<SpectrumRow>(ROW))
    }),
    MOST_MATRICES
  ),
  drawn: list(object<DrawnSpectrum>({ name: text, eigenvalues: tensor('float32', 'eigenvalue') }), MOST_DRAWN),
  left: list(object<WeightSpectra['left'][number]>({ name: text, why: text }), MOST_MATRICES)
};

const FIELDS: Check<WeightSpectra> = object<WeightSpectra>({
  ...MEASURED,
  asked: count,
  others: optional(list(object<OtherSpectra>({ label: text, hash: text, ...MEASURED }), 3)),
  othersAsked: optional(count),
  tower: optional(oneOf(...TOWERS))
});

export const weightSpectra = stating(
  analysis<typeof SPEC, WeightSpectra>({
    id: 'weight-spectra',
    title: 'Weight spectra',
    description: 'Norms, ranks and heavy-tail exponents of every weight matrix, from the weights alone.',
    family: 'generalisation',
    measure: 'G1, G2',
    theory: {
      kind: 'heuristic',
      statement:
        'Norms ‖W‖₂ and ‖W‖_F, stable rank ‖W‖²_F/‖W‖²₂ and effective rank exp(−Σ p ln p), p = σ/Σσ, are identities; margin bounds grow with products of norms and with stable ranks (Bartlett et al. 2017; Neyshabur et al. 2018). α is the exponent of a power law fitted to the largest eigenvalues of WᵀW, x_min chosen by the Kolmogorov–Smirnov distance D (Clauset et al. 2009); HT-SR reads 2 < α < 6 as well trained (Martin & Mahoney 2021).',
      caveat:
        'α is contested as an explanation: it is a fit, not a theorem. Look at D and at the size of the tail: below 30 eigenvalues α is noise (left out of the figures, marked in the table), and a shuffled matrix gets an α too. Norms depend on scales that the norms’ weights, attention’s scale and biases undo; they stand here as the file has them, nothing folded. Norm-based bounds of models of this size are vacuous.',
      references: [
        'Martin & Mahoney 2021, arXiv 1810.01075',
        'Martin, Peng & Mahoney 2021, Nature Communications 12:4122',
        'Clauset, Shalizi & Newman 2009, arXiv 0706.1062',
        'Bartlett, Foster & Telgarsky 2017, arXiv 1706.08498',
        'Neyshabur, Bhojanapalli & Srebro 2018, arXiv 1707.09564',
        'Roy & Vetterli 2007, EUSIPCO'
      ]
    },
    spec: SPEC,
    refuses: subject =>
      matrixKinds(subject).length === 0
        ? 'no weight matrix of this model is stored as numbers that are understood'
        : undefined,
    cost: () => ({ forwards: 0, bytes: 0 }),
    async compute(opened, spec, context, seed) {
      const earlier = context.earlier as WeightSpectra | undefined;
      const subject = towerAlone(opened, spec.tower);
      const said = opened.reading && { tower: towerMeant(subject, spec.tower) };
      const { partial } = context;
      const inner = {
        ...context,
        ...(partial && { partial: (part: unknown) => partial({ ...(part as object), ...said }) })
      };
      const own = {
        ...(await measureSpectra(subject, spec, all => namesDrawn(all, spec.drawn), inner, seed)),
        ...said
      };
      const paths = otherPaths(spec.others);
      if (paths.length === 0) {
        return own;
      }
      const others = [...(earlier?.others ?? [])];
      const result = (): WeightSpectra => ({ ...own, others: [...others], othersAsked: paths.length });
      context.partial?.(result());
      await eachOther(subject, paths.slice(others.length).join('\n'), context, async other => {
        others.push(await otherSpectra(towerAlone(other, spec.tower), spec, own.drawn, context, seed));
        context.partial?.(result());
      });
      return result();
    },
    completion: ({ matrices, left, asked, others = [], othersAsked = 0 }) => ({
      done: matrices.length + left.length + others.length,
      total: asked + othersAsked
    }),
    validateResult(value) {
      const result = FIELDS(value, 'result');
      const strange = [result, ...(result.others ?? [])]
        .flatMap(({ matrices, drawn, left }) => [...matrices, ...drawn, ...left])
        .find(({ name }) => !NAME.test(name));
      if (strange) {
        throw new Error(`'result' names a matrix '${strange.name.slice(0, 40)}', which is none`);
      }
      return result;
    },
    figures: result => spectraFigures(result),
    summary: result => spectraSummary(result)
  }),
  ['norms', 'skips', 'softmax', 'tied'],
  undefined,
  (opened, spec) => towerAlone(opened, spec.tower)
);

/** The layers asked for that it has; drawn is the middle one of the first model's spectra, or of its own where it has none of that name. */
async function otherSpectra(
  other: Subject,
  { layers, tables }: Spec<typeof SPEC>,
  first: readonly DrawnSpectrum[],
  { signal, progress }: Context,
  seed: number
): Promise<OtherSpectra> {
  const { label, hash } = other.facts;
  const asked = {
    layers: layers?.filter(layer => layer < other.tower.layers),
    tables,
    shuffled: false
  };
  const middle = <T>(all: readonly T[]): T | undefined => all[Math.floor((all.length - 1) / 2)];
  const names = (all: readonly WeightMatrix[]): readonly string[] => {
    const wanted = middle(first)?.name;
    const own = all.some(({ name }) => name === wanted) ? wanted : middle(namesDrawn(all, undefined));
    return own === undefined ? [] : [own];
  };
  const steps: Context = { signal, progress: step => progress({ ...step, label: `${label}: ${step.label}` }) };
  const { matrices, drawn, left } = await measureSpectra(other, asked, names, steps, seed);
  return { label, hash, matrices, drawn, left };
}
