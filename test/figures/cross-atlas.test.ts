import { atlas, keysOf, positionsOf, weightOf } from '../../src/figures/atlas';
import { atlasCell, rasterAtlas, rasterHead } from '../../src/figures/atlas-raster';
import { tileOf } from '../../src/figures/atlas-tile';
import { difference } from '../../src/figures/difference';
import type { AtlasFigure, PlotlyFigure } from '../../src/figures/figure';
import { ATTENTION_LIGHT } from '../../src/figures/palettes';
import { strongestEdges } from '../../src/figures/strongest-edges';
import { withoutFirst } from '../../src/figures/without-first';
import { sharpestHead } from '../../src/ui/figures/sharpest-head';

/** Two heads, two queries that read three keys of another sequence. */
const figure: AtlasFigure = atlas({
  title: 'T',
  caption: 'C',
  alt: 'A',
  layers: 1,
  heads: 2,
  tokens: ['x', 'y'],
  keys: { tokens: ['a', 'b', 'c'], size: 3 },
  causal: false,
  sink: true,
  size: 2,
  patterns: Uint8Array.of(255, 0, 0, 200, 100, 50, 0, 0, 255, 10, 20, 30)
});
const view = { tile: { width: 3, height: 2 }, gap: 1, hideSink: false, palette: ATTENTION_LIGHT };

const pixels = ({ rgba }: { rgba: Uint8ClampedArray }): number[][] =>
  Array.from({ length: rgba.length / 4 }, (_, i) => [...rgba.subarray(4 * i, 4 * i + 3)]);
const ramp = (...bytes: number[]): number[][] => bytes.map(byte => [...ATTENTION_LIGHT.ramp[byte]]);

test('a pixel a cell: queries down, keys across', () => {
  expect(pixels(rasterHead(figure, 0, 0, view))).toEqual(ramp(255, 0, 0, 200, 100, 50));
  const gap = [[...ATTENTION_LIGHT.gap]];
  expect(pixels(rasterAtlas(figure, view))).toEqual([
    ...[...ramp(255, 0, 0), ...gap, ...ramp(0, 0, 255)],
    ...[...ramp(200, 100, 50), ...gap, ...ramp(10, 20, 30)]
  ]);
});

test('finds the cell under a pixel, in either direction its own number of them', () => {
  const sizes = { tile: { width: 6, height: 4 }, gap: 2 };
  expect(atlasCell(figure, sizes, 13, 3)).toEqual({ layer: 0, head: 1, query: 1, key: 2 });
  expect(atlasCell(figure, sizes, 13, 4)).toBeUndefined();
  expect(weightOf(figure, { layer: 0, head: 1, query: 1, key: 2 })).toBeCloseTo((30 / 255) ** 2, 12);
});

test('a head is drawn as its queries are to its keys, never as a strip', () => {
  expect(tileOf(figure, 60)).toEqual({ width: 60, height: 40 });
  const long = { ...figure, keys: { tokens: Array.from({ length: 40 }, () => 'a'), size: 40 } };
  expect(tileOf(long, 60)).toEqual({ width: 60, height: 30 });
  const { keys: _, ...square } = figure;
  expect(tileOf(square, 60)).toEqual({ width: 60, height: 60 });
});

test('pooled keys stand for their own positions', () => {
  const pooled = { ...figure, keys: { tokens: ['a', 'b', 'c', 'd', 'e'], size: 3 } };
  expect([0, 1, 2].map(index => positionsOf(keysOf(pooled), index))).toEqual([
    [0, 0],
    [1, 2],
    [3, 4]
  ]);
  expect([0, 1].map(index => positionsOf(pooled, index))).toEqual([
    [0, 0],
    [1, 1]
  ]);
});

test('patterns that do not fill the rectangle are refused', () => {
  expect(() => atlas({ ...figure, patterns: new Uint8Array(8) })).toThrow('8 cells where 12 belong');
});

test('lines go from queries to keys, the first key left out where it is hidden', () => {
  const request = { layer: 0, head: 1, most: 2, least: 0.001, hideSink: true };
  expect(strongestEdges(figure, request).map(({ query, key }) => [query, key])).toEqual([
    [0, 2],
    [1, 2]
  ]);
  expect(strongestEdges(figure, { ...request, from: { side: 'key', index: 1 } })).toHaveLength(1);
});

test('the head with most beyond the first key is shown first; no cell is a token’s own', () => {
  expect(sharpestHead(figure)).toEqual({ layer: 0, head: 1 });
});

test('rows without the first key sum to one', () => {
  const { patterns } = withoutFirst(figure);
  const shares = [3, 4, 5].map(at => (patterns[at] / 255) ** 2);
  expect(shares[0]).toBe(0);
  // 100² and 50², of their sum.
  expect(shares[1]).toBeCloseTo(0.8, 2);
  expect(shares[2]).toBeCloseTo(0.2, 2);
});

test('the distance of two heads is that of their rows over the keys', () => {
  const other = { ...figure, patterns: Uint8Array.of(0, 0, 255, 200, 100, 50, 0, 0, 255, 10, 20, 30) };
  const { figure: drawn } = difference(figure, other) as { figure: PlotlyFigure };
  expect((drawn.data[0] as unknown as { z: number[][] }).z).toEqual([[0.5, 0]]);
  const { keys: _, ...square } = { ...figure, patterns: new Uint8Array(8) };
  expect(difference(figure, square)).toEqual({ why: 'T: one has 2 × 3 tokens, the other 2' });
});
