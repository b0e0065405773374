import type { LinearAlgebra } from './linear-algebra';
import { centreColumns, isConstant, transpose, type Matrix } from './matrix';

/**
 * Eigenvalues of the covariance (divided by n − 1) of n rows, largest first: the min(n, d) that can differ from 0. From the smaller of
 * the two products X·Xᵀ and Xᵀ·X, which have the same ones. Undefined for fewer than two rows, or where all are the same.
 */
export function covarianceSpectrum(x: Matrix, algebra: LinearAlgebra): Float64Array | undefined {
  if (x.rows < 2 || isConstant(x)) {
    return undefined;
  }
  const centred = centreColumns(x);
  const turned = transpose(centred);
  const [left, right] = x.rows < x.columns ? [centred, turned] : [turned, centred];
  const values = algebra.symmetricEigenvalues(algebra.multiply(left, right));
  return values.map(value => Math.max(0, value) / (x.rows - 1)).reverse();
}

/** Variance (divided by n − 1) of each column. */
export function columnVariances(x: Matrix): Float64Array {
  const variances = new Float64Array(x.columns);
  const { data } = centreColumns(x);
  for (let from = 0; from < data.length; from += x.columns) {
    for (let j = 0; j < x.columns; j++) {
      variances[j] += data[from + j] ** 2 / (x.rows - 1);
    }
  }
  return variances;
}
