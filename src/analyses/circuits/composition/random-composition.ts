import { gaussian } from '../../../maths/gaussian';
import type { LinearAlgebra } from '../../../maths/linear-algebra';
import { matrix, transpose, type Matrix } from '../../../maths/matrix';
import type { Random } from '../../../maths/random';
import { frobenius } from './composition-scores';

export interface Baseline {
  readonly mean: number;
  /** Standard deviation (n − 1) over the samples. */
  readonly deviation: number;
}

export interface RandomShape {
  readonly dModel: number;
  /** Inner widths of the two products: W_V·W_O of the writer, what reads. */
  readonly left: number;
  readonly right: number;
}

/** The score of two products of independent Gaussian matrices of these shapes; about 1/√d_model, since E‖A·B‖² = E‖A‖²·E‖B‖²/d_model. */
export function randomComposition(
  { dModel, left, right }: RandomShape,
  samples: number,
  random: Random,
  algebra: LinearAlgebra
): Baseline {
  const next = gaussian(random);
  const draw = (rows: number, columns: number): Matrix =>
    matrix(rows, columns, Float64Array.from({ length: rows * columns }, next));
  const values = Array.from({ length: samples }, () => {
    const writes = algebra.multiply(algebra.qr(draw(dModel, left)).r, draw(left, dModel));
    const [front, behind] = [draw(dModel, right), transpose(algebra.qr(draw(dModel, right)).r)];
    const product = algebra.multiply(algebra.multiply(writes, front), behind);
    const norm = frobenius(algebra.multiply(algebra.qr(front).r, behind));
    return frobenius(product) / (frobenius(writes) * norm);
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / samples;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(square / (samples - 1)) };
}
