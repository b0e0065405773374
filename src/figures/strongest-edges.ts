import { keysOf, weightOf } from './atlas';
import type { AtlasFigure } from './figure';

/** One weight of a head. */
export interface Edge {
  readonly query: number;
  readonly key: number;
  readonly weight: number;
}

export interface EdgeRequest {
  readonly layer: number;
  readonly head: number;
  readonly hideSink: boolean;
  /** Only the row of this query, or the column of this key. */
  readonly from?: { readonly side: 'query' | 'key'; readonly index: number };
  readonly most: number;
  /** Smaller weights are none. */
  readonly least: number;
}

/** The largest weights of a head, whatever their sign, largest first. */
export function strongestEdges(figure: AtlasFigure, { layer, head, hideSink, from, most, least }: EdgeRequest): Edge[] {
  const all = (size: number): number[] => Array.from({ length: size }, (_, index) => index);
  const queries = from?.side === 'query' ? [from.index] : all(figure.size);
  const keys = (from?.side === 'key' ? [from.index] : all(keysOf(figure).size)).filter(key => !(hideSink && key === 0));
  return queries
    .flatMap(query => keys.map(key => ({ query, key, weight: weightOf(figure, { layer, head, query, key }) })))
    .filter(({ weight }) => Math.abs(weight) >= least)
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight) || a.query - b.query || a.key - b.key)
    .slice(0, most);
}
