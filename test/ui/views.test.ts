/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import type { PlotlyFigure, TableFigure } from '../../src/figures/figure';
import { Linking } from '../../src/ui/linking/linking';
import { lineControls } from '../../src/ui/figures/line-controls';
import { mapControls } from '../../src/ui/figures/map-controls';
import { plotlyView } from '../../src/ui/figures/plotly-view';
import { tableView } from '../../src/ui/figures/table-view';
import { trans } from './translate';

const react = jest.fn(async () => undefined);
const purge = jest.fn();
jest.mock('../../src/ui/figures/load-plotly', () => ({ loadPlotly: async () => ({ react, purge }) }));

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 10));
const link = { linking: new Linking(draw => draw()), keeper: {} };
const common = { title: 't', caption: 'c', alt: 'a' };

describe('a table', () => {
  const figure: TableFigure = {
    ...common,
    kind: 'table',
    columns: [{ label: 'x' }, { label: 'y' }],
    rows: [
      {
        label: '0',
        cells: [
          { text: 'a', detail: ['1. <b>x</b>', '2. y'] },
          { text: 'b', detail: ['3'] }
        ]
      }
    ]
  };
  const shown = (): { cells: HTMLElement[]; detail: HTMLElement } => {
    const { node } = tableView(figure, trans, link);
    document.body.replaceChildren(node);
    return { cells: [...node.querySelectorAll('td')], detail: node.querySelector<HTMLElement>('.jp-orrery-popover')! };
  };

  test('tells a cell’s detail as text on focus, and Esc takes it away', () => {
    const { cells, detail } = shown();
    cells[0].focus();
    expect(detail.hidden).toBe(false);
    expect(detail.textContent).toBe('1. <b>x</b>2. y');
    expect(detail.querySelector('b')).toBeNull();
    const escape = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true });
    cells[0].dispatchEvent(escape);
    expect(detail.hidden).toBe(true);
  });

  test('arrows move; one cell is in the order of Tab', () => {
    const { cells, detail } = shown();
    cells[0].focus();
    cells[0].dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    expect(document.activeElement).toBe(cells[1]);
    expect(cells.map(({ tabIndex }) => tabIndex)).toEqual([-1, 0]);
    expect(detail.textContent).toBe('3');
  });
});

describe('the colours of a map', () => {
  const map = (side: number): PlotlyFigure => ({
    ...common,
    kind: 'plotly',
    height: 100,
    layout: {},
    data: [
      {
        type: 'heatmap',
        z: Array.from({ length: side }, () => Array.from({ length: side }, (_, i) => i)),
        zmin: 0,
        zmax: 100,
        colorscale: [
          [0, '#000000'],
          [1, '#ffffff']
        ]
      } as never
    ]
  });

  test('are chosen where it is large', () => {
    expect(mapControls(map(3), trans, jest.fn())).toBeUndefined();
    const changed = jest.fn();
    const controls = mapControls(map(10), trans, changed)!;
    expect(controls.read()).toEqual({ transfer: 'linear', range: 'usual' });
    const [transfer, range] = controls.node.querySelectorAll('select');
    transfer.value = 'root';
    transfer.dispatchEvent(new Event('change'));
    range.value = 'most';
    range.dispatchEvent(new Event('change'));
    expect(changed).toHaveBeenCalledTimes(2);
    expect(controls.read()).toEqual({ transfer: 'root', range: 'most' });
  });
});

test('how many of a graph’s lines are drawn is chosen where they are many', () => {
  const graph = (lines: number): PlotlyFigure => ({
    ...common,
    kind: 'plotly',
    height: 100,
    layout: {},
    data: [{ type: 'scatter', x: [0, 1], customdata: Array.from({ length: lines }, (_, i) => i + 1) } as never]
  });
  expect(lineControls(graph(3), trans, jest.fn())).toBeUndefined();
  const changed = jest.fn();
  const controls = lineControls(graph(9), trans, changed)!;
  const input = controls.node.querySelector('input')!;
  expect(controls.read()).toBe(9);
  input.value = '2';
  input.dispatchEvent(new Event('input'));
  expect([controls.read(), input.getAttribute('aria-valuetext')]).toEqual([2, 'the largest 2 of 9']);
  expect(changed).toHaveBeenCalledTimes(1);
});

test('a token’s text keeps its own direction, after its number', () => {
  const columns = [{ label: '0 \u05e9\u05dc\u05d5\u05dd' }, { label: 'x' }];
  const { node } = tableView({ ...common, kind: 'table', columns, rows: [] }, trans, link);
  const [, token, plain] = node.querySelectorAll('th');
  expect(token.innerHTML).toBe('0 <bdi>\u05e9\u05dc\u05d5\u05dd</bdi>');
  expect(plain.innerHTML).toBe('x');
});

test('a table without rows says what to do', () => {
  const { node } = tableView({ ...common, kind: 'table', columns: [{ label: 'x' }], rows: [] }, trans, link);
  expect(node.textContent).toContain('No rows');
});

describe('a plot', () => {
  const figure: PlotlyFigure = { ...common, kind: 'plotly', data: [], layout: {}, height: 100 };
  let width = 600;
  let resized: () => void = () => undefined;
  beforeAll(() => {
    globalThis.ResizeObserver = class {
      constructor(private readonly _call: () => void) {}
      observe(): void {
        resized = this._call;
        queueMicrotask(() => width > 0 && this._call());
      }
      unobserve(): void {}
      disconnect(): void {}
    } as never;
    Object.defineProperty(HTMLElement.prototype, 'offsetWidth', { configurable: true, get: () => width });
  });
  beforeEach(() => void [react, purge].forEach(mock => mock.mockClear()));

  test('is drawn anew after a theme change during which the page was hidden', async () => {
    const view = plotlyView(figure, trans, link);
    await settled();
    expect(react).toHaveBeenCalledTimes(1);
    width = 0;
    view.recolour();
    await settled();
    expect(react).toHaveBeenCalledTimes(1);
    width = 600;
    resized();
    await settled();
    expect(react).toHaveBeenCalledTimes(2);
    view.dispose();
    await settled();
    expect(purge).toHaveBeenCalledTimes(1);
  });
});
