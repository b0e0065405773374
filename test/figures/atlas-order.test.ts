import { atlas } from '../../src/figures/atlas';
import { byPlace, byScore, rowsOf } from '../../src/figures/atlas-order';
import { atlasCell, rasterAtlas } from '../../src/figures/atlas-raster';
import type { AtlasFigure } from '../../src/figures/figure';
import { ATTENTION_LIGHT } from '../../src/figures/palettes';
import { strongestEdges } from '../../src/figures/strongest-edges';
import { withoutFirst } from '../../src/figures/without-first';

/** Head h of layer l holds the byte 10 · (2 l + h) + 5 everywhere. */
const flat = (size: number, tokens = size): AtlasFigure =>
  atlas({
    title: 't',
    caption: 'c',
    alt: 'a',
    layers: 2,
    heads: 2,
    tokens: Array.from({ length: tokens }, (_, i) => `t${i}`),
    causal: false,
    sink: true,
    patterns: Uint8Array.from({ length: 4 * size * size }, (_, i) => 10 * Math.floor(i / (size * size)) + 5),
    size
  });

const score = (...values: number[]) => ({ id: 's', label: 'S', what: '', values });

describe('heads by a score', () => {
  const figure = flat(2);

  test.each([
    [false, 4, [2, 0, 3]],
    [true, 4, [3, 0, 2]],
    [false, 2, [2, 0]]
  ])('smallest first: %s, at most %i', (smallestFirst, most, order) => {
    // Head 1 has none.
    const sorted = byScore(figure, { score: score(0.5, NaN, 0.9, 0.1), smallestFirst, most }, 10);
    expect(sorted).toEqual({ order, columns: order.length });
  });

  test('equal heads stay in the order of layers, and rows are as wide as there is room', () => {
    const sorted = byScore(figure, { score: score(1, 1, 1, 1), smallestFirst: false, most: 4 }, 3);
    expect(sorted).toEqual({ order: [0, 1, 2, 3], columns: 3 });
    expect(rowsOf(sorted)).toBe(2);
  });

  test('are drawn and found where they stand, under their names', () => {
    const view = { tile: { width: 4, height: 4 }, gap: 1, band: 3, hideSink: false, palette: ATTENTION_LIGHT };
    const arrangement = { order: [3, 1, 0], columns: 2 };
    const { width, height, rgba } = rasterAtlas(figure, view, arrangement);
    expect([width, height]).toEqual([9, 15]);
    const at = (x: number, y: number): number[] => [...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
    expect(at(0, 3)).toEqual([...ATTENTION_LIGHT.ramp[35]]);
    expect(at(8, 6)).toEqual([...ATTENTION_LIGHT.ramp[15]]);
    expect(at(0, 11)).toEqual([...ATTENTION_LIGHT.ramp[5]]);
    expect(at(0, 2)).toEqual([...ATTENTION_LIGHT.gap]);
    expect(atlasCell(figure, view, 6, 4, arrangement)).toEqual({ layer: 0, head: 1, query: 0, key: 0 });
    expect(atlasCell(figure, view, 0, 2, arrangement)).toBeUndefined();
    expect(atlasCell(figure, view, 6, 12, arrangement)).toBeUndefined();
    expect(byPlace(figure)).toEqual({ order: [0, 1, 2, 3], columns: 2 });
  });
});

describe('without the first key', () => {
  const row = [0.7, 0.2, 0.1];
  const bytes = (weights: readonly number[]): number[] => weights.map(weight => Math.round(255 * Math.sqrt(weight)));
  const figure = atlas({
    ...flat(3),
    layers: 1,
    heads: 1,
    patterns: Uint8Array.from([...bytes([1, 0, 0]), ...bytes(row), ...bytes([0.998, 0.001, 0.001])])
  });

  test('what is left of a row sums to one; what 8 bits do not resolve is empty', () => {
    const { patterns } = withoutFirst(figure);
    expect([...patterns.subarray(0, 3)]).toEqual([0, 0, 0]);
    // 0.2 and 0.1 of 0.3, within a step of the 8-bit scale in √weight.
    [0, 2 / 3, 1 / 3].forEach((share, key) =>
      expect(Math.abs(patterns[3 + key] / 255 - Math.sqrt(share))).toBeLessThanOrEqual(1 / 255)
    );
    expect([...patterns.subarray(6)]).toEqual([0, 0, 0]);
    expect(figure.patterns[3]).toBe(Math.round(255 * Math.sqrt(0.7)));
  });

  test('pooled rows are refused', () => {
    expect(() => withoutFirst(flat(2, 9))).toThrow('patterns of 9 tokens are stored as 2 groups');
  });
});

test('the strongest edges of a token, outgoing and incoming', () => {
  const weights = [1, 0, 0, 0.6, 0.4, 0, 0.1, 0.2, 0.7];
  const figure = atlas({
    ...flat(3),
    layers: 1,
    heads: 1,
    patterns: Uint8Array.from(weights, weight => Math.round(255 * Math.sqrt(weight)))
  });
  const edges = (from?: { side: 'query' | 'key'; index: number }, hideSink = false): number[][] =>
    strongestEdges(figure, { layer: 0, head: 0, hideSink, most: 3, least: 0.05, ...(from && { from }) }).map(
      ({ query, key, weight }) => [query, key, Number(weight.toFixed(1))]
    );
  expect(edges()).toEqual([
    [0, 0, 1],
    [2, 2, 0.7],
    [1, 0, 0.6]
  ]);
  expect(edges({ side: 'query', index: 2 })).toEqual([
    [2, 2, 0.7],
    [2, 1, 0.2],
    [2, 0, 0.1]
  ]);
  expect(edges({ side: 'key', index: 1 })).toEqual([
    [1, 1, 0.4],
    [2, 1, 0.2]
  ]);
  expect(edges({ side: 'query', index: 1 }, true)).toEqual([[1, 1, 0.4]]);
});
