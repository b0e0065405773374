import { linearAlgebra } from '../../src/maths/linear-algebra';
import type { Matrix } from '../../src/maths/matrix';
import { lcg } from './lcg';

const SIZE = 2048;
/** SIZE · 2⁻⁵² of the largest, twice over: LAPACK promises its singular values to a small multiple of this. */
const TOLERANCE = 2 * SIZE * 2 ** -52;

/** (1 − 2uuᵀ) · diag(s) · (1 − 2vvᵀ) with unit u and v: a full matrix whose singular values are s. */
function withSingularValues(s: Float64Array, u: Float64Array, v: Float64Array): Matrix {
  const inner = s.reduce((sum, value, i) => sum + u[i] * value * v[i], 0);
  const data = new Float64Array(SIZE ** 2);
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      const rest = 4 * u[i] * inner * v[j] - 2 * u[i] * u[j] * s[j] - 2 * s[i] * v[i] * v[j];
      data[i * SIZE + j] = rest + (i === j ? s[i] : 0);
    }
  }
  return { rows: SIZE, columns: SIZE, data };
}

function unit(seed: number): Float64Array {
  const stream = lcg(seed);
  const drawn = Float64Array.from({ length: SIZE }, () => stream.normal());
  const length = Math.sqrt(drawn.reduce((sum, value) => sum + value ** 2, 0));
  return drawn.map(value => value / length);
}

/** Six decades, as weights and activations have them. */
const decaying = Float64Array.from({ length: SIZE }, (_, i) => 10 ** ((-6 * i) / (SIZE - 1)));

const furthest = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

// The closed form of the values stands in for LAPACK: the same singular values by construction.
describe(`a matrix of ${SIZE} × ${SIZE} with known values`, () => {
  test('eigenvalues, symmetric', async () => {
    const u = unit(1);
    const algebra = await linearAlgebra();
    const found = algebra.symmetricEigenvalues(withSingularValues(decaying, u, u)).reverse();
    expect(furthest(found, decaying)).toBeLessThan(TOLERANCE);
  }, 300_000);

  test('singular values', async () => {
    const algebra = await linearAlgebra();
    const found = algebra.singularValues(withSingularValues(decaying, unit(1), unit(2)));
    expect(furthest(found, decaying)).toBeLessThan(TOLERANCE);
  }, 300_000);
});
