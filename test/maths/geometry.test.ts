import { cca, leadingDirections } from '../../src/maths/cca';
import { debiasedCka, linearCka } from '../../src/maths/cka';
import { curveLength } from '../../src/maths/curve-length';
import { linearAlgebra, type LinearAlgebra } from '../../src/maths/linear-algebra';
import { centreColumns, matrix, transpose, type Matrix } from '../../src/maths/matrix';
import { meanCosine } from '../../src/maths/mean-cosine';
import { fitPowerLaw } from '../../src/maths/power-law';
import { rankResidual } from '../../src/maths/rank-residual';
import { participationRatio, spectrumStatistics } from '../../src/maths/spectrum-statistics';
import { twoNn } from '../../src/maths/two-nn';
import { lcg } from './lcg';

type Stream = ReturnType<typeof lcg>;

const draw = (stream: Stream, rows: number, columns: number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => stream.normal())
  );
const normals = (rows: number, columns: number, seed: number): Matrix => draw(lcg(seed), rows, columns);
const map = (a: Matrix, change: (value: number, at: number) => number): Matrix => ({ ...a, data: a.data.map(change) });

let algebra: LinearAlgebra;
beforeAll(async () => {
  algebra = await linearAlgebra();
});

/**
 * The expected numbers are NumPy's in double precision, on matrices drawn by the same congruential generator. Ten digits: both
 * sides round differently in the last four.
 */
describe("spectra: NumPy's numbers", () => {
  test('norms and ranks of a 64 × 48 matrix', () => {
    const statistics = spectrumStatistics(algebra.singularValues(normals(64, 48, 1)));
    expect(statistics.frobenius ** 2).toBeCloseTo(3117.9987432432545, 9);
    expect(statistics.spectral).toBeCloseTo(14.192611463386537, 11);
    expect(statistics.stableRank).toBeCloseTo(15.479299684582003, 11);
    expect(statistics.effectiveRank).toBeCloseTo(41.95998215117978, 10);
    expect(statistics.participationRatio).toBeCloseTo(27.872955196198305, 10);
  });

  test('closed forms: the identity has full ranks, an outer product rank 1, zeros none', () => {
    expect(spectrumStatistics(new Float64Array(9).fill(3))).toEqual({
      spectral: 3,
      frobenius: 9,
      stableRank: 9,
      effectiveRank: expect.closeTo(9, 12),
      participationRatio: 9
    });
    expect(spectrumStatistics(Float64Array.of(5, 0, 0))).toMatchObject({ stableRank: 1, effectiveRank: 1 });
    expect(spectrumStatistics(new Float64Array(3))).toMatchObject({ spectral: 0, stableRank: 0 });
    expect(participationRatio([2, 2, 2, 0])).toBe(3);
    expect(participationRatio([0, 0])).toBe(0);
  });

  test('power law of Pareto numbers with exponent 2.5', () => {
    const stream = lcg(2);
    const fit = fitPowerLaw(Float64Array.from({ length: 500 }, () => (1 - stream.uniform()) ** (-1 / 1.5)))!;
    expect(fit.alpha).toBeCloseTo(2.5836298963619564, 10);
    expect(fit.xMin).toBeCloseTo(1.710586102262193, 12);
    expect(fit.distance).toBeCloseTo(0.031228734270534297, 12);
    expect(fit.sigma).toBeCloseTo(0.10015754886480362, 10);
    expect(fit.tail).toBe(250);
  });

  test('power law of the eigenvalues of a Gaussian matrix, whose tail is too short to mean anything', () => {
    const eigenvalues = algebra.singularValues(normals(64, 48, 1)).map(value => value ** 2);
    const fit = fitPowerLaw(eigenvalues)!;
    expect(fit.alpha).toBeCloseTo(4.2440580771999405, 8);
    expect(fit.xMin).toBeCloseTo(104.23899897756658, 9);
    expect(fit.tail).toBe(12);
  });

  test('no power law without two different positive values', () => {
    expect(fitPowerLaw([1, 1, 1])).toBeUndefined();
    expect(fitPowerLaw([0, -1, 2])).toBeUndefined();
  });
});

