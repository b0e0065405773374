import type { Config, Data, Layout } from 'plotly.js';

/** What can be drawn: pure data, no DOM, no theme. One builder file a kind of figure; `ui/` has one view a kind. */
export type Figure = PlotlyFigure | AtlasFigure | TableFigure | TextFigure;

interface Common {
  readonly title: string;
  /** One or two sentences under the figure: what the axes are, units, what was left out. */
  readonly caption: string;
  /** Alternative text, at most 250 characters. */
  readonly alt: string;
  /** The figure's numbers as a table, for fallbacks and for those who do not see the picture. */
  readonly table?: FigureTable;
}

/** Plain cells, the most telling rows first. */
export interface FigureTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Rows that were left out. */
  readonly omitted: number;
}

export interface PlotlyFigure extends Common {
  readonly kind: 'plotly';
  readonly data: readonly Partial<Data>[];
  readonly layout: Partial<Layout>;
  readonly config?: Partial<Config>;
  /** Drawn height in CSS pixels. */
  readonly height: number;
  /** Names of all rows and columns (ticks may be fewer), by which figures are linked: heads as 'L1H3', tokens as '4 cat'. */
  readonly labels?: { readonly rows: readonly string[]; readonly columns: readonly string[] };
}

/** All heads' patterns on one canvas; a head opens as a detail. */
export interface AtlasFigure extends Common {
  readonly kind: 'atlas';
  readonly layers: number;
  readonly heads: number;
  /** The model's own numbers of the rows and columns, where only some were chosen; absent = 0, 1, 2, … */
  readonly layerIndices?: readonly number[];
  readonly headIndices?: readonly number[];
  /** Labels of the queries, and of the keys where these have no axis of their own; in sequence order. */
  readonly tokens: readonly string[];
  /** Keys that are tokens of another sequence: what a decoder reads of an encoder. */
  readonly keys?: AtlasAxis;
  readonly causal: boolean;
  /** The first token is a sink that can be hidden (BOS or merely position 0). */
  readonly sink: boolean;
  /** Patterns [layer, head, query, key], bytes of `byteOf`. */
  readonly patterns: Uint8Array;
  /** Differences of weights, −1 … 1. */
  readonly signed?: boolean;
  /** Rows of a stored pattern: `tokens.length`, or less where they were max-pooled in the groups of `poolEdges`. */
  readonly size: number;
  /** By which heads can be sorted and filtered. */
  readonly scores?: readonly AtlasScore[];
}

/** Tokens along one side of a stored pattern, and how many rows or columns they take: fewer where they were pooled. */
export interface AtlasAxis {
  readonly tokens: readonly string[];
  readonly size: number;
}

/** A number of each head. */
export interface AtlasScore {
  readonly id: string;
  readonly label: string;
  /** In a few words: 'weight on the token before, 0 to 1'. */
  readonly what: string;
  /** [layer · heads + head]; NaN where a head has none. */
  readonly values: ArrayLike<number>;
}

/** A real table: logit lens, rankings, the certificate. */
export interface TableFigure extends Common {
  readonly kind: 'table';
  /** Heading of the row headers. */
  readonly corner?: string;
  /** One for each of a row's cells. */
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Colour bar of the shaded cells: what 0 and 1 mean. */
  readonly shading?: { readonly label: string; readonly low: string; readonly high: string };
}

export interface Column {
  readonly label: string;
  readonly align?: 'start' | 'end';
}

export interface Row {
  /** Row header. */
  readonly label: string;
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly text: string;
  /** 0…1: background from the sequential palette. */
  readonly shade?: number;
  readonly bold?: boolean;
  /** Shown on hover and focus, a line each. */
  readonly detail?: readonly string[];
}

export interface TextFigure extends Common {
  readonly kind: 'text';
  readonly lines: readonly string[];
}
