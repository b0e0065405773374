import type { Data } from 'plotly.js';
import type { FigureTable, PlotlyFigure } from './figure';
import { plotlyText } from './plotly-text';

/** Points (x, y) in order. */
export interface Curve {
  readonly name: string;
  readonly x: readonly number[];
  /** NaN leaves a gap. */
  readonly y: readonly number[];
  readonly mode: 'points' | 'line' | 'both';
  /** Index of an earlier curve that this one belongs to: drawn in its colour, without a row of its own in the legend. */
  readonly beside?: number;
}

interface NumberAxis {
  readonly title: string;
  readonly log?: true;
  /** In the numbers' own unit; absent: all of them. */
  readonly range?: readonly [number, number];
}

export interface Curves {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly x: NumberAxis;
  readonly y: NumberAxis;
  readonly curves: readonly Curve[];
  readonly table?: FigureTable;
}

const SYMBOLS = ['circle', 'square', 'diamond', 'triangle-up'] as const;
const DASHES = ['solid', 'dash', 'dot', 'dashdot'] as const;
const HEIGHT = 360;

/** Curves over a numeric axis; marker and dash tell them apart besides the colour, which the theme gives to each `legendgroup`. */
export function curves({ title, caption, alt, x, y, curves: all, table }: Curves): PlotlyFigure {
  return {
    kind: 'plotly',
    title,
    caption,
    alt,
    data: all.map((one, index) => trace(one, groupOf(all, one.beside ?? index))),
    layout: {
      showlegend: all.filter(({ beside }) => beside === undefined).length > 1,
      legend: { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom' },
      margin: { l: 70, r: 20, t: 40, b: 50 },
      hovermode: 'closest',
      xaxis: axis(x),
      yaxis: axis(y)
    },
    height: HEIGHT,
    ...(table ? { table } : {})
  };
}

const axis = ({ title, log, range }: NumberAxis) => ({
  zeroline: false,
  title: { text: plotlyText(title) },
  ...(range && { range: range.map(end => (log ? Math.log10(end) : end)) as [number, number] }),
  // Ticks at powers of ten; the digits between them would overlap.
  ...(log && { type: 'log' as const, dtick: 1, exponentformat: 'power' as const })
});

/** Its number among the curves that stand in the legend. */
const groupOf = (all: readonly Curve[], index: number): number =>
  all.slice(0, index).filter(({ beside }) => beside === undefined).length;

function trace({ name, x, y, mode, beside }: Curve, group: number): Partial<Data> {
  return {
    type: 'scatter',
    mode: mode === 'points' ? 'markers' : mode === 'line' ? 'lines' : 'lines+markers',
    legendgroup: `series ${group}`,
    name: plotlyText(name),
    showlegend: beside === undefined,
    x: [...x],
    y: y.map(value => (Number.isNaN(value) ? null : value)),
    hovertemplate: '%{fullData.name}: %{y:.4g} at %{x:.4g}<extra></extra>',
    ...(mode !== 'points' && {
      line: { width: 2, dash: beside === undefined ? DASHES[group % DASHES.length] : 'solid' }
    }),
    ...(mode !== 'line' && {
      marker: {
        symbol: `${SYMBOLS[group % SYMBOLS.length]}${mode === 'points' ? '-open' : ''}`,
        size: mode === 'points' ? 5 : 7
      }
    })
  } as Partial<Data>;
}
