/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import { atlas } from '../../../src/figures/atlas';
import { curves } from '../../../src/figures/curves';
import type { PlotlyFigure, TableFigure } from '../../../src/figures/figure';
import { forest } from '../../../src/figures/forest';
import { heatmaps } from '../../../src/figures/heatmaps';
import { lines } from '../../../src/figures/lines';
import { rankedBars } from '../../../src/figures/ranked-bars';
import { atlasView } from '../../../src/ui/figures/atlas-view';
import { figureView } from '../../../src/ui/figures/figure-view';
import { Linking } from '../../../src/ui/linking/linking';
import { plotlyParts } from '../../../src/ui/linking/plotly-parts';
import { plotlyView } from '../../../src/ui/figures/plotly-view';
import { trans } from '../translate';

const common = { title: 't', caption: 'c', alt: 'a' };
type Handler = (event: unknown) => void;
const handlers = new Map<string, Handler>();
const relayout = jest.fn(async (..._: unknown[]) => undefined);
const hover = jest.fn();
const react = jest.fn(async (node: { on?: unknown }, ..._: unknown[]) => {
  node.on = (name: string, handler: Handler) => void handlers.set(name, handler);
});
jest.mock('../../../src/ui/figures/load-plotly', () => ({
  loadPlotly: async () => ({ react, relayout, purge: () => undefined, Fx: { hover, unhover: () => undefined } })
}));

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 10));
const link = () => ({ linking: new Linking(draw => draw()), keeper: {} });

beforeAll(() => {
  globalThis.ResizeObserver = class {
    constructor(private readonly _call: () => void) {}
    observe(): void {
      queueMicrotask(() => this._call());
    }
    unobserve(): void {}
    disconnect(): void {}
  } as never;
  Object.defineProperty(HTMLElement.prototype, 'offsetWidth', { configurable: true, get: () => 600 });
});
beforeEach(() => {
  handlers.clear();
  relayout.mockClear();
  document.body.replaceChildren();
});

const map = heatmaps({
  ...common,
  panels: [
    {
      title: 'p',
      values: [
        [1, 2],
        [3, 4]
      ],
      unit: 'u',
      range: [0, 4]
    }
  ],
  rows: { title: 'layer', labels: ['0', '1'] },
  columns: { title: 'head', labels: ['0', '1'] },
  cell: (row, column) => `L${row}H${column}`
});
const bySource = heatmaps({
  ...common,
  panels: [{ title: 'p', values: [[1, 2]], unit: 'u', range: [0, 4] }],
  rows: { title: 'head', labels: ['L1H0'] },
  columns: { title: 'source', labels: ['0 <b>', '1 cat'] },
  cell: (_, column) => `L1H0 from ${column}`
});

describe('parts of a plot', () => {
  test('a map of layers and heads: each cell is a head', () => {
    const { regions, at, points } = plotlyParts(map);
    expect(regions.map(({ selection, box }) => [selection.heads[0], box.x0, box.y0])).toEqual([
      [{ layer: 0, head: 0 }, -0.5, -0.5],
      [{ layer: 0, head: 1 }, 0.5, -0.5],
      [{ layer: 1, head: 0 }, -0.5, 0.5],
      [{ layer: 1, head: 1 }, 0.5, 0.5]
    ]);
    expect(at(0, [1, 0]).heads).toEqual([{ layer: 1, head: 0 }]);
    expect(points.map(row => row.map(({ name, value }) => [name, value]))).toEqual([
      [
        ['L0H0', 1],
        ['L0H1', 2]
      ],
      [
        ['L1H0', 3],
        ['L1H1', 4]
      ]
    ]);
  });

  test('heads by tokens: a row is a head, a column a token', () => {
    const { regions, at } = plotlyParts(bySource);
    expect(regions.map(({ selection, box }) => [selection, box.x1 - box.x0])).toEqual([
      [{ heads: [{ layer: 1, head: 0 }], tokens: [] }, 2],
      [{ heads: [], tokens: [{ position: 0, text: '<b>' }] }, 1],
      [{ heads: [], tokens: [{ position: 1, text: 'cat' }] }, 1]
    ]);
    expect(at(0, [0, 1])).toEqual({ heads: [{ layer: 1, head: 0 }], tokens: [{ position: 1, text: 'cat' }] });
  });

  test('bars: a row is what its name says', () => {
    const bars = rankedBars({
      ...common,
      x: 'x',
      bars: [
        { name: 'MLP 0', value: 2 },
        { name: 'L0H1', value: -1 }
      ]
    });
    const { regions, at, points } = plotlyParts(bars);
    expect(regions.map(({ box }) => [box.y0, box.y1])).toEqual([[0.5, 1.5]]);
    expect(at(0, 1).heads).toEqual([{ layer: 0, head: 1 }]);
    expect(at(0, 0).heads).toEqual([]);
    expect(points.map(([{ name, value }]) => [name, value])).toEqual([
      ['MLP 0', 2],
      ['L0H1', -1]
    ]);
  });
});

