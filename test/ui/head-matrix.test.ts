import { atlas } from '../../src/figures/atlas';
import type { AtlasFigure } from '../../src/figures/figure';
import { USUAL_CHOICES } from '../../src/figures/reader-choices';
import { cellLines, matrixLayout } from '../../src/ui/figures/head-matrix';
import { setReaderChoices } from '../../src/ui/figures/reader-choices';
import { trans } from './translate';

const figure = (tokens: readonly string[], size = tokens.length): AtlasFigure =>
  atlas({
    title: 't',
    caption: 'c',
    alt: 'a',
    layers: 1,
    heads: 1,
    tokens,
    causal: true,
    sink: true,
    patterns: new Uint8Array(size * size).fill(128),
    size
  });

const words = (count: number, word = 'cat'): string[] => Array.from({ length: count }, () => word);

describe('the matrix fits its room', () => {
  test.each([
    [56, 400],
    [56, 700],
    [128, 500],
    [16, 1000]
  ])('%i tokens in %i pixels', (count, room) => {
    const { width, cell } = matrixLayout(figure(words(count)), room);
    expect(width).toBeLessThanOrEqual(room);
    expect(cell.width).toBeLessThanOrEqual(22);
    expect(cell.height).toBe(cell.width);
  });

  test.each([1, 2, 3])('%i tokens leave room for the axis titles', count => {
    const { cell } = matrixLayout(figure(words(count)), 1000);
    expect(cell.width * count).toBeGreaterThanOrEqual(150);
  });

  test('margins are as wide as the labels that are shown: of pooled cells, their positions', () => {
    const long = matrixLayout(figure(words(40, 'antidisestablishment')), 1000);
    const pooled = matrixLayout(figure(['a', ...words(39, 'antidisestablishment')], 8), 1000);
    expect(pooled.left).toBeLessThan(long.left);
  });

  test('East Asian tokens get their width', () => {
    expect(matrixLayout(figure(words(4, '漢字漢字')), 1000).left).toBeGreaterThan(
      matrixLayout(figure(words(4, 'abcd')), 1000).left
    );
  });
});

test('the weight has the digits that the reader chose', () => {
  const weight = (digits: number): string | undefined => {
    setReaderChoices({ ...USUAL_CHOICES, digits });
    return cellLines(figure(words(2)), { layer: 0, head: 0, query: 1, key: 0 }, trans).at(-1);
  };
  expect([weight(1), weight(6), weight(0)]).toEqual(['weight 0.3', 'weight 0.251965', 'weight 0.252']);
});

test('a cell says head, query, key and weight', () => {
  const tokens = ['a', '<b>'];
  expect(cellLines(figure(tokens), { layer: 0, head: 0, query: 1, key: 0 }, trans)).toEqual([
    'L0H0',
    'query ‘<b>’ (1)',
    'key ‘a’ (0)',
    'weight 0.252'
  ]);
  expect(cellLines(figure(tokens), { layer: 0, head: 0, query: 0, key: 1 }, trans)[3]).toMatch(/^masked/);
});

describe('keys of another sequence', () => {
  const cross = (queries: number, keys: number): AtlasFigure =>
    atlas({
      ...figure(words(queries)),
      causal: false,
      patterns: new Uint8Array(queries * keys),
      keys: { tokens: words(keys, 'Katze'), size: keys }
    });

  test('cells are square, and the matrix fits its room', () => {
    const { cell, width, height, left, bottom } = matrixLayout(cross(20, 60), 500);
    expect(cell.height).toBeCloseTo(cell.width, 1);
    expect(width).toBeLessThanOrEqual(500);
    expect(height).toBeLessThan(width);
    expect(bottom).toBeGreaterThan(left);
  });

  test('one query among many keys leaves room for its title', () => {
    const { cell } = matrixLayout(cross(1, 40), 1000);
    expect(cell.height).toBeGreaterThanOrEqual(150);
    expect(cell.width).toBeLessThanOrEqual(22);
  });

  test('a cell names a token of each', () => {
    expect(cellLines(cross(1, 2), { layer: 0, head: 0, query: 0, key: 1 }, trans).slice(1, 3)).toEqual([
      'query ‘cat’ (0)',
      'key ‘Katze’ (1)'
    ]);
  });
});
