import type { LinearAlgebra } from './linear-algebra';
import { centreColumns, isConstant, transpose, type Matrix } from './matrix';

export interface Cca {
  /** Canonical correlations, largest first, 0 … 1. */
  readonly correlations: Float64Array;
  /** Their mean. */
  readonly mean: number;
  /** PWCCA (Morcos et al. 2018): their mean weighted by how much of the first representation each direction carries. */
  readonly projectionWeighted: number;
}

/**
 * Canonical correlation analysis of two representations of the same n samples, by QR of the centred columns and the singular values of
 * QₓᵀQᵧ. Columns that depend on others are dropped. Throws where samples do not exceed the dimensions of both: every correlation is 1 then.
 */
export function cca(x: Matrix, y: Matrix, algebra: LinearAlgebra): Cca {
  return ccaOfBases(ccaBasis(x, algebra), ccaBasis(y, algebra), algebra);
}

/** What CCA needs of one representation. */
export interface CcaBasis {
  /** Orthonormal [samples, rank], of the centred columns. */
  readonly basis: Matrix;
  /** The centred columns. */
  readonly centred: Matrix;
}

/** Directions weaker than `negligible` of the strongest are left out. */
export const ccaBasis = (x: Matrix, algebra: LinearAlgebra, negligible = NEGLIGIBLE): CcaBasis => ({
  basis: basis(x, algebra, negligible),
  centred: centreColumns(x)
});

/** As `cca`, where a representation is compared with several. */
export function ccaOfBases({ basis: a, centred }: CcaBasis, { basis: b }: CcaBasis, algebra: LinearAlgebra): Cca {
  if (a.rows <= Math.max(a.columns, b.columns) + 1) {
    throw new Error(
      `CCA: ${a.rows} samples for ${a.columns} and ${b.columns} dimensions; it needs more samples than dimensions`
    );
  }
  const { u, s } = algebra.svd(algebra.multiply(transpose(a), b));
  const correlations = s.map(value => Math.min(1, value));
  const directions = algebra.multiply(transpose(algebra.multiply(a, u)), centred);
  const weights = Float64Array.from({ length: directions.rows }, (_, i) =>
    directions.data
      .subarray(i * directions.columns, (i + 1) * directions.columns)
      .reduce((sum, value) => sum + Math.abs(value), 0)
  );
  const total = weights.reduce((sum, value) => sum + value, 0);
  return {
    correlations,
    mean: correlations.reduce((sum, value) => sum + value, 0) / correlations.length,
    projectionWeighted: correlations.reduce((sum, value, i) => sum + value * weights[i], 0) / total
  };
}

/** SVCCA (Raghu et al. 2017): the leading singular directions of the centred columns that carry `share` of their variance. */
export function leadingDirections(x: Matrix, share: number, algebra: LinearAlgebra): Matrix {
  const { u, s } = algebra.svd(centreColumns(x));
  const total = s.reduce((sum, value) => sum + value ** 2, 0);
  let [kept, carried] = [0, 0];
  while (kept < s.length && carried < share * total) {
    carried += s[kept++] ** 2;
  }
  const data = new Float64Array(x.rows * kept);
  for (let i = 0; i < x.rows; i++) {
    for (let j = 0; j < kept; j++) {
      data[i * kept + j] = u.data[i * u.columns + j] * s[j];
    }
  }
  return { rows: x.rows, columns: kept, data };
}

/** Directions weaker than this share of the strongest are rounding, of numbers in double precision. */
const NEGLIGIBLE = 1e-10;

/** An orthonormal basis [samples, rank] of the centred columns. */
function basis(x: Matrix, algebra: LinearAlgebra, negligible: number): Matrix {
  if (isConstant(x)) {
    throw new Error('CCA: a representation is constant over the samples');
  }
  const { u, s } = algebra.svd(centreColumns(x));
  const rank = s.filter(value => value > s[0] * negligible).length;
  const data = new Float64Array(x.rows * rank);
  for (let i = 0; i < x.rows; i++) {
    data.set(u.data.subarray(i * u.columns, i * u.columns + rank), i * rank);
  }
  return { rows: x.rows, columns: rank, data };
}