describe('points that keys walk over', () => {
  const walked = (figure: PlotlyFigure) =>
    plotlyParts(figure).points.map(row => row.map(({ name, value }) => [name, value]));

  test('lines: a row is a line, a column a place, which is a part where its name is one', () => {
    const figure = lines({
      ...common,
      x: { title: 'token', labels: ['0 <b>', '1 cat'] },
      y: { title: 'y', range: [0, 4] },
      series: [
        { name: 'a < b', samples: [[1, 3], [4]], member: () => 'one' },
        { name: 'shuffled', samples: [[], [2]], member: () => 'one', beside: 0 }
      ]
    });
    expect(walked(figure)).toEqual([
      [
        ['a < b, token 0 <b>', 2],
        ['a < b, token 1 cat', 4]
      ],
      [
        ['shuffled, token 0 <b>', null],
        ['shuffled, token 1 cat', 2]
      ]
    ]);
    const { regions, at, points } = plotlyParts(figure);
    const cat = { heads: [], tokens: [{ position: 1, text: 'cat' }] };
    expect(points[0][1].selection).toEqual(cat);
    expect(at(1, 1)).toEqual(cat);
    expect(regions.map(({ box }) => [box.x0, box.x1, box.yref])).toEqual([
      [-0.5, 0.5, 'paper'],
      [0.5, 1.5, 'paper']
    ]);
  });

  test('curves of different lengths: the places are numbers', () => {
    const curve = { mode: 'line' } as const;
    const figure = curves({
      ...common,
      x: { title: 'rank', log: true },
      y: { title: 'y' },
      curves: [
        { ...curve, name: 'tail', x: [1, 10.00001, 100], y: [5, NaN, 3] },
        { ...curve, name: 'fit', x: [1], y: [4] }
      ]
    });
    expect(walked(figure)).toEqual([
      [
        ['tail, rank 1', 5],
        ['tail, rank 10', null],
        ['tail, rank 100', 3]
      ],
      [['fit, rank 1', 4]]
    ]);
  });

  test('dots with whiskers: a row is a row, with the dots of all series', () => {
    const dot = (value: number) => ({ value, low: value - 1, high: value + 1 });
    const figure = forest({
      ...common,
      x: 'x',
      rows: ['L0H1', 'L1H0'],
      series: [
        { name: 'denoising', dots: [dot(1), dot(2)] },
        { name: 'noising', dots: [null, dot(3)] }
      ]
    });
    expect(walked(figure)).toEqual([
      [['L0H1, denoising', 1]],
      [
        ['L1H0, denoising', 2],
        ['L1H0, noising', 3]
      ]
    ]);
  });

  test('from a long line to a short one the cursor stays on a point', async () => {
    const curve = { mode: 'line' } as const;
    const figure = curves({
      ...common,
      x: { title: 'x' },
      y: { title: 'y' },
      curves: [
        { ...curve, name: 'long', x: [0, 1, 2], y: [5, 6, 7] },
        { ...curve, name: 'short', x: [0, 1], y: [1, 2] }
      ]
    });
    const { node } = plotlyView(figure, trans, link());
    document.body.append(node);
    await settled();
    const drawing = node.querySelector<HTMLElement>('[tabindex="0"]')!;
    ['End', 'ArrowDown'].forEach(key => drawing.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })));
    expect(node.querySelector('[role=status]')?.textContent).toBe('short, x 1: +2.000');
    await settled();
    expect(hover).toHaveBeenLastCalledWith(drawing, [{ curveNumber: 1, pointNumber: 1 }], 'xy');
  });
});

