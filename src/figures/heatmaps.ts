import type { Annotation, Data, Layout } from 'plotly.js';
import { digitsFor } from './digits-for';
import type { FigureTable, PlotlyFigure } from './figure';
import { CIVIDIS, RED_BLUE } from './palettes';
import { plotlyText } from './plotly-text';
import { signedNumber } from './signed-number';
import { besideOneAnother, CHARACTER, ticks } from './ticks';

/** One map. */
export interface Panel {
  readonly title: string;
  /** [row][column]; null leaves a gap: not computed. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Under the title: 'attention weight (0–1)'. */
  readonly unit: string;
  /** [−m, m] for signed values: zero is then the middle of red and blue. */
  readonly range: readonly [number, number];
  readonly signed?: boolean;
}

export interface Heatmaps {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly panels: readonly Panel[];
  readonly rows: { readonly title: string; readonly labels: readonly string[] };
  readonly columns: { readonly title: string; readonly labels: readonly string[] };
  /** Name of a cell, on hover: 'L1H3'. */
  readonly cell: (row: number, column: number) => string;
  readonly table?: FigureTable;
}

const GAP = 0.08;
const ROW_PIXELS = 22;
/** Above the maps: their titles and units; below: ticks, axis title, colour bar with its ticks. */
const MARGIN = { l: 60, r: 20, t: 44, b: 96, autoexpand: false } as const;
/** The space that the margins have for upright labels, and the most that labels may take. */
const [ROOM, MOST_ROOM] = [12, 130];
/** Width that a page gives to all maps. */
const PAGE_PIXELS = 640;
const SLANT = 45;
/** Height of a line of labels: what slanted ones need besides their length. */
const LINE = 14;
/** Gaps between cells make large maps slow to draw and thin ones empty. */
const MOST_GAPPED = 32;

/** Maps of one set of rows and columns side by side, row 0 at the top, each with its colour bar below. */
export function heatmaps(parts: Heatmaps): PlotlyFigure {
  const { panels, rows, columns, title, caption, alt, table } = parts;
  const room = roomFor(parts);
  const margin = { ...MARGIN, l: MARGIN.l + room.left, b: MARGIN.b + room.below };
  const layout: Partial<Layout> = { showlegend: false, margin };
  panels.forEach((panel, i) => Object.assign(layout, axes(parts, i)));
  layout.annotations = panels.flatMap((panel, i) => [
    above(panel.title, middle(i, panels.length), 20, 13),
    above(panel.unit, middle(i, panels.length), 4, 11)
  ]);
  const height = margin.t + margin.b + Math.min(420, Math.max(120, ROW_PIXELS * rows.labels.length));
  const data = panels.map((panel, i) => trace(parts, panel, i, Math.max(rows.labels.length, columns.labels.length)));
  const labels = { rows: rows.labels, columns: columns.labels };
  return { kind: 'plotly', title, caption, alt, data, layout, height, labels, ...(table ? { table } : {}) };
}

/** What the margins need besides: for long labels of rows, and for those of columns, which are slanted where they would not fit side by side. */
function roomFor({ panels, rows, columns }: Heatmaps): { readonly left: number; readonly below: number } {
  const longest = (labels: readonly string[]): number =>
    ticks(labels).ticktext.reduce((most, label) => Math.max(most, label.length * CHARACTER), 0);
  const wide = longest(columns.labels);
  const { ticktext } = ticks(columns.labels);
  const fits = besideOneAnother(ticktext) * ticktext.length * panels.length <= PAGE_PIXELS;
  const within = (pixels: number): number => Math.round(Math.min(MOST_ROOM, Math.max(0, pixels - ROOM)));
  return {
    left: within(longest(rows.labels)),
    below: fits ? 0 : within((wide + LINE) * Math.sin((SLANT * Math.PI) / 180))
  };
}

/** A line of text over a map, `yshift` pixels up. */
const above = (text: string, x: number, yshift: number, size: number): Partial<Annotation> => ({
  text: plotlyText(text),
  x,
  y: 1,
  xref: 'paper',
  yref: 'paper',
  xanchor: 'center',
  yanchor: 'bottom',
  yshift,
  showarrow: false,
  font: { size }
});

/** Left and right end of a panel, in shares of the width. */
function domain(index: number, count: number): [number, number] {
  const width = (1 - GAP * (count - 1)) / count;
  return [index * (width + GAP), Math.min(1, index * (width + GAP) + width)];
}

function middle(index: number, count: number): number {
  const [left, right] = domain(index, count);
  return (left + right) / 2;
}

const suffix = (index: number): string => (index ? String(index + 1) : '');

function axes(parts: Heatmaps, index: number): Readonly<Record<string, object>> {
  const { panels, rows, columns } = parts;
  const fixed = { showgrid: false, zeroline: false };
  return {
    [`xaxis${suffix(index)}`]: {
      ...fixed,
      ...ticks(columns.labels),
      ...(roomFor(parts).below > 0 && { tickangle: SLANT }),
      domain: domain(index, panels.length),
      anchor: `y${suffix(index)}`,
      range: [-0.5, columns.labels.length - 0.5],
      title: { text: plotlyText(columns.title), standoff: 4 }
    },
    [`yaxis${suffix(index)}`]: {
      ...fixed,
      ...ticks(rows.labels),
      anchor: `x${suffix(index)}`,
      range: [rows.labels.length - 0.5, -0.5],
      ...(index ? {} : { title: { text: plotlyText(rows.title) } })
    }
  };
}

/** The cells of as many panels side by side are wide enough for a number. */
const roomy = ({ values }: Panel, panels: number): boolean =>
  values.length <= 32 && values.every(row => row.length * panels <= 14);

/** Red and blue alone do not tell the sign to everybody, nor in grey. Plotly's own format writes −0.00. */
const signs = ({ values, range }: Panel): Readonly<Record<'text' | 'texttemplate', unknown>> => {
  const digits = digitsFor(largest(range), 2);
  return {
    text: values.map(row => row.map(value => (value === null ? '' : signedNumber(value, digits)))),
    texttemplate: '%{text}'
  };
};

const largest = (range: Panel['range']): number => Math.max(...range.map(Math.abs));

const scale = (colours: readonly string[]): [number, string][] =>
  colours.map((colour, i) => [i / (colours.length - 1), colour]);

function trace(parts: Heatmaps, panel: Panel, index: number, side: number): Partial<Data> {
  const { panels, cell } = parts;
  const [left, right] = domain(index, panels.length);
  const gap = side <= MOST_GAPPED ? 1 : 0;
  return {
    type: 'heatmap',
    z: panel.values.map(row => [...row]),
    hovertext: panel.values.map((row, i) => row.map((_, j) => plotlyText(cell(i, j)))) as unknown as string[],
    hovertemplate: `%{hovertext}: %{z:${panel.signed ? '+' : ''}.${digitsFor(largest(panel.range), 3)}f}<extra></extra>`,
    ...(panel.signed && roomy(panel, panels.length) ? signs(panel) : {}),
    xaxis: `x${suffix(index)}`,
    yaxis: `y${suffix(index)}`,
    zmin: panel.range[0],
    zmax: panel.range[1],
    zauto: false,
    hoverongaps: false,
    colorscale: scale(panel.signed ? RED_BLUE : CIVIDIS),
    xgap: gap,
    ygap: gap,
    colorbar: {
      orientation: 'h',
      x: (left + right) / 2,
      xanchor: 'center',
      y: 0,
      yanchor: 'top',
      xpad: 0,
      ypad: 48 + roomFor(parts).below,
      len: right - left,
      thickness: 10,
      nticks: 4
    }
  } as Partial<Data>;
}
