import type { LinearAlgebra } from '../../maths/linear-algebra';
import { transpose, type Matrix } from '../../maths/matrix';
import { fitPowerLaw } from '../../maths/power-law';
import { spectrumStatistics } from '../../maths/spectrum-statistics';

/** Fewer eigenvalues than WeightWatcher fits. */
export const LEAST_EIGENVALUES = 50;

/** What the eigenvalues λ of WᵀW say. Norms in the weights' unit, ranks pure numbers. */
export interface SpectrumRow {
  readonly rows: number;
  readonly columns: number;
  readonly spectral: number;
  readonly frobenius: number;
  readonly stableRank: number;
  readonly effectiveRank: number;
  /** Singular values above σ₁ · max(rows, columns) · 2⁻²³, the rounding of the stored weights. */
  readonly rank: number;
  /** Of the tail of λ; null for fewer than 50 eigenvalues above rounding. */
  readonly fit: Fit | null;
}

export interface Fit {
  readonly alpha: number;
  readonly sigma: number;
  readonly xMin: number;
  readonly distance: number;
  readonly tail: number;
  /** α · log₁₀ λ_max, and log₁₀ Σ λ^α. */
  readonly weighted: number;
  readonly logNorm: number;
}

/** Relative rounding of single precision, in which weights are read. */
const EPSILON = 2 ** -23;

export interface Spectrum {
  readonly row: SpectrumRow;
  /** λ above rounding, largest first. */
  readonly eigenvalues: Float64Array;
}

/**
 * Eigenvalues of the smaller of WᵀW and WWᵀ, in double precision: singular values to 10⁻⁸ of the largest, at half the time of their own
 * decomposition. Parts are rows of one matrix. Waits between parts, so that a cancel is heard.
 */
export async function spectrumOf(
  parts: Iterable<Matrix>,
  algebra: LinearAlgebra,
  between: () => Promise<void>
): Promise<Spectrum> {
  let [rows, columns] = [0, 0];
  let gram: Float64Array | undefined;
  for (const part of parts) {
    await between();
    const wide = gram === undefined && part.rows < part.columns;
    const product = wide ? algebra.multiply(part, transpose(part)) : algebra.multiply(transpose(part), part);
    rows += part.rows;
    columns = part.columns;
    if (gram !== undefined && gram.length !== product.data.length) {
      throw new Error(`matrix in parts: the first has another width than [${part.rows}, ${part.columns}]`);
    }
    gram = gram === undefined ? product.data : gram.map((value, at) => value + product.data[at]);
  }
  if (gram === undefined) {
    throw new Error('matrix in parts: there is none');
  }
  const size = Math.sqrt(gram.length);
  await between();
  const values = algebra.symmetricEigenvalues({ rows: size, columns: size, data: gram }).reverse();
  return describe(values, rows, columns);
}

function describe(values: Float64Array, rows: number, columns: number): Spectrum {
  const threshold = Math.max(0, values[0]) * (Math.max(rows, columns) * EPSILON) ** 2;
  const eigenvalues = values.filter(value => value > threshold);
  const { spectral, frobenius, stableRank, effectiveRank } = spectrumStatistics(
    values.map(value => Math.sqrt(Math.max(0, value)))
  );
  const row = { rows, columns, spectral, frobenius, stableRank, effectiveRank, rank: eigenvalues.length };
  return { row: { ...row, fit: fitOf(eigenvalues) }, eigenvalues };
}

function fitOf(eigenvalues: Float64Array): Fit | null {
  const fit = eigenvalues.length < LEAST_EIGENVALUES ? undefined : fitPowerLaw(eigenvalues);
  if (!fit) {
    return null;
  }
  const { alpha } = fit;
  const [largest] = eigenvalues;
  // Relative to the largest, so that powers do not overflow.
  const sum = eigenvalues.reduce((total, value) => total + (value / largest) ** alpha, 0);
  const weighted = alpha * Math.log10(largest);
  return { ...fit, weighted, logNorm: weighted + Math.log10(sum) };
}