describe('a head of one figure is marked in the others', () => {
  const shapes = (): unknown[] => (relayout.mock.calls.at(-1)?.[1] as { shapes: unknown[] }).shapes;

  test('a plot outlines it, dotted when pointed at, solid when kept', async () => {
    const own = link();
    document.body.append(plotlyView(map, trans, own).node);
    await settled();
    own.linking.point({ heads: [{ layer: 1, head: 1 }], tokens: [] });
    await settled();
    expect(shapes()).toHaveLength(2);
    expect(shapes()[1]).toMatchObject({ x0: 0.5, x1: 1.5, y0: 0.5, y1: 1.5, line: { dash: 'dot' } });
    own.linking.keep({ heads: [{ layer: 1, head: 1 }], tokens: [] }, {});
    await settled();
    expect(shapes()[1]).toMatchObject({ line: { dash: 'solid' } });
    own.linking.letGo();
    await settled();
    expect(shapes()).toEqual([]);
  });

  test('a plot tells what its pointer is on, and a click keeps it', async () => {
    const own = link();
    document.body.append(plotlyView(map, trans, own).node);
    await settled();
    const event = { points: [{ curveNumber: 0, pointNumber: [1, 0] }] };
    handlers.get('plotly_hover')!(event);
    expect(own.linking.shown.heads).toEqual([{ layer: 1, head: 0 }]);
    handlers.get('plotly_click')!(event);
    handlers.get('plotly_unhover')!({});
    expect(own.linking.kept?.heads).toEqual([{ layer: 1, head: 0 }]);
  });

  test('a plot is worked by keys, and says what is reached', async () => {
    const own = link();
    const { node } = plotlyView(map, trans, own);
    document.body.append(node);
    await settled();
    const drawing = node.querySelector<HTMLElement>('[tabindex="0"]')!;
    const press = (key: string): boolean =>
      drawing.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    press('ArrowDown');
    press('ArrowRight');
    expect(node.querySelector('[role=status]')?.textContent).toBe('L1H1: +4.000');
    expect(own.linking.shown.heads).toEqual([{ layer: 1, head: 1 }]);
    await settled();
    expect(hover).toHaveBeenLastCalledWith(drawing, { xval: 1, yval: 1 }, 'xy');
    press('Enter');
    expect(own.linking.kept?.heads).toEqual([{ layer: 1, head: 1 }]);
    expect(press('a')).toBe(true);
  });

  test('the number that is pointed at or reached is copied, a selected text is left to the browser', async () => {
    const writeText = jest.fn(async () => undefined);
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText } });
    const { node } = plotlyView(map, trans, link());
    document.body.append(node);
    await settled();
    const drawing = node.querySelector<HTMLElement>('[tabindex="0"]')!;
    const press = (key: string, ctrlKey = false): boolean =>
      drawing.dispatchEvent(new KeyboardEvent('keydown', { key, ctrlKey, bubbles: true, cancelable: true }));
    const axes = { xaxis: { _id: 'x' }, yaxis: { _id: 'y' } };
    handlers.get('plotly_hover')!({ points: [{ curveNumber: 0, pointNumber: [1, 0], x: 0, y: 1, ...axes }] });
    expect(press('c', true)).toBe(false);
    press('ArrowRight');
    press('c', true);
    expect(writeText.mock.calls).toEqual([['3'], ['4']]);
    await settled();
    expect(node.querySelector('[role=status]')?.textContent).toBe('4 copied.');
    document.getSelection()!.selectAllChildren(node.querySelector('[role=status]')!);
    expect(press('c', true)).toBe(true);
    expect(writeText).toHaveBeenCalledTimes(2);
    document.getSelection()!.removeAllRanges();
  });

  const ranking: TableFigure = {
    ...common,
    kind: 'table',
    columns: [{ label: 'partner' }, { label: '1 cat' }],
    rows: [
      { label: 'L1H0', cells: [{ text: 'L0H0' }, { text: 'a' }] },
      { label: 'L0H1', cells: [{ text: 'of L9H9' }, { text: 'b' }] }
    ]
  };

  test('a table marks rows, columns and cells, and one of its cells is a stop for Tab', () => {
    const own = link();
    const { node, dispose } = figureView(
      { ...ranking, table: { columns: ['head'], rows: [['L1H0']], omitted: 0 } },
      trans,
      {
        under: '',
        link: own
      }
    );
    document.body.append(node);
    const marked = (): (string | null)[] =>
      Array.from(node.querySelectorAll('.jp-mod-linked'), ({ tagName, textContent }) => `${tagName} ${textContent}`);
    own.linking.point({ heads: [{ layer: 1, head: 0 }], tokens: [] });
    expect(marked()).toEqual(['TR L1H0L0H0a', 'TD L1H0']);
    own.linking.point({ heads: [], tokens: [{ position: 1, text: 'cat' }] });
    expect(marked()).toEqual(['TH 1 cat', 'TD a', 'TD b']);
    const stop = node.querySelector<HTMLElement>('table [tabindex="0"]')!;
    expect(stop.textContent).toBe('L1H0');
    stop.focus();
    expect(own.linking.shown.heads).toEqual([{ layer: 1, head: 0 }]);
    stop.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
    expect(document.activeElement?.textContent).toBe('L0H1');
    document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    expect(own.linking.kept?.heads).toEqual([{ layer: 0, head: 1 }]);
    expect(node.querySelectorAll('.jp-mod-kept')).toHaveLength(1);
    dispose();
    own.linking.letGo();
    expect(node.querySelectorAll('.jp-mod-kept')).toHaveLength(1);
  });

  test('an atlas of some layers shows the head by the model’s numbers', () => {
    const own = link();
    const figure = atlas({
      ...common,
      layers: 1,
      heads: 2,
      layerIndices: [5],
      headIndices: [0, 7],
      tokens: ['a', 'b'],
      causal: true,
      sink: false,
      patterns: new Uint8Array(8),
      size: 2
    });
    const { node, dispose } = atlasView(figure, trans, own);
    document.body.append(node);
    const name = (): string | null | undefined => node.querySelector('.jp-orrery-atlas-name')?.textContent;
    own.linking.point({ heads: [{ layer: 5, head: 7 }], tokens: [] });
    expect(name()).toBe('L5H7');
    own.linking.point({ heads: [{ layer: 1, head: 0 }], tokens: [] });
    expect(name()).toBe('L5H7');
    own.linking.keep({ heads: [{ layer: 5, head: 0 }], tokens: [] }, {});
    expect(name()).toBe('L5H0, kept');
    const grid = node.querySelector('[role=grid]')!;
    grid.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(own.linking.kept).toBeUndefined();
    grid.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    expect(own.linking.shown.heads).toEqual([{ layer: 5, head: 7 }]);
    grid.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    expect(own.linking.kept?.heads).toEqual([{ layer: 5, head: 7 }]);
    dispose();
  });
});
