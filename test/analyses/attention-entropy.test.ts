import { attentionEntropy } from '../../src/analyses/attention/attention-entropy';
import { headStatistics } from '../../src/analyses/attention/attention-statistics';
import { matrices } from '../../src/analyses/attention/head-values';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import type { PlotlyFigure } from '../../src/figures/figure';
import { context, fakeSubject } from './fake-subject';
import { oracleNumbers, oracleTensors } from './oracle';

const MEASURES = ['entropy', 'normalised', 'distance', 'sink'];
const oracles = oracleNumbers('attention-entropy');

const subjectOf = (model: string, causal: boolean): ReturnType<typeof fakeSubject> => {
  const read = oracleTensors(model);
  return fakeSubject({
    layers: 2,
    heads: 4,
    causal,
    tensor: name => ({ dims: read(name).dims.slice(1), data: read(name).data })
  });
};

const head = (rows: readonly (readonly number[])[]): Parameters<typeof headStatistics>[0] => ({
  row: 0,
  layer: 0,
  heads: 1,
  length: rows.length,
  weights: Float32Array.from(rows.flat())
});

describe('attention-entropy', () => {
  test.each(Object.keys(oracles))('agrees with scipy on the patterns of %s', async model => {
    const { ids, causal, means } = oracles[model] as {
      ids: number[][];
      causal: boolean;
      means: Record<string, number[][]>;
    };
    const spec = validateSpec(attentionEntropy, { ids: ids[0] });
    const result = await attentionEntropy.compute(subjectOf(model, causal), spec, context, 0);
    const found = matrices(result.values);
    MEASURES.forEach((name, m) =>
      means[name].forEach((row, layer) =>
        // The result is stored in single precision: 2⁻²⁴ of values up to about 10.
        row.forEach((value, at) => expect(Math.abs(found[m][layer][at] - value)).toBeLessThan(1e-6))
      )
    );
  });

  test('a uniform causal head is 1, a head that copies one token 0', () => {
    const uniform = head([0, 1, 2, 3].map(t => [0, 1, 2, 3].map(s => (s <= t ? 1 / (t + 1) : 0))));
    const delta = head([0, 1, 2, 3].map(t => [0, 1, 2, 3].map(s => (s === Math.max(0, t - 1) ? 1 : 0))));
    expect(headStatistics(uniform, 0, true).normalised).toBeCloseTo(1, 6);
    expect(headStatistics(delta, 0, true)).toEqual({ entropy: 0, normalised: 0, distance: 1, sink: 1 / 3 });
  });

  test('draws two figures and describes them', async () => {
    const spec = validateSpec(attentionEntropy, {
      ids: oracles.gpt2.ids === undefined ? [] : (oracles.gpt2.ids as number[][])[0]
    });
    const result = await attentionEntropy.compute(subjectOf('gpt2', true), spec, context, 0);
    const figures = attentionEntropy.figures(result, spec) as PlotlyFigure[];
    expect(figures.map(figure => figure.kind)).toEqual(['plotly', 'plotly']);
    expect(figures.every(figure => figure.alt.length > 20 && figure.alt.length <= 250)).toBe(true);
    expect(attentionEntropy.summary(result, spec)).toMatch(/strongest sink: L\dH\d 0\.\d{3} attention weight/);
    expect(attentionEntropy.validateResult(JSON.parse(JSON.stringify(result)))).toEqual(result);
  });

  test('refuses one token alone', async () => {
    const spec = validateSpec(attentionEntropy, { ids: [1] });
    await expect(attentionEntropy.compute(subjectOf('gpt2', true), spec, context, 0)).rejects.toThrow(
      'needs at least 2 tokens, got 1'
    );
  });
});

describe('beside models with shuffled weights', () => {
  const uniform = (length: number): Float32Array =>
    Float32Array.from({ length: length ** 2 }, (_, at) => (at % length <= Math.floor(at / length) ? 1 : 0)).map(
      (seen, at) => seen / (Math.floor(at / length) + 1)
    );
  const equal = (length: number): Float32Array =>
    Float32Array.from({ length: length ** 2 }, (_, at) => Number(at % length === Math.floor(at / length)));
  const heads =
    (...patterns: readonly Float32Array[]) =>
    () => ({
      dims: [patterns.length, 3, 3],
      data: Float32Array.from(patterns.flatMap(pattern => [...pattern]))
    });

  test('their means over the heads stand in the profile', async () => {
    const subject = fakeSubject({
      layers: 2,
      heads: 2,
      causal: true,
      tensor: heads(equal(3), equal(3)),
      shuffled: () => ({ tensor: heads(uniform(3), equal(3)) })
    });
    const spec = validateSpec(attentionEntropy, { ids: [1, 2, 3], baseline: 2 });
    const result = attentionEntropy.validateResult(await attentionEntropy.compute(subject, spec, context, 0));
    expect(matrices(result.values)[1]).toEqual([
      [0, 0],
      [0, 0]
    ]);
    const [, profile] = attentionEntropy.figures(result, spec) as PlotlyFigure[];
    const beside = profile.data.filter(({ name }) => String(name).includes('shuffled'));
    expect(beside.map(({ name }) => name)).toEqual(['normalised entropy, shuffled', 'first-token sink, shuffled']);
    // Of a head with uniform rows, 1, and of one that copies, 0.
    expect((beside[0] as { y: number[] }).y).toEqual([0.5, 0.5]);
    expect(profile.caption).toContain('random order');
    expect(attentionEntropy.cost(subject, spec).forwards).toBe(3);
    const { baseline: _, ...older } = result;
    expect(attentionEntropy.figures(attentionEntropy.validateResult(older), spec)).toHaveLength(2);
  });
});
