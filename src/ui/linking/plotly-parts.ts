import type { Data } from 'plotly.js';

import type { PlotlyFigure } from '../../figures/figure';
import { headsIn, tokenIn } from '../../figures/part-names';
import { plainText, plotPoints, type PlotPoint, type Trace } from './plotly-points';
import type { Selection } from './selection';
import { NOTHING, isWithin, joined } from './selection';

/** A place of a drawn figure, in its own coordinates. */
export interface Region {
  readonly selection: Selection;
  readonly box: {
    readonly xref: string;
    readonly yref: string;
    readonly x0: number;
    readonly x1: number;
    readonly y0: number;
    readonly y1: number;
  };
}

export interface PlotlyParts {
  readonly regions: readonly Region[];
  /** [row][column]; empty where a cursor has no grid to move in. */
  readonly points: readonly (readonly PlotPoint[])[];
  /** Of a point as Plotly's events name it. */
  at(trace: number, point: number | readonly number[]): Selection;
}

/** Which parts of the model the rows, columns, cells and bars of a figure stand for. */
export function plotlyParts({ data, labels, layout: { xaxis } }: PlotlyFigure): PlotlyParts {
  const rows = (labels?.rows ?? []).map(named);
  const columns = (labels?.columns ?? []).map(named);
  const traces = data.map(trace => trace as Partial<Data> as Trace);
  const title = xaxis?.title;
  const across = plainText((typeof title === 'string' ? title : title?.text) ?? '');
  const maps = traces.filter(({ type }) => type === 'heatmap');
  const at: PlotlyParts['at'] = (number, point) => {
    const trace = traces[number];
    const [row, column] = typeof point === 'number' ? [rowOf(trace, point), -1] : point;
    const place = rows.length === 0 && typeof point === 'number' ? (trace.x?.[point] ?? -1) : column;
    return joined(rows[row] ?? NOTHING, columns[place] ?? NOTHING, inCell(trace, row, column));
  };
  const regions = maps.length
    ? maps.flatMap(map => mapRegions(map, rows, columns))
    : [
        ...rows.map((selection, row) => ({ selection, box: band(row) })),
        ...columns.map((selection, column) => ({ selection, box: strip(column) }))
      ];
  return {
    regions: regions.filter(({ selection }) => selection !== NOTHING),
    points: plotPoints({ traces, rows, columns, labels, across, inCell }),
    at
  };
}

const named = (label: string): Selection => {
  const [heads, token] = [headsIn(label), tokenIn(label)];
  return heads.length || token ? { heads, tokens: token ? [token] : [] } : NOTHING;
};

const inCell = ({ hovertext }: Trace, row: number, column: number): Selection => {
  const heads = headsIn(plainText(hovertext?.[row]?.[column] ?? ''));
  return heads.length ? { heads, tokens: [] } : NOTHING;
};

/** Points of bars and dots stand at their row's number. */
const rowOf = ({ y }: Trace, point: number): number => Math.round(y?.[point] ?? point);

const band = (row: number): Region['box'] => ({
  xref: 'paper',
  yref: 'y',
  x0: 0,
  x1: 1,
  y0: row - 0.5,
  y1: row + 0.5
});

const strip = (column: number): Region['box'] => ({
  xref: 'x',
  yref: 'paper',
  x0: column - 0.5,
  x1: column + 0.5,
  y0: 0,
  y1: 1
});

function mapRegions(map: Trace, rows: readonly Selection[], columns: readonly Selection[]): Region[] {
  const { z = [], xaxis: xref = 'x', yaxis: yref = 'y' } = map;
  const [height, width] = [z.length, z[0]?.length ?? 0];
  const box = (x: number, y: number, wide = 1, high = 1): Region['box'] => ({
    xref,
    yref,
    x0: x - 0.5,
    x1: x - 0.5 + wide,
    y0: y - 0.5,
    y1: y - 0.5 + high
  });
  const cells = z.flatMap((line, row) =>
    line.flatMap((_, column): Region[] => {
      const selection = inCell(map, row, column);
      const known = joined(rows[row] ?? NOTHING, columns[column] ?? NOTHING);
      return selection === NOTHING || isWithin(selection, known) ? [] : [{ selection, box: box(column, row) }];
    })
  );
  return [
    ...rows.map((selection, row) => ({ selection, box: box(0, row, width) })),
    ...columns.map((selection, column) => ({ selection, box: box(column, 0, 1, height) })),
    ...cells
  ];
}
