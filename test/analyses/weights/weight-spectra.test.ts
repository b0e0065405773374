import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { weightSpectra, type WeightSpectra } from '../../../src/analyses/weights/weight-spectra';
import type { PlotlyFigure } from '../../../src/figures/figure';
import type { Context } from '../../../src/subject/context';
import type { ModelWeights } from '../../../src/subject/weights/model-weights';
import { lcg } from '../../maths/lcg';
import { open, run } from '../circuits/lens';
import { context, fakeSubject } from '../fake-subject';
import { MODELS, oracle } from '../geometry/oracle';

interface Expected {
  readonly shape: readonly [number, number];
  readonly spectral: number;
  readonly frobenius: number;
  readonly stable_rank: number;
  readonly effective_rank: number;
  readonly rank: number;
}

const { families } = oracle<{ families: Record<string, { weights: Record<string, Expected> }> }>();

// Both decompose in double precision what is stored in single precision; ours by way of WᵀW, which costs half of the digits of the
// smallest singular values. A table that an exporter scaled differs by one rounding more.
const RELATIVE = 1e-6;

test.each(MODELS)('norms and ranks of %s/%s as by numpy, of TransformerLens’s weights', async (family, style) => {
  const subject = await open(family, style);
  const { matrices, asked, left } = await run(weightSpectra, subject, {});
  expect([asked, left]).toEqual([matrices.length, []]);
  const expected = families[family].weights;
  // The unembedding is not among TransformerLens's where it is tied.
  const found = matrices.filter(({ kind }) => kind !== 'W_U');
  expect(found.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
  for (const row of found) {
    const one = expected[row.name];
    expect([row.name, row.rows, row.columns, row.rank]).toEqual([row.name, ...one.shape, one.rank]);
    for (const [a, b] of [
      [row.spectral, one.spectral],
      [row.frobenius, one.frobenius],
      [row.stableRank, one.stable_rank],
      [row.effectiveRank, one.effective_rank]
    ]) {
      expect(Math.abs(a / b - 1)).toBeLessThan(RELATIVE);
    }
    // 32 eigenvalues are too few for an exponent.
    expect([row.fit, row.shuffled]).toEqual([null, null]);
  }
  await subject.close();
});

/** One layer of these matrices. */
const weighted = (matrices: Readonly<Record<string, { rows: number; columns: number; data: ArrayLike<number> }>>) => {
  const read: ModelWeights['read'] = name => {
    const { rows, columns, data } = matrices[name];
    return { dims: [1, rows, columns], type: 'float32', data: Float32Array.from(data) };
  };
  return fakeSubject({
    layers: 1,
    heads: 1,
    weights: { names: Object.keys(matrices) as never, read, chunks: () => [][Symbol.iterator]() as never }
  });
};

const normals = (seed: number, rows: number, columns: number) => {
  const stream = lcg(seed);
  return { rows, columns, data: Array.from({ length: rows * columns }, () => stream.normal()) };
};

test('the exponent of a drawn matrix is WeightWatcher’s and powerlaw’s', async () => {
  const { spectra } = JSON.parse(readFileSync(join(__dirname, '../../fixtures/measures/oracles.json'), 'utf8'));
  const expected = spectra.find(({ name }: { name: string }) => name === 'eigenvalues');
  const { matrices } = await run(weightSpectra, weighted({ W_in: normals(22, 300, 120) }), { shuffled: true });
  const [{ fit, shuffled }] = matrices;
  // Weights pass through single precision here, not there.
  for (const other of [expected.weightwatcher, expected.powerlaw]) {
    expect(fit!.alpha / other.alpha).toBeCloseTo(1, 4);
    expect(fit!.xMin / other.xmin).toBeCloseTo(1, 5);
    expect(fit!.distance / other.D).toBeCloseTo(1, 3);
  }
  expect(fit!.sigma / expected.weightwatcher.sigma).toBeCloseTo(1, 4);
  // A Gaussian matrix has no structure to lose: the same norms, another order.
  expect(shuffled!.frobenius).toBeCloseTo(matrices[0].frobenius, 8);
  expect(shuffled!.spectral).not.toBe(matrices[0].spectral);
  expect(Math.abs(shuffled!.effectiveRank / matrices[0].effectiveRank - 1)).toBeLessThan(0.02);
});

test('the golden matrix: 64 × 48 normals of seed 1, by numpy', async () => {
  const { matrices } = await run(weightSpectra, weighted({ W_out: normals(1, 64, 48) }), {});
  const [{ frobenius, spectral, stableRank, effectiveRank, fit }] = matrices;
  expect(frobenius ** 2).toBeCloseTo(3117.998743, 2);
  expect(spectral).toBeCloseTo(14.192611, 5);
  expect(stableRank).toBeCloseTo(15.4793, 4);
  expect(effectiveRank).toBeCloseTo(41.959982, 4);
  expect(fit).toBeNull();
});

test('what is not numbers is named; the others are measured', async () => {
  const broken = { ...normals(3, 4, 4), data: Array(16).fill(NaN) };
  const zeros = { rows: 3, columns: 4, data: Array(12).fill(0) };
  const given = weighted({ W_in: zeros, W_out: broken });
  const result = await run(weightSpectra, given, {});
  expect(result.left).toEqual([{ name: 'W_out 0', why: expect.stringContaining('NaN') }]);
  expect(result.matrices[0]).toMatchObject({ spectral: 0, stableRank: 0, effectiveRank: 0, rank: 0, fit: null });
  expect(weightSpectra.summary(result, validateSpec(weightSpectra, {}))).toContain('Not read: 1 (W_out 0');
  expect(weightSpectra.figures(result, validateSpec(weightSpectra, {})).length).toBeGreaterThan(1);
  await expect(run(weightSpectra, weighted({ W_out: broken }), {})).rejects.toThrow('no matrix could be read; W_out 0');
  expect(weightSpectra.refuses(fakeSubject({ layers: 1, heads: 1 }))).toContain('no weight matrix');
});

test.each([
  [{ drawn: 'W_in 7' }, "field 'drawn' names 'W_in 7', which is not among the matrices measured (W_in 0, …)"],
  [{ drawn: 'W_in 0, W_in 0, W_in 0, W_in 0, W_in 0' }, "field 'drawn' names 5 matrices, at most 4 are drawn"],
  [{ layers: [3] }, "field 'layers' names 3, this model has layers 0 to 0"]
])('refuses %j', async (given, message) => {
  await expect(run(weightSpectra, weighted({ W_in: normals(1, 8, 8) }), given)).rejects.toThrow(message);
});

test('a partial result goes on where it stopped; a cancel is heard', async () => {
  const subject = weighted({ W_in: normals(1, 60, 60), W_out: normals(2, 60, 60) });
  const spec = validateSpec(weightSpectra, {});
  const whole = await weightSpectra.compute(subject, spec, context, 0);
  const earlier = { ...whole, matrices: whole.matrices.slice(0, 1), drawn: [] };
  expect(weightSpectra.completion!(earlier)).toEqual({ done: 1, total: 2 });
  expect(await weightSpectra.compute(subject, spec, { ...context, earlier }, 0)).toEqual(whole);
  const stop = new AbortController();
  const progress: Context['progress'] = ({ label }) => label.startsWith('W_out') && stop.abort();
  await expect(weightSpectra.compute(subject, spec, { signal: stop.signal, progress }, 0)).rejects.toThrow(/abort/);
});

test('the figure has points, the fitted line from x_min on, and its slope', async () => {
  const result: WeightSpectra = await run(weightSpectra, weighted({ W_in: normals(22, 300, 120) }), {
    drawn: 'W_in 0'
  });
  const figures = weightSpectra.figures(result, validateSpec(weightSpectra, {}));
  const { data, layout } = figures.find(({ title }) => title === 'Spectra with their fitted tails') as PlotlyFigure;
  const [points, fit] = data as { x: number[]; y: number[]; legendgroup: string }[];
  const found = result.matrices[0].fit!;
  expect([points.x.length, points.y.at(-1), fit.x[0], fit.legendgroup]).toEqual([
    120,
    1,
    found.xMin,
    points.legendgroup
  ]);
  const slope = Math.log(fit.y[23] / fit.y[0]) / Math.log(fit.x[23] / fit.x[0]);
  expect(slope).toBeCloseTo(1 - found.alpha, 10);
  expect(layout.xaxis).toMatchObject({ type: 'log' });
});

test('a saved result that names what is no matrix is refused', async () => {
  const result = await run(weightSpectra, weighted({ W_in: normals(1, 8, 8) }), {});
  const hostile = { ...result, left: [{ name: '<b>', why: 'x' }] };
  expect(() => weightSpectra.validateResult(hostile)).toThrow("'result' names a matrix '<b>', which is none");
});

describe('other models', () => {
  test('have their own numbers, and one figure each of spectra, exponent and rank with a curve for each model', async () => {
    const first = await open('gpt2', 'optimum');
    const spec = validateSpec(weightSpectra, { others: 'llama\nattn-only-rope' });
    const partials: WeightSpectra[] = [];
    const styles: Record<string, string> = { llama: 'optimum', 'attn-only-rope': 'torchscript' };
    const result = weightSpectra.validateResult(
      await weightSpectra.compute(
        first,
        spec,
        {
          ...context,
          open: path => open(path, styles[path]),
          partial: partial => partials.push(weightSpectra.validateResult(partial))
        },
        0
      )
    );
    for (const [at, [family, style]] of Object.entries(styles).entries()) {
      const subject = await open(family, style);
      const alone = await run(weightSpectra, subject, {});
      expect(result.others![at]).toMatchObject({ hash: subject.facts.hash, matrices: alone.matrices, left: [] });
      await subject.close();
    }
    // Attention alone has no W_out: it draws its own.
    expect(result.others!.map(({ drawn }) => drawn.map(({ name }) => name))).toEqual([['W_out 0'], ['W_O 0']]);
    expect(partials.map(partial => weightSpectra.completion!(partial).done)).toEqual(
      [0, 1, 2].map(more => result.asked + more)
    );
    const figures = weightSpectra.figures(result, spec) as PlotlyFigure[];
    const titles = figures.map(({ title }) => title);
    expect(titles).toContain('Spectra of 3 models');
    const rank = figures[titles.indexOf('Effective rank of W_out in 2 models')];
    expect(rank.data.map(({ name }) => name).filter(Boolean)).toEqual(['this model', 'llama']);
    expect(weightSpectra.summary(result, spec)).toContain('llama: mean log10');
    // One model with an exponent is nothing to compare; two are.
    const fit = { alpha: 3, sigma: 0.1, xMin: 1, distance: 0.05, tail: 40, weighted: 3, logNorm: 3 };
    const fitted = <T extends Pick<WeightSpectra, 'matrices'>>(one: T): T => ({
      ...one,
      matrices: one.matrices.map(row => ({ ...row, fit }))
    });
    const exponents = (of: WeightSpectra): boolean =>
      weightSpectra.figures(of, spec).some(({ title }) => title === 'Tail exponent α of W_out in 2 models');
    expect(exponents(fitted(result))).toBe(false);
    expect(exponents({ ...fitted(result), others: result.others!.map(fitted) })).toBe(true);
    await first.close();
  });

  test('go on where a partial result ends, and keep to the layers that they have', async () => {
    const first = await open('gpt2', 'optimum');
    const spec = validateSpec(weightSpectra, { others: 'a\nb', layers: [1], tables: false });
    const opened: string[] = [];
    const opener = async (path: string) => (opened.push(path), open('llama', 'optimum'));
    const whole = await weightSpectra.compute(first, spec, { ...context, open: opener }, 0);
    expect(whole.others!.map(({ matrices }) => new Set(matrices.map(({ layer }) => layer)))).toEqual([
      new Set([1]),
      new Set([1])
    ]);
    const earlier = { ...whole, others: whole.others!.slice(0, 1) };
    expect(weightSpectra.completion!(earlier)).toEqual({ done: whole.asked + 1, total: whole.asked + 2 });
    opened.length = 0;
    expect(await weightSpectra.compute(first, spec, { ...context, earlier, open: opener }, 0)).toEqual(whole);
    expect(opened).toEqual(['b']);
    await first.close();
  });
});
