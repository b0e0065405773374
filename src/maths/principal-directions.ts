import type { LinearAlgebra } from './linear-algebra';
import { transpose, type Matrix } from './matrix';

/** Orthonormal directions that the rows of x lie in. */
export interface PrincipalDirections {
  /** As columns [features, rank at most min(rows, features)]. */
  readonly directions: Matrix;
  /** Of each, the sum of squares of the rows' coordinates along it. */
  readonly sizes: Float64Array;
}

/** Right singular vectors of x (not centred) with the squares of its singular values: of xᵀx, or of xxᵀ where there are fewer rows than features. */
export function principalDirections(x: Matrix, algebra: LinearAlgebra): PrincipalDirections {
  if (x.rows < x.columns) {
    const { v, s } = algebra.svd(x);
    return { directions: v, sizes: s.map(value => value ** 2) };
  }
  const { values, vectors } = algebra.symmetricEigen(algebra.multiply(transpose(x), x));
  return { directions: vectors, sizes: values.map(value => Math.max(0, value)) };
}
