import type { Data } from 'plotly.js';

import type { FigureTable, PlotlyFigure } from './figure';
import { heatmaps } from './heatmaps';
import { RED_BLUE } from './palettes';
import type { HeadPlace } from './part-names';

/** What one head says through a later one. */
export interface HeadEdge {
  readonly from: HeadPlace;
  readonly to: HeadPlace;
  readonly value: number;
}

export interface HeadGraph {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  /** Over the graph: what a cell's number is. */
  readonly node: string;
  readonly unit: string;
  readonly layers: number;
  readonly heads: number;
  readonly edges: readonly HeadEdge[];
  readonly table?: FigureTable;
}

/** Below and above zero; sign is told by dashes as well. */
const COLOURS = { less: RED_BLUE[2], more: RED_BLUE[8] } as const;
/** Pixels of an edge, by thirds of the largest. */
const WIDTHS = [1.5, 3, 5] as const;
/** Pixels of a layer, and from how many on half of them are left between the cells for the edges. */
const [LAYER, OPEN] = [{ least: 16, most: 80, all: 480 }, 40] as const;

/** A graph of heads: a cell a head, layer 0 at the top, with the sum of its edges, and a line an edge from the earlier head to the later. */
export function headGraph({ layers, heads, edges, node, unit, ...words }: HeadGraph): PlotlyFigure {
  const values: (number | null)[][] = Array.from({ length: layers }, () => Array<null>(heads).fill(null));
  for (const { from, to, value } of edges) {
    for (const { layer, head } of [from, to]) {
      values[layer][head] = (values[layer][head] ?? 0) + value;
    }
  }
  const most = values.flat().reduce<number>((size, value) => Math.max(size, Math.abs(value ?? 0)), 0) || 1;
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
  const map = heatmaps({
    ...words,
    panels: [{ title: node, unit, values, range: [-most, most], signed: true }],
    rows: { title: 'layer', labels: names(layers) },
    columns: { title: 'head', labels: names(heads) },
    cell: (layer, head) => `L${layer}H${head}`
  });
  const layer = Math.min(LAYER.most, Math.max(LAYER.least, Math.round(LAYER.all / layers)));
  const open = layer >= OPEN;
  const cells = map.data.map(trace => ({ ...trace, ...(open && { ygap: layer / 2 }) }) as Partial<Data>);
  const { t = 0, b = 0 } = map.layout.margin ?? {};
  return { ...map, data: [...cells, ...lines(edges, open ? 0.25 : 0.375)], height: t + b + layer * layers };
}

/** A trace for each sign and width, those of the largest edges last; `inset` layers from the middle of a cell to its edges' ends. */
function lines(edges: readonly HeadEdge[], inset: number): Partial<Data>[] {
  const most = edges.reduce((size, { value }) => Math.max(size, Math.abs(value)), 0);
  const widthOf = ({ value }: HeadEdge): number =>
    WIDTHS[Math.min(WIDTHS.length - 1, Math.floor((WIDTHS.length * Math.abs(value)) / most))];
  const ranked = edges
    .filter(({ value }) => value !== 0)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .map((edge, at) => ({ ...edge, rank: at + 1 }));
  return WIDTHS.flatMap(width =>
    [false, true].flatMap(less => {
      const own = ranked.filter(edge => edge.value < 0 === less && widthOf(edge) === width);
      return own.length ? [trace(own, inset, width, less)] : [];
    })
  );
}

interface RankedEdge extends HeadEdge {
  /** 1 is the largest. */
  readonly rank: number;
}

function trace(edges: readonly RankedEdge[], inset: number, width: number, less: boolean): Partial<Data> {
  const color = less ? COLOURS.less : COLOURS.more;
  return {
    type: 'scatter',
    mode: 'lines+markers',
    hoverinfo: 'skip',
    showlegend: false,
    x: edges.flatMap(({ from, to }) => [from.head, to.head, null]),
    y: edges.flatMap(({ from, to }) => [from.layer + inset, to.layer - inset, null]),
    customdata: edges.flatMap(({ rank }) => [rank, rank, rank]),
    line: { color, width, dash: less ? 'dash' : 'solid' },
    // An arrow's head where the edge ends.
    marker: { color, symbol: 'triangle-down', size: edges.flatMap(() => [0, 6 + width, 0]), opacity: 1 }
  };
}
