import type { Place } from '../grid-moves';
import type { Selection } from './selection';
import { NOTHING, joined } from './selection';

/** A point that a cursor can be on: the columns of maps side by side follow each other. */
export interface PlotPoint {
  readonly name: string;
  readonly value: number | null;
  readonly selection: Selection;
  /** Where Plotly shows it: number of the trace's axes, and what is there. */
  readonly subplot: string;
  readonly shown: ShownAt;
}

/**
 * For Plotly's hover: a place, whose nearest point is taken, for cells and bars, which Plotly shows no other way; of lines and dots, which lie close,
 * the point itself.
 */
export type ShownAt =
  | { readonly xval: number; readonly yval: number }
  | readonly [{ readonly curveNumber: number; readonly pointNumber: number }];

/** A point as Plotly's events name it. */
export interface PointedAt {
  readonly curveNumber: number;
  readonly pointNumber: number | readonly number[];
  readonly x?: unknown;
  readonly y?: unknown;
  readonly xaxis?: { readonly _id?: string };
  readonly yaxis?: { readonly _id?: string };
}

/** Where a pointed-at point stands among those of a cursor; undefined where it is none of them. */
export function placeIn(points: readonly (readonly PlotPoint[])[], at: PointedAt): Place | undefined {
  const subplot = `${at.xaxis?._id ?? 'x'}${at.yaxis?._id ?? 'y'}`;
  const is = ({ shown, ...point }: PlotPoint): boolean =>
    'xval' in shown
      ? shown.xval === at.x && shown.yval === at.y && point.subplot === subplot
      : shown[0].curveNumber === at.curveNumber && shown[0].pointNumber === at.pointNumber;
  const row = points.findIndex(line => line.some(is));
  return row < 0 ? undefined : { row, column: points[row].findIndex(is) };
}

/** What Plotly's own types leave open of the traces that the builders make. */
export interface Trace {
  readonly type?: string;
  readonly name?: string;
  readonly z?: readonly (readonly (number | null)[])[];
  readonly hovertext?: readonly (readonly string[])[];
  readonly x?: readonly (number | null)[];
  readonly y?: readonly (number | null)[];
  readonly xaxis?: string;
  readonly yaxis?: string;
}

/** A drawing's traces, and what its rows and columns are called and stand for. */
export interface Drawn {
  readonly traces: readonly Trace[];
  readonly rows: readonly Selection[];
  readonly columns: readonly Selection[];
  readonly labels?: { readonly rows: readonly string[]; readonly columns: readonly string[] };
  /** What stands under the drawing, '' where nothing does. */
  readonly across: string;
  readonly inCell: (trace: Trace, row: number, column: number) => Selection;
}

/** A name that Plotly was given, with its entities read again. */
export const plainText = (text: string): string => text.replace(/&lt;/g, '<').replace(/&amp;/g, '&');

/** [row][column], no row empty: cells of maps, bars, dots by their rows, or points of lines by their lines. */
export function plotPoints(drawn: Drawn): readonly (readonly PlotPoint[])[] {
  const { traces, labels } = drawn;
  const kinds = [
    [traces.some(({ type }) => type === 'heatmap'), mapPoints],
    [traces.some(({ type }) => type === 'bar'), barPoints],
    [(labels?.rows.length ?? 0) > 0, dotPoints],
    [true, linePoints]
  ] as const;
  const points = kinds.find(([is]) => is)![1](drawn);
  return points.filter(row => row.length > 0);
}

/** Lines and dots with a name and their numbers among the traces; the points of a sample around them have none. */
const series = ({ traces }: Drawn): readonly (Trace & { readonly curveNumber: number })[] =>
  traces
    .map((trace, curveNumber) => ({ ...trace, curveNumber }))
    .filter(({ type, name }) => type === 'scatter' && name !== undefined);

function mapPoints({ traces, rows, columns, inCell }: Drawn): PlotPoint[][] {
  const maps = traces.filter(({ type }) => type === 'heatmap');
  return (maps[0].z ?? []).map((_, row) =>
    maps.flatMap(map =>
      (map.z?.[row] ?? []).map((value, column): PlotPoint => ({
        name: plainText(map.hovertext?.[row]?.[column] ?? ''),
        value,
        selection: joined(rows[row] ?? NOTHING, columns[column] ?? NOTHING, inCell(map, row, column)),
        subplot: `${map.xaxis ?? 'x'}${map.yaxis ?? 'y'}`,
        shown: { xval: column, yval: row }
      }))
    )
  );
}

/** A row a bar. */
function barPoints({ traces, labels, rows }: Drawn): PlotPoint[][] {
  const bars = traces.find(({ type }) => type === 'bar');
  return (labels?.rows ?? []).map((name, row) => {
    const value = bars?.x?.[row] ?? null;
    const shown = { xval: value ?? 0, yval: bars?.y?.[row] ?? row };
    return [{ name, value, selection: rows[row], subplot: 'xy', shown }];
  });
}

/** In each row the dots of all series. */
function dotPoints(drawn: Drawn): PlotPoint[][] {
  const { labels, rows } = drawn;
  const dots = series(drawn);
  return (labels?.rows ?? []).map((label, row) =>
    dots.flatMap(({ name = '', x = [], y = [], curveNumber }) =>
      x.flatMap((value, pointNumber): PlotPoint[] => {
        const said = { name: `${label}, ${plainText(name)}`, value, selection: rows[row] };
        return Math.round(y[pointNumber] ?? NaN) === row
          ? [{ ...said, subplot: 'xy', shown: [{ curveNumber, pointNumber }] }]
          : [];
      })
    )
  );
}

/** A row a line. */
function linePoints(drawn: Drawn): PlotPoint[][] {
  const { labels, columns, across } = drawn;
  return series(drawn).map(({ name = '', x = [], y = [], curveNumber }) =>
    x.flatMap((place, pointNumber): PlotPoint[] => {
      if (place === null) {
        return [];
      }
      const at = labels?.columns[place] ?? Number(place.toPrecision(4));
      const said = { name: `${plainText(name)}, ${across} ${at}`, value: y[pointNumber] ?? null };
      const selection = columns[place] ?? NOTHING;
      return [{ ...said, selection, subplot: 'xy', shown: [{ curveNumber, pointNumber }] }];
    })
  );
}