describe('geometry of points', () => {
  const points = (): Matrix => algebra.multiply(normals(400, 5, 3), normals(5, 40, 4));

  test('TwoNN of 400 points of five dimensions in forty', () => {
    const found = twoNn(points())!;
    expect(found.dimension).toBeCloseTo(5.12778379697317, 9);
    expect(found.likelihood).toBeCloseTo(5.237201861748558, 9);
    expect(found).toMatchObject({ points: 400, duplicates: 0 });
  });

  test('TwoNN leaves duplicates out and refuses too few points', () => {
    const one = points();
    const doubled = matrix(403, 40, [...one.data, ...one.data.subarray(0, 120)]);
    expect(twoNn(doubled)).toEqual({ ...twoNn(one)!, duplicates: 3 });
    expect(twoNn(normals(99, 5, 3))).toBeUndefined();
  });

  test('participation ratio of their covariance', () => {
    const centred = centreColumns(points());
    const covariance = map(algebra.multiply(transpose(centred), centred), value => value / 399);
    expect(participationRatio(algebra.symmetricEigenvalues(covariance))).toBeCloseTo(4.373769017083746, 10);
  });

  test('mean cosine of 60 vectors with a common part', () => {
    expect(meanCosine(map(normals(60, 8, 5), value => value + 0.7))).toBeCloseTo(0.2723899395277273, 12);
  });

  test('mean cosine: equal rows 1, opposite rows −1, orthogonal rows 0, a row of zeros left out', () => {
    expect(meanCosine(matrix(3, 2, [1, 1, 2, 2, 3, 3]))).toBeCloseTo(1, 14);
    expect(meanCosine(matrix(2, 2, [1, 1, -2, -2]))).toBeCloseTo(-1, 14);
    expect(meanCosine(matrix(3, 2, [1, 0, 0, 5, 0, 0]))).toBeCloseTo(0, 14);
    expect(meanCosine(matrix(2, 2, [1, 0, 0, 0]))).toBeUndefined();
  });

  test('length of a polygon: the unit square, and a circle of 2π', () => {
    expect(curveLength(matrix(5, 2, [0, 0, 1, 0, 1, 1, 0, 1, 0, 0]))).toBe(4);
    const circle = Array.from({ length: 10001 }, (_, i) => (2 * Math.PI * i) / 10000).flatMap(t => [
      Math.cos(t),
      Math.sin(t)
    ]);
    expect(curveLength(matrix(10001, 2, circle))).toBeCloseTo(2 * Math.PI, 6);
  });
});

