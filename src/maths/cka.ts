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
  const [k, l] = [centredGram(x, algebra), centredGram(y, algebra)];
  return k && l && ckaOfGrams(k, l).debiased;
}

/** X·Xᵀ of the centred columns, with what both forms of CKA need of it. */
export interface CentredGram {
  readonly gram: Matrix;
  readonly diagonal: Float64Array;
  /** Of each row, without the diagonal. */
  readonly rowSums: Float64Array;
  readonly sum: number;
}

/** Undefined where the rows are all the same. HSIC does not change when columns are centred, and numbers with a large common part would cancel. */
export function centredGram(x: Matrix, algebra: LinearAlgebra): CentredGram | undefined {
  if (isConstant(x)) {
    return undefined;
  }
  const centred = centreColumns(x);
  const gram = algebra.multiply(centred, transpose(centred));
  const n = gram.rows;
  const diagonal = Float64Array.from({ length: n }, (_, i) => gram.data[i * n + i]);
  const rowSums = diagonal.map((own, i) => gram.data.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b, 0) - own);
  return { gram, diagonal, rowSums, sum: rowSums.reduce((a, b) => a + b, 0) };
}

/** `linearCka` (as ⟨K, L⟩/(‖K‖‖L‖), which is the same) and `debiasedCka` of two representations of the same samples. */
export function ckaOfGrams(
  k: CentredGram,
  l: CentredGram
): { readonly plain: number; readonly debiased: number | undefined } {
  const [whole, kk, ll] = [product(k, l), product(k, k), product(l, l)];
  const n = k.diagonal.length;
  const scale = n < 4 ? 0 : Math.sqrt(hsic(k, k, kk) * hsic(l, l, ll));
  return { plain: whole / Math.sqrt(kk * ll), debiased: scale > 0 ? hsic(k, l, whole) / scale : undefined };
}

const product = ({ gram: k }: CentredGram, { gram: l }: CentredGram): number => dot(k.data, l.data);

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

/** [tr(KL) + 1ᵀK1 · 1ᵀL1/((n−1)(n−2)) − 2/(n−2) · 1ᵀKL1]/(n(n−3)), K and L without their diagonals; `whole` is ⟨K, L⟩ with them. */
function hsic(k: CentredGram, l: CentredGram, whole: number): number {
  const n = k.diagonal.length;
  const trace = whole - dot(k.diagonal, l.diagonal);
  const cross = dot(k.rowSums, l.rowSums);
  return (trace + (k.sum * l.sum) / ((n - 1) * (n - 2)) - (2 / (n - 2)) * cross) / (n * (n - 3));
}
