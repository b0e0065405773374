import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { onlineCode } from '../../src/analyses/probing/probe-fit';
import { cca, leadingDirections } from '../../src/maths/cca';
import { linearCka } from '../../src/maths/cka';
import { covarianceSpectrum } from '../../src/maths/covariance';
import { linearAlgebra } from '../../src/maths/linear-algebra';
import { fitLogistic, logisticLogProbabilities } from '../../src/maths/logistic-regression';
import { matrix, type Matrix } from '../../src/maths/matrix';
import { meanCosine } from '../../src/maths/mean-cosine';
import { minimise } from '../../src/maths/minimise';
import { fitPowerLaw } from '../../src/maths/power-law';
import { participationRatio } from '../../src/maths/spectrum-statistics';
import { twoNn } from '../../src/maths/two-nn';
import { lcg } from './lcg';

interface Oracles {
  readonly probes: readonly {
    seed: number;
    samples: number;
    features: number;
    classes: number;
    c: number;
    coefficients: number[][];
    intercepts: number[];
    log_probabilities: number[][];
  }[];
  readonly spectra: readonly {
    name: 'pareto' | 'eigenvalues';
    seed: number;
    exponent: number;
    count: number;
    rows: number;
    columns: number;
    weightwatcher: { alpha: number; xmin: number; D: number; sigma: number };
    powerlaw: { alpha: number; xmin: number; D: number };
  }[];
  readonly dimensions: readonly { seed: number; points: number; inner: number; outer: number; twonn: number }[];
  readonly pairs: readonly {
    seed: number;
    samples: number;
    first: number;
    second: number;
    share: number;
    cka: number;
    correlations: number[];
    svcca: number;
    pwcca: number;
    participation: number;
    cosine: number;
  }[];
  readonly codes: readonly {
    seed: number;
    samples: number;
    features: number;
    classes: number;
    c: number;
    bits: number;
  }[];
}

const { probes, spectra, dimensions, pairs, codes } = JSON.parse(
  readFileSync(join(__dirname, '..', 'fixtures', 'measures', 'oracles.json'), 'utf8')
) as Oracles;

const draw = (stream: ReturnType<typeof lcg>, rows: number, columns: number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => stream.normal())
  );
const rowsOf = ({ rows, columns, data }: Matrix): number[][] =>
  Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
const furthest = (a: readonly number[][], b: readonly number[][]): number =>
  Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i][j]))));

describe("logistic regression: scikit-learn's", () => {
  test.each(probes)('$samples samples, $features features, $classes classes, C = $c', async probe => {
    const { seed, samples, features, classes, c } = probe;
    const stream = lcg(seed);
    const x = draw(stream, samples, features);
    const directions = rowsOf(draw(stream, features, classes));
    const noise = rowsOf(draw(stream, samples, classes));
    const labels = rowsOf(x).map((row, i) => {
      const scores = noise[i].map((n, k) => 2 * n + row.reduce((sum, value, j) => sum + value * directions[j][k], 0));
      return scores.indexOf(Math.max(...scores));
    });
    const model = fitLogistic(x, labels, { classes, c }, await linearAlgebra());
    expect(model.converged).toBe(true);
    const [weights, intercepts] = [rowsOf(model.weights), [...model.intercepts]];
    // scikit-learn has one vector for two classes: the difference of our two.
    const ours = classes === 2 ? [weights[1].map((value, j) => value - weights[0][j])] : weights;
    const offsets = classes === 2 ? [intercepts[1] - intercepts[0]] : intercepts;
    // Ours stops at gradients of 1e-7 where the curvature is about one, scikit-learn's where its value no longer falls.
    expect(furthest(ours, probe.coefficients)).toBeLessThan(1e-5);
    // Intercepts of a softmax are fixed only up to a common constant.
    const shift = offsets[0] - probe.intercepts[0];
    offsets.forEach((value, k) => expect(value - shift).toBeCloseTo(probe.intercepts[k], 5));
    const first = { ...x, rows: 5, data: x.data.subarray(0, 5 * features) };
    expect(furthest(rowsOf(logisticLogProbabilities(model, first)), probe.log_probabilities)).toBeLessThan(1e-5);
  });

  test('refuses labels that say nothing or do not fit', async () => {
    const x = matrix(3, 1, [1, 2, 3]);
    const algebra = await linearAlgebra();
    const fit = (labels: number[]): unknown => fitLogistic(x, labels, { classes: 2, c: 1 }, algebra);
    expect(() => fit([1, 1, 1])).toThrow('logistic regression: all 3 samples have the same label');
    expect(() => fit([0, 1])).toThrow('logistic regression: 2 labels for 3 samples');
    expect(() => fit([0, 1, 2])).toThrow('logistic regression: label 2 is not one of 2 classes');
  });
});

