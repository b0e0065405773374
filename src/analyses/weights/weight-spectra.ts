import { linearAlgebra } from '../../maths/linear-algebra';
import type { Context } from '../../subject/context';
import { stating } from '../departures';
import { analysis } from '../analysis';
import { count, list, number, object, orNull, tensor, text, type Check } from '../check';
import { paced } from '../patching/effects';
import { LAYERS } from '../spec/fields';
import { select } from '../hooks';
import type { ResultTensor } from '../result';
import { flag, text as textField } from '../spec/spec';
import { encodeTensor } from '../tensor-codec';
import { spectrumOf, type Fit, type Spectrum, type SpectrumRow } from './matrix-spectrum';
import { inRandomOrder } from './random-order';
import { spectraFigures, spectraSummary } from './spectra-view';
import { matrixKinds, weightMatrices, type WeightMatrix } from './weight-matrices';

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
  })
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

const MOST_MATRICES = 4096;
const MOST_DRAWN = 4;
const NAME = /^W_[A-Za-z]+( \d+)?$/;

const FIELDS: Check<WeightSpectra> = object<WeightSpectra>({
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
  asked: count,
  drawn: list(object<DrawnSpectrum>({ name: text, eigenvalues: tensor('float32', 'eigenvalue') }), MOST_DRAWN),
  left: list(object<WeightSpectra['left'][number]>({ name: text, why: text }), MOST_MATRICES)
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
    async compute(subject, spec, context, seed) {
      const all = weightMatrices(subject, select('layers', spec.layers, subject.tower.layers), spec.tables);
      if (all.length > MOST_MATRICES) {
        throw new Error(`field 'layers' asks for ${all.length} matrices, at most ${MOST_MATRICES} are measured`);
      }
      const names = namesDrawn(all, spec.drawn);
      const earlier = context.earlier as WeightSpectra | undefined;
      const result = {
        matrices: [...(earlier?.matrices ?? [])],
        asked: all.length,
        drawn: [...(earlier?.drawn ?? [])],
        left: [...(earlier?.left ?? [])]
      };
      const known = new Set([...result.matrices, ...result.left].map(({ name }) => name));
      const show = paced(context, () => ({
        ...result,
        matrices: [...result.matrices],
        drawn: [...result.drawn],
        left: [...result.left]
      }));
      for (const [at, one] of all.entries()) {
        if (!known.has(one.name)) {
          const between = steps(context, at, all.length, one.name);
          try {
            const { row, eigenvalues } = await measure(one, spec.shuffled, seed + at, between);
            result.matrices.push(row);
            result.drawn.push(...(names.includes(one.name) ? [drawnOf(one.name, eigenvalues)] : []));
          } catch (error) {
            context.signal.throwIfAborted();
            result.left.push({ name: one.name, why: (error as Error).message.slice(0, LONGEST_REASON) });
          }
          show();
        }
      }
      if (result.matrices.length === 0) {
        throw new Error(`weight spectra: no matrix could be read; ${result.left[0].name}: ${result.left[0].why}`);
      }
      return result;
    },
    completion: ({ matrices, left, asked }) => ({ done: matrices.length + left.length, total: asked }),
    validateResult(value) {
      const result = FIELDS(value, 'result');
      const strange = [...result.matrices, ...result.drawn, ...result.left].find(({ name }) => !NAME.test(name));
      if (strange) {
        throw new Error(`'result' names a matrix '${strange.name.slice(0, 40)}', which is none`);
      }
      return result;
    },
    figures: result => spectraFigures(result),
    summary: result => spectraSummary(result)
  }),
  ['norms', 'skips', 'softmax', 'tied']
);

/** Says which matrix, lets a cancel be heard. */
const steps =
  ({ signal, progress }: Context, done: number, total: number, name: string) =>
  async (): Promise<void> => {
    progress({ done, total, label: `${name} (matrix ${done + 1} of ${total})` });
    await new Promise(resolve => setTimeout(resolve));
    signal.throwIfAborted();
  };

const PART_BYTES = 2 ** 23;
const LONGEST_REASON = 300;

async function measure(
  { name, kind, layer, parts }: WeightMatrix,
  shuffled: boolean,
  seed: number,
  between: () => Promise<void>
): Promise<{ readonly row: MatrixRow; readonly eigenvalues: Float64Array }> {
  await between();
  const algebra = await linearAlgebra();
  const { row, eigenvalues } = await spectrumOf(parts(PART_BYTES), algebra, between);
  const other: Spectrum | undefined =
    shuffled && layer !== null
      ? await spectrumOf([inRandomOrder([...parts(PART_BYTES)][0], seed)], algebra, between)
      : undefined;
  return { row: { name, kind, layer, ...row, shuffled: other?.row ?? null }, eigenvalues };
}

const drawnOf = (name: string, eigenvalues: Float64Array): DrawnSpectrum => ({
  name,
  eigenvalues: {
    ...encodeTensor({ dims: ['eigenvalue'], shape: [eigenvalues.length] }, Float32Array.from(eigenvalues)),
    dtype: 'float32'
  }
});

/** Preferred where no matrix is named: the MLP's output, else the attention's. */
const USUAL = ['W_out', 'W_O'];

function namesDrawn(all: readonly WeightMatrix[], given: string | undefined): readonly string[] {
  if (given?.trim()) {
    const names = given.split(',').map(name => name.trim().replace(/\s+/g, ' '));
    const unknown = names.find(name => !all.some(one => one.name === name));
    if (unknown !== undefined || names.length > MOST_DRAWN) {
      throw new Error(
        unknown === undefined
          ? `field 'drawn' names ${names.length} matrices, at most ${MOST_DRAWN} are drawn`
          : `field 'drawn' names '${unknown.slice(0, 40)}', which is not among the matrices measured (${all[0].name}, …)`
      );
    }
    return names;
  }
  const kind = USUAL.find(name => all.some(one => one.kind === name)) ?? all[0].kind;
  const same = all.filter(one => one.kind === kind).map(({ name }) => name);
  return [...new Set([0, Math.floor((same.length - 1) / 2), same.length - 1].map(at => same[at]))];
}
