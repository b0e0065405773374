import type { Data, LayoutAxis } from 'plotly.js';
import type { FigureTable, PlotlyFigure } from './figure';
import { plotlyText } from './plotly-text';
import { ticks } from './ticks';

/** Points of a sample at each place, and their mean as a line. */
export interface Series {
  readonly name: string;
  /** [place][member of the sample]; none leave a gap */
  readonly samples: readonly (readonly number[])[];
  /** Name of a point, on hover. */
  readonly member: (place: number, index: number) => string;
  /** Index of an earlier series that this one is to be compared with: drawn in its colour, dotted and thin, its points as bars from the least to the largest. */
  readonly beside?: number;
  /** Of the mean at each place, drawn as bars. */
  readonly intervals?: readonly (readonly [number, number])[];
}

export interface Lines {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly x: { readonly title: string; readonly labels: readonly string[] };
  /** The range in the numbers' own unit also where the axis is logarithmic. */
  readonly y: { readonly title: string; readonly range: readonly [number, number]; readonly log?: true };
  readonly series: readonly Series[];
  readonly table?: FigureTable;
}

const DASHES = ['solid', 'dash', 'dot', 'dashdot'] as const;
const SYMBOLS = ['circle', 'square', 'diamond', 'triangle-up'] as const;
const HEIGHT = 320;

/** Without a point it has no place in the legend either; the others keep their colours. */
const isEmpty = ({ samples }: Series): boolean => samples.every(({ length }) => length === 0);

/** Dash and marker tell the series apart besides the colour, which the theme gives to each `legendgroup`. */
export function lines({ title, caption, alt, x, y, series, table }: Lines): PlotlyFigure {
  return {
    kind: 'plotly',
    title,
    caption,
    alt,
    data: series.flatMap((one, i) =>
      isEmpty(one) ? [] : one.beside === undefined ? [points(one, i), means(one, i)] : [band(one)]
    ),
    layout: {
      showlegend: series.filter(one => !isEmpty(one)).length > 1,
      legend: { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom' },
      margin: { l: 60, r: 20, t: 40, b: 50 },
      hovermode: 'closest',
      xaxis: {
        ...ticks(x.labels),
        range: [-0.5, x.labels.length - 0.5],
        zeroline: false,
        title: { text: plotlyText(x.title) }
      },
      yaxis: {
        ...(y.log ? logAxis([Math.log10(y.range[0]), Math.log10(y.range[1])]) : { range: [...y.range] }),
        zeroline: false,
        title: { text: plotlyText(y.title) }
      }
    },
    height: HEIGHT,
    labels: { rows: [], columns: x.labels },
    ...(table ? { table } : {})
  };
}

/** Ticks at powers of ten over two decades and more, at 1, 2 and 5 over one; the other digits overlap. */
function logAxis(range: [number, number]): Partial<LayoutAxis> {
  const decades = range[1] - range[0];
  const ticks = decades >= 2 ? { dtick: 1 } : decades >= 1 ? { dtick: 'D2' } : {};
  return { type: 'log', exponentformat: 'power', range, ...ticks };
}

function points({ samples, member }: Series, index: number): Partial<Data> {
  return {
    type: 'scatter',
    mode: 'markers',
    legendgroup: `series ${index}`,
    showlegend: false,
    x: samples.flatMap((values, place) => values.map(() => place)),
    y: samples.flat(),
    text: samples.flatMap((values, place) => values.map((_, i) => plotlyText(member(place, i)))),
    hovertemplate: '%{text}: %{y:.3f}<extra></extra>',
    marker: { symbol: `${SYMBOLS[index % SYMBOLS.length]}-open`, size: 6, opacity: 0.7 }
  };
}

/** Mean as a dotted line, from the least to the largest as a whisker. */
function band({ name, samples, beside }: Series): Partial<Data> {
  const middle = samples.map(mean);
  const away = (pick: (...values: number[]) => number): number[] =>
    samples.map((values, place) => (values.length === 0 ? 0 : Math.abs(pick(...values) - (middle[place] ?? 0))));
  return {
    type: 'scatter',
    mode: 'lines',
    legendgroup: `series ${beside}`,
    name: plotlyText(name),
    x: samples.map((_, place) => place),
    y: middle,
    hovertemplate: '%{fullData.name}: %{y:.3f}<extra></extra>',
    line: { width: 1.5, dash: 'dot' },
    ...(samples.some(values => values.length > 1) && {
      error_y: {
        type: 'data',
        symmetric: false,
        array: away(Math.max),
        arrayminus: away(Math.min),
        thickness: 1,
        width: 3
      }
    })
  } as Partial<Data>;
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;

function means({ name, samples, intervals }: Series, index: number): Partial<Data> {
  const middle = samples.map(mean);
  return {
    type: 'scatter',
    mode: 'lines+markers',
    legendgroup: `series ${index}`,
    name: plotlyText(name),
    x: samples.map((_, place) => place),
    y: middle,
    hovertemplate: 'mean: %{y:.3f}<extra></extra>',
    line: { width: 2, dash: DASHES[index % DASHES.length] },
    marker: { symbol: SYMBOLS[index % SYMBOLS.length], size: 8 },
    ...(intervals && {
      error_y: {
        type: 'data',
        symmetric: false,
        array: intervals.map(([, high], place) => high - (middle[place] ?? high)),
        arrayminus: intervals.map(([low], place) => (middle[place] ?? low) - low),
        thickness: 1,
        width: 4
      }
    })
  } as Partial<Data>;
}
