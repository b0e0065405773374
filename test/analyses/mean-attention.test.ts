import { meanAttention } from '../../src/analyses/attention/mean-attention';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { weightOf } from '../../src/figures/atlas';
import { byteOf, magnitudeOf, valueOf } from '../../src/figures/atlas-bytes';
import type { AtlasFigure } from '../../src/figures/figure';
import { maxPool } from '../../src/maths/pool';
import type { Subject } from '../../src/subject/subject';
import type { Fake } from './fake-subject';
import { context, fakeSubject, layerOf } from './fake-subject';

/** Row q of head h looks at q with weight a, at 0 with 1 − a; a depends on layer, head and the sum of the ids. */
const share = (layer: number, head: number, ids: readonly number[], bias = 0): number =>
  ((layer + 1) * 0.1 + head * 0.2 + (ids.reduce((sum, id) => sum + id, 0) % 5) * 0.08 + bias) % 1;

const subjectOf = (bias = 0, parts: Partial<Fake> = {}): Subject =>
  fakeSubject({
    layers: 2,
    heads: 2,
    ...parts,
    tensor: (name, ids) => {
      const n = ids.length;
      const data = new Float32Array(2 * n * n);
      for (let head = 0; head < 2; head++) {
        for (let query = 0; query < n; query++) {
          const a = share(layerOf(name), head, ids, bias);
          data[(head * n + query) * n] += 1 - a;
          data[(head * n + query) * n + query] += a;
        }
      }
      return { dims: [2, n, n], data };
    }
  });

const specOf = (spec: unknown) => validateSpec(meanAttention, spec);
const run = (spec: unknown, other = 0) =>
  meanAttention.compute(subjectOf(), specOf(spec), { ...context, open: async () => subjectOf(other) }, 0);
const cellsOf = async (spec: unknown, other = 0) => {
  const result = await run(spec, other);
  const [figure] = meanAttention.figures(result, specOf(spec)) as AtlasFigure[];
  return {
    result,
    figure,
    at: (layer: number, head: number, query: number, key: number) => weightOf(figure, { layer, head, query, key })
  };
};

/** Half a step of the 8-bit scale in √value, at the largest slope. */
const STEP = 1 / 127;

test('a mean is that of the texts that have the query; rows sum to one', async () => {
  const { result, at } = await cellsOf({ texts: '1,2,3\n4,6' });
  expect(result.counts).toEqual([2, 2, 1]);
  expect(result.signed).toBe(false);
  const [a, b] = [share(1, 1, [1, 2, 3]), share(1, 1, [4, 6])];
  expect(Math.abs(at(1, 1, 1, 1) - (a + b) / 2)).toBeLessThan(STEP);
  expect(Math.abs(at(1, 1, 1, 0) - (1 - (a + b) / 2))).toBeLessThan(STEP);
  // The third position stands for the first text alone.
  expect(Math.abs(at(1, 1, 2, 2) - a)).toBeLessThan(STEP);
});

test('a difference of texts is signed, and its rows sum to zero', async () => {
  const { result, figure, at } = await cellsOf({ texts: '1,2,3', against: '1,2,5' });
  const d = share(0, 1, [1, 2, 5]) - share(0, 1, [1, 2, 3]);
  expect(result.signed && figure.signed).toBe(true);
  expect(Math.abs(at(0, 1, 2, 2) - d)).toBeLessThan(STEP);
  expect(Math.abs(at(0, 1, 2, 0) + d)).toBeLessThan(STEP);
  expect(at(0, 1, 0, 1)).toBe(0);
  expect(result.labels).toEqual(['t1', 't2', '[2]']);
  expect(
    result.top.columns.value.map(Number).every((value, i, all) => !i || Math.abs(value) <= Math.abs(all[i - 1]))
  ).toBe(true);
});

test('a difference of models is the second less the first', async () => {
  const { result, at } = await cellsOf({ texts: '1,2,3', other: 'm/second' }, 0.25);
  expect(result.other).toEqual({ label: 'fake' });
  expect(Math.abs(at(0, 0, 1, 1) - 0.25)).toBeLessThan(STEP);
});

test.each([
  [{ texts: '1,2\n3,4', against: '1,2' }, "texts not aligned: 'texts' has 2 lines, 'against' 1"],
  [{ texts: '1,2\n3,4', against: '1,2\n3,4,5' }, "line 2 has 2 tokens in 'texts' and 3 in 'against'"],
  [{ texts: ' \n ' }, "field 'texts' has 0 tokens"]
])('%j is refused: %s', async (spec, message) => {
  await expect(run(spec)).rejects.toThrow(message);
});

test('models of other heads are refused', async () => {
  const second = subjectOf(0, { heads: 3 });
  const opened = { ...context, open: async () => second };
  await expect(meanAttention.compute(subjectOf(), specOf({ texts: '1,2', other: 'm' }), opened, 0)).rejects.toThrow(
    'heads differ'
  );
});

test('a saved result is read back; a damaged one is refused', async () => {
  const result = JSON.parse(JSON.stringify(await run({ texts: '1,2,3', against: '1,2,5' })));
  expect(meanAttention.validateResult(result)).toEqual(result);
  expect(decodeTensor(meanAttention.validateResult(result).values)).toHaveLength(2 * 2 * 9);
  for (const [damage, message] of [
    [{ labels: ['a'] }, "'result.counts'"],
    [{ counts: [1], labels: ['a'] }, '1 positions beside a side of 3'],
    [{ size: 4 }, "'result.values queries'"],
    [{ signed: 1 }, "'result.signed'"]
  ] as const) {
    expect(() => meanAttention.validateResult({ ...result, ...damage })).toThrow(message);
  }
});

test('signed bytes go back and forth within half a step, zero exactly; pooling keeps the largest in size', () => {
  for (const value of [-1, -0.37, -1e-3, 0, 1e-3, 0.37, 1]) {
    const root = Math.sqrt(Math.abs(valueOf(byteOf(value, true), true)));
    expect(Math.abs(root - Math.sqrt(Math.abs(value)))).toBeLessThanOrEqual(0.5 / 127 + 1e-12);
    expect(Math.sign(valueOf(byteOf(value, true), true)) * Math.sign(value)).toBeGreaterThanOrEqual(0);
  }
  expect([byteOf(0, true), byteOf(-1, true), byteOf(1, true)]).toEqual([128, 1, 255]);
  expect([magnitudeOf(1, true), magnitudeOf(128, true), magnitudeOf(200, false)]).toEqual([254, 0, 200]);
  expect([...maxPool(Float32Array.from([0, 0, 0, 0, 0.1, -0.5, 0, 0.2, 0.3]), [3, 3], [2, 2])]).toEqual([
    0, 0, 0, -0.5
  ]);
});
