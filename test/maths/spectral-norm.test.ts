import { linearAlgebra } from '../../src/maths/linear-algebra';
import { quantile } from '../../src/maths/quantile';
import { mapOf, spectralNorm } from '../../src/maths/spectral-norm';
import { lcg } from './lcg';

test('the largest singular value as by Eigen, from below', async () => {
  const algebra = await linearAlgebra();
  for (const [seed, rows, columns] of [
    [1, 64, 48],
    [2, 20, 90],
    [3, 1, 7],
    [4, 7, 1]
  ]) {
    const { normal } = lcg(seed);
    const a = { rows, columns, data: new Float64Array(rows * columns).map(() => normal()) };
    const [largest] = algebra.singularValues(a);
    const { value } = await spectralNorm(mapOf(a), { most: 80, settled: 1e-9 }, algebra);
    // Lanczos on a flat spectrum (Gaussian entries), the hardest kind.
    expect(value).toBeLessThan(largest * (1 + 1e-12));
    expect(value).toBeGreaterThan(largest * (1 - 1e-7));
  }
});

test('a golden matrix (measures of NumPy), zeros, and a cancel', async () => {
  const algebra = await linearAlgebra();
  const { normal } = lcg(1);
  const w = { rows: 64, columns: 48, data: new Float64Array(64 * 48).map(() => normal()) };
  expect((await spectralNorm(mapOf(w), { most: 80, settled: 1e-9 }, algebra)).value).toBeCloseTo(14.192611, 5);
  const zeros = { rows: 3, columns: 2, data: new Float64Array(6) };
  expect((await spectralNorm(mapOf(zeros), { most: 80, settled: 1e-9 }, algebra)).value).toBe(0);
  const between = async (): Promise<void> => {
    throw new Error('cancelled');
  };
  await expect(spectralNorm(mapOf(w), { most: 80, settled: 1e-9 }, algebra, between)).rejects.toThrow('cancelled');
});

test('quantiles as NumPy’s', () => {
  expect([0, 0.1, 0.5, 1].map(q => quantile([1, 2, 4, 8], q))).toEqual([1, expect.closeTo(1.3, 12), 3, 8]);
  expect(quantile([], 0.5)).toBeNaN();
});
