import type { Selection } from './selection';
import { NOTHING, joined } from './selection';

/** A point that a cursor can be on: the columns of maps side by side follow each other. */
export interface PlotPoint {
  readonly name: string;
  readonly value: number | null;
  readonly selection: Selection;
  /** Where Plotly shows it: number of the trace's axes, place on them. */
  readonly subplot: string;
  readonly x: number;
  readonly y: number;
}

/** What Plotly's own types leave open of the traces that the builders make. */
export interface Trace {
  readonly type?: string;
  readonly name?: string;
  readonly z?: readonly (readonly (number | null)[])[];
  readonly text?: readonly (readonly string[])[];
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
  const named = traces.filter(({ type, name }) => type === 'scatter' && name !== undefined);
  const kinds = [
    [traces.some(({ type }) => type === 'heatmap'), mapPoints],
    [traces.some(({ type }) => type === 'bar'), barPoints],
    [(labels?.rows.length ?? 0) > 0, dotPoints],
    [true, linePoints]
  ] as const;
  const points = kinds.find(([is]) => is)![1](drawn, named);
  return points.filter(row => row.length > 0);
}

function mapPoints({ traces, rows, columns, inCell }: Drawn): PlotPoint[][] {
  const maps = traces.filter(({ type }) => type === 'heatmap');
  return (maps[0].z ?? []).map((_, row) =>
    maps.flatMap(map =>
      (map.z?.[row] ?? []).map((value, column): PlotPoint => ({
        name: plainText(map.text?.[row]?.[column] ?? ''),
        value,
        selection: joined(rows[row] ?? NOTHING, columns[column] ?? NOTHING, inCell(map, row, column)),
        subplot: `${map.xaxis ?? 'x'}${map.yaxis ?? 'y'}`,
        x: column,
        y: row
      }))
    )
  );
}

/** A row a bar. */
function barPoints({ traces, labels, rows }: Drawn): PlotPoint[][] {
  const bars = traces.find(({ type }) => type === 'bar');
  return (labels?.rows ?? []).map((name, row) => {
    const value = bars?.x?.[row] ?? null;
    return [{ name, value, selection: rows[row], subplot: 'xy', x: value ?? 0, y: bars?.y?.[row] ?? row }];
  });
}

/** In each row the dots of all series. */
function dotPoints({ labels, rows }: Drawn, series: readonly Trace[]): PlotPoint[][] {
  return (labels?.rows ?? []).map((label, row) =>
    series.flatMap(({ name = '', x = [], y = [] }) =>
      x.flatMap((value, at): PlotPoint[] => {
        const height = y[at];
        return value === null || height === null || Math.round(height) !== row
          ? []
          : [{ name: `${label}, ${plainText(name)}`, value, selection: rows[row], subplot: 'xy', x: value, y: height }];
      })
    )
  );
}

/** A row a line. */
function linePoints({ labels, columns, across }: Drawn, lines: readonly Trace[]): PlotPoint[][] {
  return lines.map(({ name = '', x = [], y = [] }) =>
    x.flatMap((place, at): PlotPoint[] => {
      const value = y[at] ?? null;
      return place === null
        ? []
        : [
            {
              name: `${plainText(name)}, ${across} ${labels?.columns[place] ?? Number(place.toPrecision(4))}`,
              value,
              selection: columns[place] ?? NOTHING,
              subplot: 'xy',
              x: place,
              y: value ?? 0
            }
          ];
    })
  );
}
