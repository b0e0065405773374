import type { AtlasFigure, AtlasScore } from './figure';

/** Where each head stands: `order` names them (layer · heads + head) in reading order, so many in a row. */
export interface Arrangement {
  readonly columns: number;
  readonly order: readonly number[];
}

/** A row a layer, a column a head. */
export const byPlace = ({ layers, heads }: Pick<AtlasFigure, 'layers' | 'heads'>): Arrangement => ({
  columns: heads,
  order: Array.from({ length: layers * heads }, (_, at) => at)
});

export interface Sorting {
  readonly score: AtlasScore;
  readonly smallestFirst: boolean;
  /** Heads that are shown. */
  readonly most: number;
}

/** By a score, heads without one left out; of equal ones the earlier layer first. */
export function byScore(figure: AtlasFigure, { score, smallestFirst, most }: Sorting, columns: number): Arrangement {
  const { order } = byPlace(figure);
  const sign = smallestFirst ? 1 : -1;
  const value = (head: number): number => score.values[head];
  const sorted = order
    .filter(head => Number.isFinite(value(head)))
    .sort((a, b) => sign * (value(a) - value(b)) || a - b)
    .slice(0, most);
  return { columns: Math.max(1, Math.min(columns, sorted.length)), order: sorted };
}

/** Rows that an arrangement takes. */
export const rowsOf = ({ order, columns }: Arrangement): number => Math.ceil(order.length / columns);