describe('similarity of representations', () => {
  const pair = (): [Matrix, Matrix] => {
    const a = normals(50, 10, 6);
    const noise = normals(50, 12, 8);
    return [a, map(algebra.multiply(a, normals(10, 12, 7)), (value, at) => value + 0.5 * noise.data[at])];
  };

  test('linear CKA, debiased CKA and CCA', () => {
    const [a, b] = pair();
    expect(linearCka(a, b, algebra)).toBeCloseTo(0.8056882250735379, 12);
    expect(debiasedCka(a, b, algebra)).toBeCloseTo(0.7779105521770079, 11);
    const { correlations, mean } = cca(a, b, algebra);
    expect(mean).toBeCloseTo(0.9735180475830983, 11);
    expect(correlations[9]).toBeCloseTo(0.8728769937, 9);
    expect(correlations.reduce((sum, value) => sum + value ** 2, 0) / 10).toBeCloseTo(0.9491777377089899, 11);
  });

  test('CKA does not change under rotations, scales and shifts; it is 1 with itself', () => {
    const [a, b] = pair();
    const { q } = algebra.qr(normals(10, 10, 9));
    const turned = map(algebra.multiply(a, q), value => 3 * value + 7);
    expect(linearCka(a, a, algebra)).toBeCloseTo(1, 12);
    expect(linearCka(turned, a, algebra)).toBeCloseTo(1, 12);
    expect(linearCka(turned, b, algebra)).toBeCloseTo(linearCka(a, b, algebra)!, 12);
    expect(debiasedCka(turned, b, algebra)).toBeCloseTo(debiasedCka(a, b, algebra)!, 10);
    const constant = matrix(50, 1, new Float64Array(50).fill(2));
    expect(linearCka(constant, a, algebra)).toBeUndefined();
    expect(debiasedCka(a, constant, algebra)).toBeUndefined();
    expect(() => cca(a, constant, algebra)).toThrow('constant over the samples');
  });

  test('CCA is 1 for an invertible map, and refuses as many dimensions as samples', () => {
    const [a] = pair();
    const { mean, projectionWeighted } = cca(a, algebra.multiply(a, normals(10, 10, 11)), algebra);
    expect(mean).toBeCloseTo(1, 10);
    expect(projectionWeighted).toBeCloseTo(1, 10);
    expect(() => cca(normals(12, 20, 1), normals(12, 3, 2), algebra)).toThrow(
      'CCA: 12 samples for 11 and 3 dimensions; it needs more samples than dimensions'
    );
  });

  test('the leading directions carry the share asked for, and no more than is needed', () => {
    const wide = normals(60, 6, 12);
    const scales = [100, 50, 1, 1, 0.1, 0.1];
    const x = map(wide, (value, at) => value * scales[at % 6]);
    expect(leadingDirections(x, 0.99, algebra).columns).toBe(2);
    expect(leadingDirections(x, 1, algebra).columns).toBe(6);
  });
});

describe('rank residual', () => {
  const residuals = (skip: boolean): number[] => {
    const stream = lcg(9);
    const [size, head] = [16, Math.sqrt(16)];
    let x = draw(stream, size, size);
    const found = [rankResidual(x)!];
    for (let layer = 0; layer < 6; layer++) {
      const [q, k, v] = [0, 1, 2].map(() => map(draw(stream, size, size), value => value / head));
      const scores = algebra.multiply(algebra.multiply(x, q), transpose(algebra.multiply(x, k)));
      const pattern = softmaxRows(map(scores, value => value / head));
      const y = algebra.multiply(pattern, algebra.multiply(x, v));
      const before = x;
      x = skip ? map(y, (value, at) => value + before.data[at]) : y;
      found.push(rankResidual(x)!);
    }
    return found;
  };
  const softmaxRows = (a: Matrix): Matrix => {
    const sums = Array.from({ length: a.rows }, (_, i) =>
      a.data.subarray(i * a.columns, (i + 1) * a.columns).reduce((sum, value) => sum + Math.exp(value), 0)
    );
    return map(a, (value, at) => Math.exp(value) / sums[Math.floor(at / a.columns)]);
  };

  test('pure attention collapses doubly exponentially', () => {
    const found = residuals(false);
    [1.0276725702774705, 0.6678544416764425, 0.22127585299062352].forEach((value, layer) =>
      expect(found[layer]).toBeCloseTo(value, 10)
    );
    expect(found[3] / 0.00033487889703466464).toBeCloseTo(1, 9);
    // Only some digits are left in double precision.
    expect(found[4] / 6.136283335892771e-13).toBeCloseTo(1, 3);
    // The cubic rate: ln r at least triples once r is small.
    expect(Math.log(found[4]) / Math.log(found[3])).toBeGreaterThan(3);
  });

  test('with skip connections it does not', () => {
    const expected = [
      1.0276725702774705, 1.0115088023296097, 0.9774778390756347, 0.9719130972853608, 0.8528925739172768,
      0.9760011751618758, 0.7515106728000172
    ];
    residuals(true).forEach((value, layer) => expect(value).toBeCloseTo(expected[layer], 9));
  });

  test('equal rows have none', () => {
    expect(rankResidual(matrix(3, 2, [1, 2, 1, 2, 1, 2]))).toBeCloseTo(0, 14);
    expect(rankResidual(matrix(2, 2, [0, 0, 0, 0]))).toBeUndefined();
  });
});
