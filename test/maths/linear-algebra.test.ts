import { linearAlgebra, type LinearAlgebra } from '../../src/maths/linear-algebra';
import { matrix, transpose, type Matrix } from '../../src/maths/matrix';
import { lcg } from './lcg';

const normals = (rows: number, columns: number, seed: number): Matrix => {
  const stream = lcg(seed);
  return matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => stream.normal())
  );
};

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, at) => Math.abs(value - b[at])));

/** Double precision has 1e-16; some hundred terms are summed. */
const ROUNDING = 1e-11;

describe('linear algebra', () => {
  let algebra: LinearAlgebra;
  beforeAll(async () => {
    algebra = await linearAlgebra();
  });

  test.each([
    [64, 48],
    [48, 64],
    [1, 7],
    [7, 1]
  ])('u · diag(s) · vᵀ gives the matrix back: %i × %i', (rows, columns) => {
    const a = normals(rows, columns, 1);
    const { u, s, v } = algebra.svd(a);
    const scaled = { ...u, data: u.data.map((value, at) => value * s[at % s.length]) };
    expect(largest(algebra.multiply(scaled, transpose(v)).data, a.data)).toBeLessThan(ROUNDING);
    expect(largest(algebra.singularValues(a), s)).toBeLessThan(ROUNDING);
    expect([...s]).toEqual([...s].sort((x, y) => y - x));
  });

  test("NumPy's singular values of the golden matrix: the largest and the sum of squares", () => {
    const s = algebra.singularValues(normals(64, 48, 1));
    expect(s[0]).toBeCloseTo(14.192611463386537, 11);
    expect(s.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(3117.9987432432545, 9);
  });

  test('a symmetric matrix times its eigenvectors is the eigenvectors times the eigenvalues', () => {
    const a = normals(30, 20, 2);
    const gram = algebra.multiply(transpose(a), a);
    const { values, vectors } = algebra.symmetricEigen(gram);
    const scaled = vectors.data.map((value, at) => value * values[at % 20]);
    expect(largest(algebra.multiply(gram, vectors).data, scaled)).toBeLessThan(ROUNDING * 100);
    expect(largest(algebra.symmetricEigenvalues(gram), values)).toBeLessThan(ROUNDING * 100);
    expect(largest(algebra.singularValues(a), values.map(value => Math.sqrt(value)).reverse())).toBeLessThan(ROUNDING);
  });

  test('eigenvalues of a rotation are e^{±iφ}, of a companion matrix the roots of its polynomial', () => {
    const rotation = algebra.eigenvalues(matrix(2, 2, [Math.cos(0.3), -Math.sin(0.3), Math.sin(0.3), Math.cos(0.3)]));
    expect(rotation.re[0]).toBeCloseTo(Math.cos(0.3), 14);
    expect([...rotation.im].sort()).toEqual([expect.closeTo(-Math.sin(0.3), 14), expect.closeTo(Math.sin(0.3), 14)]);
    // (x − 1)(x − 2)(x − 3) = x³ − 6x² + 11x − 6
    const roots = algebra.eigenvalues(matrix(3, 3, [6, -11, 6, 1, 0, 0, 0, 1, 0]));
    expect([...roots.re].sort()).toEqual([expect.closeTo(1, 10), expect.closeTo(2, 10), expect.closeTo(3, 10)]);
  });

  test('q has orthonormal columns, r is upper triangular, their product is the matrix', () => {
    const a = normals(40, 15, 3);
    const { q, r } = algebra.qr(a);
    const identity = Float64Array.from({ length: 225 }, (_, at) => (at % 16 === 0 ? 1 : 0));
    expect(largest(algebra.multiply(transpose(q), q).data, identity)).toBeLessThan(ROUNDING);
    expect(r.data.filter((value, at) => at % 15 < Math.floor(at / 15) && value !== 0)).toHaveLength(0);
    expect(largest(algebra.multiply(q, r).data, a.data)).toBeLessThan(ROUNDING);
  });

  test('solvePositive solves', () => {
    const a = normals(30, 12, 4);
    const gram = algebra.multiply(transpose(a), a);
    const x = Float64Array.from({ length: 12 }, (_, at) => at - 5);
    const b = algebra.multiply(gram, matrix(12, 1, x)).data;
    expect(largest(algebra.solvePositive(gram, b), x)).toBeLessThan(ROUNDING * 100);
  });

  test("norms of blocks of a product, in single precision, whatever the matrices' sizes", () => {
    const [a, b] = [normals(12, 50, 7), normals(50, 20, 8)];
    const huge = { ...a, data: a.data.map(value => 1e30 * value) };
    const product = algebra.multiply(a, b);
    const wanted = Array.from({ length: 12 }, (_, block) => {
      const [row, column] = [4 * Math.floor(block / 4), 5 * (block % 4)];
      const cells = Array.from({ length: 20 }, (__, at) => {
        const [i, j] = [row + Math.floor(at / 5), column + (at % 5)];
        return product.data[i * 20 + j] ** 2;
      });
      return Math.sqrt(cells.reduce((sum, value) => sum + value, 0));
    });
    const found = algebra.blockNorms(huge, b, { rows: 4, columns: 5 });
    // Single precision has 6e-8; errors of many cells average out.
    found.forEach((norm, at) => expect(Math.abs(norm / 1e30 / wanted[at] - 1)).toBeLessThan(1e-6));
    expect([...algebra.blockNorms({ ...a, data: new Float64Array(600) }, b, { rows: 12, columns: 20 })]).toEqual([0]);
    expect(() => algebra.blockNorms(a, b, { rows: 5, columns: 5 })).toThrow(
      'linear algebra: blocks [5, 5] of [12, 50] times [50, 20]'
    );
  });

  test('multiplies by matrices that stay in its memory: the same numbers, also after another call between', () => {
    const [a, b, c] = [normals(5, 30, 9), normals(30, 40, 10), normals(30, 7, 11)];
    const [first, second, again] = algebra.multiplying([b, c], ([byB, byC]) => {
      const products = [byB(a), byC(a)];
      expect(algebra.singularValues(b)).toHaveLength(30);
      return [...products, byB({ ...a, data: a.data.map(value => 2 * value) })];
    });
    expect([...first.data]).toEqual([...algebra.multiply(a, b).data]);
    expect([...second.data]).toEqual([...algebra.multiply(a, c).data]);
    expect(
      largest(
        again.data,
        first.data.map(value => 2 * value)
      )
    ).toBe(0);
    expect(() => algebra.multiplying([b], ([byB]) => byB(b))).toThrow('[30, 40] times [30, 40]');
    expect(() => algebra.multiplying([b], ([byB]) => byB(matrix(1, 1, [NaN])))).toThrow('NaN at [0, 0]');
    expect(() => algebra.multiplying([matrix(1, 1, [NaN])], () => 0)).toThrow('NaN at [0, 0]');
  });

  test('refuses what no decomposition has', () => {
    expect(() => algebra.singularValues(matrix(2, 2, [1, NaN, 0, 1]))).toThrow(
      'linear algebra: the singular values of a matrix with NaN at [0, 1]'
    );
    expect(() => algebra.singularValues(matrix(0, 3, []))).toThrow('of an empty matrix [0, 3]');
    expect(() => algebra.eigenvalues(matrix(1, 2, [1, 2]))).toThrow('[1, 2] is not square');
    expect(() => algebra.multiply(matrix(1, 2, [1, 2]), matrix(1, 2, [1, 2]))).toThrow('[1, 2] times [1, 2]');
    expect(() => algebra.solvePositive(matrix(2, 2, [1, 2, 2, 1]), Float64Array.of(1, 1))).toThrow(
      'the Cholesky decomposition did not converge'
    );
    expect(() => matrix(2, 2, [1])).toThrow('matrix malformed: 1 numbers for [2, 2]');
  });

  test('goes on after a matrix that needs more memory than is kept', () => {
    const large = normals(700, 700, 5);
    expect(algebra.singularValues(large)).toHaveLength(700);
    expect(algebra.singularValues(normals(64, 48, 1))[0]).toBeCloseTo(14.192611463386537, 11);
  });
});
