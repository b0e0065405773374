import type { LinearAlgebra } from './linear-algebra';
import { centreColumns, isConstant, transpose, type Matrix } from './matrix';

/**
 * Linear CKA of two representations of the same n samples (Kornblith et al. 2019): ‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F), columns centred. 0 … 1.
 * Undefined where one of them is constant.
 */
export function linearCka(x: Matrix, y: Matrix, algebra: LinearAlgebra): number | undefined {
  const [a, b] = [centreColumns(x), centreColumns(y)];
  const norm = (left: Matrix, right: Matrix): number =>
    Math.sqrt(algebra.multiply(transpose(left), right).data.reduce((sum, value) => sum + value ** 2, 0));
  return isConstant(x) || isConstant(y) ? undefined : norm(a, b) ** 2 / (norm(a, a) * norm(b, b));
}

/**
 * The same by the unbiased estimator of HSIC (Song et al. 2012): it does not rise with the number of features, and may be slightly
 * negative. Undefined for fewer than four samples, or where one representation is constant.
 */
export function debiasedCka(x: Matrix, y: Matrix, algebra: LinearAlgebra): number | undefined {
  const n = x.rows;
  if (n < 4 || isConstant(x) || isConstant(y)) {
    return undefined;
  }
  // HSIC does not change when the columns are centred, and numbers with a large common part would cancel.
  const [k, l] = [x, y].map(centreColumns).map(z => hollowGram(z, algebra));
  const scale = Math.sqrt(hsic(k, k) * hsic(l, l));
  return scale > 0 ? hsic(k, l) / scale : undefined;
}

interface Hollow {
  readonly gram: Matrix;
  readonly rowSums: Float64Array;
  readonly sum: number;
}

/** X·Xᵀ with a diagonal of zeros. */
function hollowGram(x: Matrix, algebra: LinearAlgebra): Hollow {
  const gram = algebra.multiply(x, transpose(x));
  const n = gram.rows;
  const rowSums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    gram.data[i * n + i] = 0;
    for (let j = 0; j < n; j++) {
      rowSums[i] += gram.data[i * n + j];
    }
  }
  return { gram, rowSums, sum: rowSums.reduce((a, b) => a + b, 0) };
}

/** [tr(KL) + 1ᵀK1 · 1ᵀL1/((n−1)(n−2)) − 2/(n−2) · 1ᵀKL1]/(n(n−3)). */
function hsic(k: Hollow, l: Hollow): number {
  const n = k.gram.rows;
  const trace = k.gram.data.reduce((sum, value, at) => sum + value * l.gram.data[at], 0);
  const cross = k.rowSums.reduce((sum, value, at) => sum + value * l.rowSums[at], 0);
  return (trace + (k.sum * l.sum) / ((n - 1) * (n - 2)) - (2 / (n - 2)) * cross) / (n * (n - 3));
}
