import { attentionPatterns } from '../../src/analyses/attention/attention-patterns';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import type { AtlasFigure } from '../../src/figures/figure';
import { poolEdges } from '../../src/maths/pool';
import { lcg } from '../maths/lcg';
import type { Fake } from './fake-subject';
import { context, fakeSubject, layerOf } from './fake-subject';

/** Causal rows that sum to one, different for each layer and head. */
function pattern(layer: number, heads: number, length: number): Float32Array {
  const stream = lcg(layer + 1);
  const weights = new Float32Array(heads * length * length);
  for (let row = 0; row < heads * length; row++) {
    const seen = (row % length) + 1;
    const drawn = Array.from({ length: seen }, () => stream.uniform() ** 4);
    const sum = drawn.reduce((a, b) => a + b);
    weights.set(
      drawn.map(value => value / sum),
      row * length
    );
  }
  return weights;
}

const subjectOf = (parts: Fake): ReturnType<typeof fakeSubject> =>
  fakeSubject({
    tensor: (name, ids) => ({
      dims: [parts.heads, ids.length, ids.length],
      data: pattern(layerOf(name), parts.heads, ids.length)
    }),
    ...parts
  });

async function run(parts: Fake, spec: unknown): ReturnType<typeof attentionPatterns.compute> {
  return attentionPatterns.compute(subjectOf(parts), validateSpec(attentionPatterns, spec), context, 0);
}

const ids = (length: number): number[] => Array.from({ length }, (_, i) => i);

