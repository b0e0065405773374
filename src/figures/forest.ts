import type { Data } from 'plotly.js';
import type { FigureTable, PlotlyFigure } from './figure';
import { plotlyText } from './plotly-text';

/** A number with an interval, where there is one. */
export interface Dot {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Forest {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly x: string;
  /** From the top down. */
  readonly rows: readonly string[];
  /** Each has a dot in every row; null leaves it out. */
  readonly series: readonly { readonly name: string; readonly dots: readonly (Dot | null)[] }[];
  readonly table?: FigureTable;
}

const SYMBOLS = ['circle', 'square', 'diamond', 'triangle-up'] as const;
/** Of a row, and of each series in it. */
const [ROW_PIXELS, SERIES_PIXELS] = [10, 9];
const MARGIN = { l: 110, r: 20, t: 44, b: 50 } as const;
/** Series stand side by side in this share of a row. */
const SPREAD = 0.7;

/** Dots with whiskers, several series in a row; marker and place tell them apart besides the colour, which the theme gives to each `legendgroup`. */
export function forest({ title, caption, alt, x, rows, series, table }: Forest): PlotlyFigure {
  return {
    kind: 'plotly',
    title,
    caption,
    alt,
    data: series.map((one, index) => trace(one, index, series.length)),
    layout: {
      showlegend: series.length > 1,
      legend: { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom' },
      margin: MARGIN,
      hovermode: 'closest',
      xaxis: { title: { text: plotlyText(x) }, zeroline: true },
      yaxis: {
        tickmode: 'array',
        tickvals: rows.map((_, row) => row),
        ticktext: rows.map(plotlyText),
        range: [rows.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false
      }
    },
    height: MARGIN.t + MARGIN.b + (ROW_PIXELS + SERIES_PIXELS * series.length) * Math.max(3, rows.length),
    labels: { rows, columns: [] },
    ...(table ? { table } : {})
  };
}

function trace({ name, dots }: Forest['series'][number], index: number, count: number): Partial<Data> {
  const shift = count > 1 ? SPREAD * (index / (count - 1) - 0.5) : 0;
  const there = dots.flatMap((dot, row) => (dot ? [{ ...dot, row }] : []));
  return {
    type: 'scatter',
    mode: 'markers',
    legendgroup: `series ${index}`,
    name: plotlyText(name),
    x: there.map(({ value }) => value),
    y: there.map(({ row }) => row + shift),
    text: there.map(({ low, high }) => `${low.toFixed(3)} to ${high.toFixed(3)}`),
    hovertemplate: '%{fullData.name}: %{x:.3f} (%{text})<extra></extra>',
    marker: { symbol: SYMBOLS[index % SYMBOLS.length], size: 8 },
    error_x: {
      type: 'data',
      symmetric: false,
      array: there.map(({ value, high }) => high - value),
      arrayminus: there.map(({ value, low }) => value - low),
      thickness: 1.5,
      width: 3
    }
  } as Partial<Data>;
}
