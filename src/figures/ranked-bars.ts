import type { Data } from 'plotly.js';
import type { FigureTable, PlotlyFigure } from './figure';
import { RED_BLUE } from './palettes';
import { plotlyText } from './plotly-text';

/** A signed number with its name. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Standard deviation over a sample, drawn as a whisker. */
  readonly deviation?: number;
}

export interface RankedBars {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly x: string;
  /** From the top down, as given. */
  readonly bars: readonly Bar[];
  readonly table?: FigureTable;
}

const ROW_PIXELS = 20;
const MARGIN = { l: 110, r: 20, t: 10, b: 50 } as const;
const [NEGATIVE, POSITIVE] = [RED_BLUE[2], RED_BLUE[8]];

/** Horizontal bars from zero, red to the left and blue to the right, each with its number. */
export function rankedBars({ title, caption, alt, x, bars, table }: RankedBars): PlotlyFigure {
  const places = bars.map((_, at) => at);
  const data = {
    type: 'bar',
    orientation: 'h',
    x: bars.map(({ value }) => value),
    y: places,
    text: bars.map(({ value }) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`),
    hovertext: bars.map(({ name, value }) => plotlyText(`${name}: ${value.toFixed(4)}`)),
    hovertemplate: '%{hovertext}<extra></extra>',
    textposition: 'auto',
    marker: { color: bars.map(({ value }) => (value < 0 ? NEGATIVE : POSITIVE)) },
    ...(bars.some(({ deviation }) => deviation)
      ? { error_x: { type: 'data', array: bars.map(({ deviation }) => deviation ?? 0), visible: true, thickness: 1 } }
      : {})
  } as Partial<Data>;
  return {
    kind: 'plotly',
    title,
    caption,
    alt,
    data: [data],
    layout: {
      showlegend: false,
      margin: MARGIN,
      xaxis: { title: { text: plotlyText(x) }, zeroline: true },
      yaxis: {
        tickmode: 'array',
        tickvals: places,
        ticktext: bars.map(({ name }) => plotlyText(name)),
        range: [bars.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false
      }
    },
    height: MARGIN.t + MARGIN.b + ROW_PIXELS * Math.max(3, bars.length),
    ...(table ? { table } : {})
  };
}