describe('attention-patterns', () => {
  test('stores each weight within half a step of the square-root scale', async () => {
    const result = await run({ layers: 2, heads: 3 }, { ids: ids(9) });
    expect(result.values).toMatchObject({ dims: ['layer', 'head', 'query_pos', 'key_pos'], shape: [2, 3, 9, 9] });
    const stored = decodeTensor(result.values);
    const exact = [0, 1].flatMap(layer => [...pattern(layer, 3, 9)]);
    // Half a step of the 8-bit scale in √weight.
    exact.forEach((weight, i) =>
      expect(Math.abs(stored[i] / 255 - Math.sqrt(weight))).toBeLessThanOrEqual(0.5 / 255 + 1e-9)
    );
  });

  test('selects layers and heads, and names what is out of range', async () => {
    const result = await run({ layers: 3, heads: 4 }, { ids: ids(5), layers: [2, 0], heads: [3] });
    expect([result.layers, result.heads, result.values.shape]).toEqual([[0, 2], [3], [2, 1, 5, 5]]);
    const [first] = decodeTensor(result.values).subarray(25 + 5);
    const exact = pattern(2, 4, 5)[3 * 25 + 5];
    expect(first).toBe(Math.round(255 * Math.sqrt(exact)));
    await expect(run({ layers: 3, heads: 4 }, { ids: ids(5), layers: [3] })).rejects.toThrow(
      "field 'layers' names 3, this model has layers 0 to 2"
    );
  });

  test.each([
    [12, 12, 20, 20],
    [12, 12, 64, 32],
    [2, 8, 200, 32],
    [4, 8, 128, 32],
    [1, 2, 200, 200],
    [1, 1, 700, 512]
  ])(
    '%i layers × %i heads on %i tokens are saved at side %i, within the budget',
    async (layers, heads, length, side) => {
      const result = await run({ layers, heads }, { ids: ids(length) });
      expect(result.size).toBe(side);
      expect(JSON.stringify(result).length).toBeLessThan(200_000);
    }
  );

  test('thumbnails hold the largest weight of each group', async () => {
    const result = await run({ layers: 1, heads: 5 }, { ids: ids(150) });
    const edges = poolEdges(150, 32);
    const stored = decodeTensor(result.values);
    const exact = pattern(0, 5, 150);
    const [row, column] = [20, 7];
    let largest = 0;
    for (let query = edges[row]; query < edges[row + 1]; query++) {
      for (let key = edges[column]; key < edges[column + 1]; key++) {
        largest = Math.max(largest, exact[query * 150 + key]);
      }
    }
    expect(stored[row * 32 + column]).toBe(Math.round(255 * Math.sqrt(largest)));
  });

  test('top names the strongest cell off the diagonal and off the first column', async () => {
    const result = await run({ layers: 2, heads: 2 }, { ids: ids(8) });
    const { layer, head, query, key, weight } = result.top.columns;
    expect(layer).toHaveLength(4);
    for (let i = 0; i < 4; i++) {
      const exact = pattern(Number(layer[i]), 2, 8).subarray(Number(head[i]) * 64, Number(head[i]) * 64 + 64);
      const candidates = [...exact].map((value, cell) => (cell % 8 === 0 || cell % 9 === 0 ? 0 : value));
      const at = candidates.indexOf(Math.max(...candidates));
      expect([query[i], key[i]]).toEqual([Math.floor(at / 8), at % 8]);
      expect(weight[i]).toBeCloseTo(candidates[at], 4);
    }
    expect([...weight].sort((a, b) => Number(b) - Number(a))).toEqual(weight);
  });

  test('draws and describes; tokens stay plain text', async () => {
    const result = await run({ layers: 2, heads: 2, labels: id => (id ? '"><script>' : '<b>') }, { ids: ids(6) });
    const [figure] = attentionPatterns.figures(result, validateSpec(attentionPatterns, {})) as AtlasFigure[];
    expect(figure).toMatchObject({ kind: 'atlas', layers: 2, heads: 2, size: 6, causal: true, layerIndices: [0, 1] });
    expect(figure.tokens[0]).toBe('<b>');
    expect(figure.alt.length).toBeLessThanOrEqual(250);
    const words = attentionPatterns.summary(result, validateSpec(attentionPatterns, {}));
    expect(words.split('\n').length).toBeLessThanOrEqual(40);
    expect(words).toContain('2 layers x 2 heads, 6 tokens, causal');
  });

  test('one token alone has no strongest cell', async () => {
    const result = await run({ layers: 1, heads: 1 }, { ids: [4] });
    expect(result.top.columns.layer).toEqual([]);
    expect(attentionPatterns.figures(result, validateSpec(attentionPatterns, {}))[0].alt).toContain('1 tokens');
  });

  test('refuses hooks that are not verified', () => {
    const hook = { name: 'blocks.0.attn.hook_pattern', dims: [], shape: [] };
    expect(attentionPatterns.refuses(subjectOf({ layers: 1, heads: 1 }))).toBeUndefined();
    expect(attentionPatterns.refuses(subjectOf({ layers: 1, heads: 1, hooks: [] }))).toContain('was not found');
    expect(
      attentionPatterns.refuses(
        subjectOf({ layers: 1, heads: 1, hooks: [{ ...hook, status: 'unavailable', why: 'rows sum to 0.3' }] })
      )
    ).toBe("the hook 'blocks.0.attn.hook_pattern' is unavailable: rows sum to 0.3");
  });

  test('stops when cancelled and refuses weights that are not numbers', async () => {
    const aborted = { ...context, signal: AbortSignal.abort() };
    const spec = validateSpec(attentionPatterns, { ids: [1, 2] });
    await expect(attentionPatterns.compute(subjectOf({ layers: 1, heads: 1 }), spec, aborted, 0)).rejects.toThrow();
    const broken = { layers: 1, heads: 1, tensor: () => ({ dims: [1, 2, 2], data: new Float32Array(4).fill(NaN) }) };
    await expect(run(broken, { ids: [1, 2] })).rejects.toThrow('holds a weight that is not a number');
  });

  test('a saved result is read back; a damaged one is refused in one sentence', async () => {
    const result = JSON.parse(JSON.stringify(await run({ layers: 2, heads: 2 }, { ids: ids(6) })));
    expect(attentionPatterns.validateResult(result)).toEqual(result);
    const damaged = (change: object): unknown => ({ ...result, ...change });
    const { values } = result;
    for (const [value, message] of [
      [null, "'result' must be an object"],
      [damaged({ values: { ...values, shape: [2, 2, 6, 7] } }), "'result.values'"],
      [damaged({ values: { ...values, shape: [1e9, 1e9, 6, 6] } }), 'are more than'],
      [damaged({ values: { ...values, data: '<b>' } }), 'base64'],
      [damaged({ size: 7 }), "'result.values queries'"],
      [damaged({ layers: [0] }), "'result.values layers'"],
      [damaged({ input: { ...result.input, labels: ['a'] } }), "'result.input.labels'"],
      [damaged({ top: { columns: { ...result.top.columns, key: [99, 0, 0, 0] } } }), 'names position 99'],
      [damaged({ top: { columns: {} } }), "'result.top.columns.layer' must be a list"]
    ] as const) {
      expect(() => attentionPatterns.validateResult(value)).toThrow(message);
    }
  });
});
