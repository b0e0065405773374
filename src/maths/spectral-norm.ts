import type { LinearAlgebra } from './linear-algebra';
import type { Matrix } from './matrix';
import { random } from './random';

/** A linear map and its transpose. */
export interface LinearMap {
  readonly columns: number;
  apply(x: Float64Array): Float64Array;
  applyTransposed(y: Float64Array): Float64Array;
}

export interface SpectralNorm {
  /** Never above the largest singular value. */
  readonly value: number;
  readonly steps: number;
}

/** When to end. */
export interface Patience {
  /** Steps at most. */
  readonly most: number;
  /** Relative change of the estimate below which it stays. */
  readonly settled: number;
}

/**
 * The largest singular value by Golub–Kahan–Lanczos bidiagonalisation with full reorthogonalisation, from a random start: the largest singular
 * value of the map on a growing subspace, so that it comes from below and, with gaps as weights have them, to double precision in some tens
 * of steps. `between` may end it by throwing.
 */
export async function spectralNorm(
  map: LinearMap,
  { most, settled: least }: Patience,
  algebra: LinearAlgebra,
  between: () => Promise<void> = async () => undefined
): Promise<SpectralNorm> {
  const stream = random(1);
  const start = new Float64Array(map.columns).map(() => stream.next() / 2 ** 32 - 0.5);
  const basis: Float64Array[] = [scaled(start, 1 / length(start))];
  const images: Float64Array[] = [];
  let value = 0;
  for (let step = 1; step <= most; step++) {
    await between();
    images.push(map.apply(basis[step - 1]));
    const found = largestOf(images, algebra);
    const settled = found === 0 || Math.abs(found - value) <= least * found;
    value = Math.max(value, found);
    const next = orthogonal(map.applyTransposed(images[step - 1]), basis);
    if (settled || next === undefined || step === most) {
      return { value, steps: step };
    }
    basis.push(next);
  }
  return { value, steps: most };
}

/** √ of the largest eigenvalue of the images' Gram matrix: the map on the span of the basis. */
function largestOf(images: readonly Float64Array[], algebra: LinearAlgebra): number {
  const size = images.length;
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      data[i * size + j] = data[j * size + i] = dot(images[i], images[j]);
    }
  }
  const values = algebra.symmetricEigenvalues({ rows: size, columns: size, data });
  return Math.sqrt(Math.max(0, values[size - 1]));
}

/** What is left of a vector beside the basis, of length 1; twice, against rounding. Undefined where nothing is left. */
function orthogonal(vector: Float64Array, basis: readonly Float64Array[]): Float64Array | undefined {
  const before = length(vector);
  for (const one of [...basis, ...basis]) {
    const share = dot(vector, one);
    one.forEach((value, i) => (vector[i] -= share * value));
  }
  const after = length(vector);
  return after > 1e-12 * before ? scaled(vector, 1 / after) : undefined;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

const length = (vector: Float64Array): number => Math.sqrt(dot(vector, vector));

const scaled = (vector: Float64Array, factor: number): Float64Array => vector.map(value => value * factor);

/** x ↦ A·x. */
export const mapOf = (a: Matrix): LinearMap => ({
  columns: a.columns,
  apply: x => times(a, x),
  applyTransposed: y => timesTransposed(a, y)
});

/** x ↦ A·(B·x). */
export const productOf = (a: LinearMap, b: LinearMap): LinearMap => ({
  columns: b.columns,
  apply: x => a.apply(b.apply(x)),
  applyTransposed: y => b.applyTransposed(a.applyTransposed(y))
});

function times({ rows, columns, data }: Matrix, x: Float64Array): Float64Array {
  const y = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    y[i] = dot(data.subarray(i * columns, (i + 1) * columns), x);
  }
  return y;
}

function timesTransposed({ rows, columns, data }: Matrix, y: Float64Array): Float64Array {
  const x = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      x[j] += y[i] * data[i * columns + j];
    }
  }
  return x;
}
