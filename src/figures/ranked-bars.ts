import type { Data } from 'plotly.js';
import { digitsFor } from './digits-for';
import type { FigureTable, PlotlyFigure } from './figure';
import { RED_BLUE } from './palettes';
import { plotlyText } from './plotly-text';
import { signedNumber } from './signed-number';

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
/** 3:1 and more on a light and on a dark page. */
const WHISKER = '#888888';
const [NEGATIVE, POSITIVE] = [RED_BLUE[2], RED_BLUE[8]];

/** Horizontal bars from zero, red to the left and blue to the right. The numbers stand beside the names, where no whisker crosses them. */
export function rankedBars({ title, caption, alt, x, bars, table }: RankedBars): PlotlyFigure {
  const places = bars.map((_, at) => at);
  const digits = digitsFor(Math.max(...bars.map(({ value }) => Math.abs(value))), 3);
  const data = {
    type: 'bar',
    orientation: 'h',
    x: bars.map(({ value }) => value),
    y: places,
    hovertext: bars.map(({ name, value, deviation }) =>
      plotlyText(`${name}: ${signedNumber(value, digits + 1)}${deviation ? ` ± ${deviation.toFixed(digits + 1)}` : ''}`)
    ),
    hovertemplate: '%{hovertext}<extra></extra>',
    marker: { color: bars.map(({ value }) => (value < 0 ? NEGATIVE : POSITIVE)) },
    ...(bars.some(({ deviation }) => deviation)
      ? {
          error_x: {
            type: 'data',
            array: bars.map(({ deviation }) => deviation ?? 0),
            color: WHISKER,
            thickness: 1.5,
            width: 3
          }
        }
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
        ticktext: bars.map(({ name, value }) => plotlyText(`${name}  ${signedNumber(value, digits)}`)),
        range: [bars.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false
      }
    },
    height: MARGIN.t + MARGIN.b + ROW_PIXELS * Math.max(3, bars.length),
    labels: { rows: bars.map(({ name }) => name), columns: [] },
    ...(table ? { table } : {})
  };
}