describe('minimise', () => {
  test("Rosenbrock's valley ends at (1, 1)", () => {
    const rosenbrock = (x: Float64Array, gradient: Float64Array): number => {
      const [a, b] = [1 - x[0], x[1] - x[0] ** 2];
      gradient.set([-2 * a - 400 * x[0] * b, 200 * b]);
      return a ** 2 + 100 * b ** 2;
    };
    const { x, converged } = minimise(rosenbrock, Float64Array.of(-1.2, 1), { tolerance: 1e-9, iterations: 200 });
    expect(converged).toBe(true);
    expect([...x]).toEqual([expect.closeTo(1, 8), expect.closeTo(1, 8)]);
  });

  test('says when it did not get there', () => {
    const slope = (x: Float64Array, gradient: Float64Array): number => {
      gradient[0] = -1;
      return -x[0];
    };
    expect(minimise(slope, Float64Array.of(0), { tolerance: 1e-9, iterations: 3 }).converged).toBe(false);
  });
});

describe("exponents of tails: WeightWatcher's and powerlaw's", () => {
  test.each(spectra)('$name of seed $seed', async row => {
    const stream = lcg(row.seed);
    const values =
      row.name === 'pareto'
        ? Float64Array.from({ length: row.count }, () => (1 - stream.uniform()) ** (-1 / (row.exponent - 1)))
        : (await linearAlgebra()).singularValues(draw(stream, row.rows, row.columns)).map(value => value ** 2);
    const fit = fitPowerLaw(values)!;
    // Both compute in double precision; eigenvalues differ in the last two digits.
    for (const other of [row.weightwatcher, row.powerlaw]) {
      expect(fit.alpha / other.alpha).toBeCloseTo(1, 10);
      expect(fit.xMin / other.xmin).toBeCloseTo(1, 10);
      expect(fit.distance / other.D).toBeCloseTo(1, 9);
    }
    expect(fit.sigma / row.weightwatcher.sigma).toBeCloseTo(1, 10);
  });
});

describe("TwoNN: scikit-dimension's", () => {
  test.each(dimensions)('$points points of $inner dimensions in $outer', async row => {
    const stream = lcg(row.seed);
    const [inner, outer] = [draw(stream, row.points, row.inner), draw(stream, row.inner, row.outer)];
    const points = (await linearAlgebra()).multiply(inner, outer);
    // Distances by differences here, by a search tree there.
    expect(twoNn(points)!.dimension / row.twonn).toBeCloseTo(1, 9);
  });
});

describe("two representations: google/svcca's canonical correlations, scikit-learn's components and cosines", () => {
  test.each(pairs)('$first and $second dimensions of $samples samples', async row => {
    const algebra = await linearAlgebra();
    const stream = lcg(row.seed);
    const common = draw(stream, row.samples, Math.min(row.first, row.second));
    const made = (columns: number, offset: number): Matrix => {
      const shared = algebra.multiply(common, draw(stream, common.columns, columns));
      const own = draw(stream, row.samples, columns);
      return { ...own, data: own.data.map((value, at) => row.share * shared.data[at] + value + offset) };
    };
    const [x, y] = [made(row.first, 3), made(row.second, 0)];
    const found = cca(x, y, algebra);
    const leading = [x, y].map(one => leadingDirections(one, 0.99, algebra));
    // The reference takes roots of covariances, which halves the digits of the weakest directions.
    expect(furthest([[...found.correlations]], [row.correlations])).toBeLessThan(1e-10);
    expect(found.projectionWeighted).toBeCloseTo(row.pwcca, 10);
    expect(cca(leading[0], leading[1], algebra).mean).toBeCloseTo(row.svcca, 10);
    expect(linearCka(x, y, algebra)).toBeCloseTo(row.cka, 12);
    expect(participationRatio(covarianceSpectrum(x, algebra)!) / row.participation).toBeCloseTo(1, 12);
    expect(meanCosine(x)).toBeCloseTo(row.cosine, 12);
  });
});

describe("online code: Voita & Titov's, of scikit-learn's probes", () => {
  test.each(codes)('$samples labels of $classes classes, $features features', async row => {
    const algebra = await linearAlgebra();
    const stream = lcg(row.seed);
    const x = draw(stream, row.samples, row.features);
    const scores = rowsOf(algebra.multiply(x, draw(stream, row.features, row.classes)));
    const noise = rowsOf(draw(stream, row.samples, row.classes));
    const labels = scores.map((one, i) => {
      const all = one.map((value, k) => value + 3 * noise[i][k]);
      return all.indexOf(Math.max(...all));
    });
    const bits = await onlineCode(x, { labels, classes: row.classes }, row.c, async () => undefined);
    // Sums of some hundred log-probabilities, each right to about 1e-7.
    expect(bits / row.bits).toBeCloseTo(1, 6);
  });
});
