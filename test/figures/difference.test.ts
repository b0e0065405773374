import { atlas } from '../../src/figures/atlas';
import { difference } from '../../src/figures/difference';
import type { Figure, PlotlyFigure, TableFigure } from '../../src/figures/figure';
import { heatmaps } from '../../src/figures/heatmaps';
import { rankedBars } from '../../src/figures/ranked-bars';

const common = { title: 't', caption: 'c', alt: 'a' };
const made = (first: Figure, second: Figure): Figure => {
  const found = difference(first, second);
  if ('why' in found) {
    throw new Error(found.why);
  }
  return found.figure;
};
const why = (first: Figure, second: Figure): string => {
  const found = difference(first, second);
  return 'why' in found ? found.why : '';
};

const map = (values: (number | null)[][], columns = ['0 a', '1 b'], rows = ['0', '1']): PlotlyFigure =>
  heatmaps({
    ...common,
    panels: [{ title: 'p < q', values, unit: 'logits', range: [0, 4] }],
    rows: { title: 'layer', labels: rows },
    columns: { title: 'position', labels: columns },
    cell: (row, column) => `${row} at ${column}`
  });

test('maps: the second less the first, symmetric about zero, gaps stay', () => {
  const figure = made(
    map([
      [1, 2],
      [3, null]
    ]),
    map(
      [
        [2, 0],
        [3, 4]
      ],
      ['0 a', '1 c']
    )
  ) as PlotlyFigure;
  const [{ z, zmin, zmax }] = figure.data as unknown as { z: unknown; zmin: number; zmax: number }[];
  expect(z).toEqual([
    [1, -2],
    [0, null]
  ]);
  expect([zmin, zmax]).toEqual([-2, 2]);
  expect(figure.labels).toEqual({ rows: ['0', '1'], columns: ['0 a', '1 b/c'] });
  expect(figure.layout.annotations?.[0].text).toBe('p &lt; q');
});

test('maps of other sizes, or other rows, have none', () => {
  const two = map([
    [1, 2],
    [3, 4]
  ]);
  expect(why(two, map([[1, 2]], undefined, ['0']))).toContain('2 × 2 and 1 × 2');
  expect(
    why(
      two,
      map(
        [
          [1, 2],
          [3, 4]
        ],
        undefined,
        ['0', '7']
      )
    )
  ).toContain('other names');
});

test('bars are matched by name', () => {
  const bars = (values: Readonly<Record<string, number>>): Figure =>
    rankedBars({ ...common, x: 'x', bars: Object.entries(values).map(([name, value]) => ({ name, value })) });
  const figure = made(bars({ a: 1, b: 2, c: 3 }), bars({ c: 1, b: 2.5, d: 9 })) as PlotlyFigure;
  expect(figure.labels?.rows).toEqual(['c', 'b']);
  expect((figure.data[0] as { x: number[] }).x).toEqual([-2, 0.5]);
  expect(figure.caption).toContain('2 stand in one of them alone');
  expect(why(bars({ a: 1 }), bars({ b: 1 }))).toContain('no bar');
});

describe('atlases', () => {
  const patterns = (...rows: number[]): Figure =>
    atlas({
      ...common,
      layers: 1,
      heads: 1,
      tokens: ['a', 'b'],
      causal: true,
      sink: false,
      patterns: Uint8Array.from(rows),
      size: 2
    });

  test('the distance of the patterns is total variation', () => {
    // Row 0 is [1, 0] in both; row 1 is [1, 0] and [0, 1], which have nothing in common: (0 + 1) / 2.
    const figure = made(patterns(255, 0, 255, 0), patterns(255, 0, 0, 255)) as PlotlyFigure;
    expect((figure.data[0] as unknown as { z: number[][] }).z).toEqual([[0.5]]);
    expect(figure.labels).toEqual({ rows: ['0'], columns: ['0'] });
  });

  test('other lengths have none', () => {
    const longer = atlas({
      ...common,
      layers: 1,
      heads: 1,
      tokens: ['a', 'b', 'c'],
      causal: true,
      sink: false,
      patterns: new Uint8Array(9),
      size: 3
    });
    expect(why(patterns(255, 0, 0, 0), longer)).toContain('one has 2 tokens, the other 3');
    const pooled = { ...longer, size: 2, patterns: new Uint8Array(4) };
    expect(why(pooled, pooled)).toContain('largest weights of groups');
  });
});

test('tables show both texts where they differ', () => {
  const table = (texts: string[], shades: number[]): TableFigure => ({
    ...common,
    kind: 'table',
    columns: [{ label: '0 a' }, { label: '1 b' }],
    rows: [{ label: 'L0', cells: texts.map((text, i) => ({ text, shade: shades[i] })) }],
    shading: { label: 'probability', low: '0', high: '1' }
  });
  const figure = made(table(['x', 'y'], [0.5, 0.25]), table(['x', 'z'], [0.75, 0.25])) as TableFigure;
  expect(figure.rows[0].cells).toEqual([
    { text: 'x', bold: false, shade: 0.25 },
    { text: 'y → z', bold: true, shade: 0 }
  ]);
  expect(why(table(['x'], [0]), { ...table(['x'], [0]), rows: [] })).toContain('rows or columns');
});

test('texts and unlike figures have none', () => {
  const text: Figure = { ...common, kind: 'text', lines: ['a'] };
  expect(why(text, text)).toContain('texts');
  expect(why(text, map([[1]], ['0 a'], ['0']))).toContain('no difference');
});
