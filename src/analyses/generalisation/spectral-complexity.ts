import { linearAlgebra, type LinearAlgebra } from '../../maths/linear-algebra';
import { transpose, type Matrix } from '../../maths/matrix';
import { mapOf, spectralNorm } from '../../maths/spectral-norm';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { weightMatrices, type WeightMatrix } from '../weights/weight-matrices';

/** Of the maps between the stream's beginning and the logits, W⁰ = 0. */
export interface SpectralComplexity {
  /** Matrices counted: the maps of every layer, and the unembedding. */
  readonly matrices: number;
  /** ln Π ‖W‖₂². */
  readonly norms: number;
  /** ln Σ ‖W‖_F²/‖W‖₂². */
  readonly ranks: number;
}

const PART_BYTES = 2 ** 23;
/** The maps of trained models settle in 15 to 40 steps. */
const PATIENCE = { most: 80, settled: 1e-9 };

/** Reads every matrix once. Throws for a matrix of zeros, whose logarithm is not there. */
export async function spectralComplexity(subject: Subject, context: Context): Promise<SpectralComplexity> {
  const algebra = await linearAlgebra();
  const layers = Array.from({ length: subject.tower.layers }, (_, layer) => layer);
  const tied = weightMatrices(subject, [], true);
  const last = tied.find(({ kind }) => kind === 'W_U') ?? tied.find(({ kind }) => kind === 'W_E');
  const all = [...weightMatrices(subject, layers, false), ...(last ? [last] : [])];
  let [norms, ranks] = [0, 0];
  for (const [done, one] of all.entries()) {
    context.progress({ done, total: all.length, label: `norm of ${one.name} (${done + 1} of ${all.length})` });
    const { spectral, frobenius } = await normsOf(one, algebra, context);
    if (!(spectral > 0)) {
      throw new Error(`margins: the matrix ${one.name} has spectral norm ${spectral}, where a positive number belongs`);
    }
    norms += 2 * Math.log(spectral);
    ranks += (frobenius / spectral) ** 2;
  }
  return { matrices: all.length, norms, ranks: Math.log(ranks) };
}

async function normsOf(
  { parts }: WeightMatrix,
  algebra: LinearAlgebra,
  { signal }: Context
): Promise<{ readonly spectral: number; readonly frobenius: number }> {
  const between = async (): Promise<void> => {
    await new Promise(resolve => setTimeout(resolve));
    signal.throwIfAborted();
  };
  const [whole, ...rest] = [...parts(PART_BYTES)];
  await between();
  if (rest.length === 0) {
    const square = whole.data.reduce((sum, value) => sum + value ** 2, 0);
    return { spectral: (await spectralNorm(mapOf(whole), PATIENCE, algebra)).value, frobenius: Math.sqrt(square) };
  }
  // A table of the vocabulary: σ² are the eigenvalues of its Gram matrix, a part at a time.
  const gram = new Float64Array(whole.columns ** 2);
  for (const part of [whole, ...rest]) {
    await between();
    algebra.multiply(transpose(part), part).data.forEach((value, at) => (gram[at] += value));
  }
  const square: Matrix = { rows: whole.columns, columns: whole.columns, data: gram };
  const trace = Array.from({ length: square.rows }, (_, i) => gram[i * (square.rows + 1)]).reduce((a, b) => a + b, 0);
  const { value } = await spectralNorm(mapOf(square), PATIENCE, algebra);
  return { spectral: Math.sqrt(value), frobenius: Math.sqrt(trace) };
}
