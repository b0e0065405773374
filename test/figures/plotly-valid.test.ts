/** @jest-environment jsdom */
import type { PlotlyFigure } from '../../src/figures/figure';
import { curves } from '../../src/figures/curves';
import { forest } from '../../src/figures/forest';
import { headGraph } from '../../src/figures/head-graph';
import { heatmaps } from '../../src/figures/heatmaps';
import { lines } from '../../src/figures/lines';
import { rankedBars } from '../../src/figures/ranked-bars';
import type { ThemeColours } from '../../src/figures/theme';
import { forExport, LIGHT, themed } from '../../src/figures/theme';

// Plotly asks for it when it is loaded.
window.URL.createObjectURL = () => '';
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { validate } = require('plotly.js/dist/plotly-cartesian.min.js') as {
  validate: (data: unknown, layout: unknown) => { msg: string }[] | undefined;
};

const DARK: ThemeColours = { ...LIGHT, dark: true, background: '#111111' };
const labels = ['<b>', '"><script>', '&amp;'];

const figures: Record<string, PlotlyFigure> = {
  heatmaps: heatmaps({
    title: '<b>',
    caption: '',
    alt: '',
    panels: [0, 1].map(i => ({
      title: '<i>',
      unit: '0–1',
      range: [0, 1] as const,
      values: [
        [0, 0.5, 1],
        [i, i, i]
      ]
    })),
    rows: { title: 'layer', labels: ['0', '1'] },
    columns: { title: 'head', labels },
    cell: (_, column) => labels[column]
  }),
  'heatmaps with long labels': heatmaps({
    title: '',
    caption: '',
    alt: '',
    panels: [{ title: '', unit: '', range: [-1, 1], signed: true, values: [Array(12).fill(0.5)] }],
    rows: { title: 'query', labels: ['17 <b>characteristic'] },
    columns: { title: 'key', labels: Array(12).fill('17 <b>characteristic') },
    cell: () => '<b>'
  }),
  'head graph': headGraph({
    title: '<b>',
    caption: '',
    alt: '',
    node: '<i>',
    unit: 'logits',
    layers: 3,
    heads: 2,
    edges: [
      { from: { layer: 0, head: 1 }, to: { layer: 2, head: 0 }, value: 1 },
      { from: { layer: 0, head: 1 }, to: { layer: 1, head: 1 }, value: -0.2 }
    ]
  }),
  forest: forest({
    title: '<b>',
    caption: '',
    alt: '',
    x: 'effect <i>',
    rows: ['<b>', 'L0H1'],
    series: [
      { name: '<s>', dots: [{ value: 1, low: 0.5, high: 2 }, null] },
      { name: 'b', dots: [null, { value: -1, low: -1, high: -1 }] }
    ]
  }),
  'ranked bars': rankedBars({
    title: '<b>',
    caption: '',
    alt: '',
    x: 'logits <i>',
    bars: [
      { name: '<b>', value: 1.5, deviation: 0.2 },
      { name: 'L0H1', value: -0.5 }
    ]
  }),
  curves: curves({
    title: '<b>',
    caption: '',
    alt: '',
    x: { title: 'λ <i>', log: true },
    y: { title: 'share', log: true },
    curves: [
      { name: '<s>', x: [1, 2, 3], y: [1, NaN, 0.1], mode: 'points' },
      { name: '<s>', x: [2, 3], y: [0.5, 0.1], mode: 'line', beside: 0 },
      { name: 'b', x: [2, 3], y: [0.5, 0.1], mode: 'both' }
    ]
  }),
  'lines beside': lines({
    title: '<b>',
    caption: '',
    alt: '',
    x: { title: 'layer', labels },
    y: { title: 'weight', range: [0.1, 1], log: true },
    series: [
      { name: '<s>', samples: [[0.1], [], [1]], member: place => labels[place] },
      { name: '<s>, other', samples: [[0.1, 0.2], [], [1]], member: place => labels[place], beside: 0 }
    ]
  }),
  lines: lines({
    title: '<b>',
    caption: '',
    alt: '',
    x: { title: 'layer', labels },
    y: { title: 'weight (0–1)', range: [0, 1] },
    series: [
      {
        name: '<s>',
        samples: [
          [0, 1],
          [1, 0.5],
          [0.2, 0.1]
        ],
        member: place => labels[place]
      },
      {
        name: 'b',
        samples: [
          [0, 1],
          [1, 0.5],
          [0.2, 0.1]
        ],
        member: place => labels[place]
      }
    ]
  })
};

describe.each(Object.keys(figures))('%s', name => {
  test.each([
    ['light', themed(figures[name], LIGHT)],
    ['dark', themed(figures[name], DARK)],
    ['export', forExport(figures[name])]
  ])('is valid for Plotly, %s', (_, { data, layout }) => {
    expect(validate(data, layout)?.map(({ msg }) => msg)).toBeUndefined();
  });

  test('holds no markup but the ink of cells, no category axis and no upload', () => {
    const { data, layout, config } = themed(figures[name], LIGHT);
    expect(JSON.stringify([data, layout])).not.toMatch(/<(?!\/?extra>|span style=\\"color:#[0-9a-f]{6}\\">|\/span>)/);
    expect(JSON.stringify(layout)).not.toContain('category');
    expect(config).toMatchObject({ showSendToCloud: false, plotlyServerURL: '', responsive: false });
  });
});

describe('theme', () => {
  test('a series has one colour for points and line, another than the next', () => {
    const traces = themed(figures.lines, LIGHT).data as { marker: { color: string } }[];
    const colours = traces.map(({ marker }) => marker.color);
    expect(colours).toEqual(['#0072b2', '#0072b2', '#d55e00', '#d55e00']);
    expect((themed(figures.lines, DARK).data as typeof traces)[0].marker.color).toBe('#56b4e9');
  });

  test('saved pictures are on opaque white', () => {
    expect(forExport(figures.lines).layout.paper_bgcolor).toBe('#ffffff');
  });

  test('the mean line goes through the means', () => {
    const [, mean] = figures.lines.data as { y: number[] }[];
    expect(mean.y).toEqual([0.5, 0.75, expect.closeTo(0.15, 12)]);
  });
});
