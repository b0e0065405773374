import { keysOf, positionsOf } from '../../figures/atlas';
import type { AtlasCell } from '../../figures/atlas-raster';
import type { AtlasAxis, AtlasFigure } from '../../figures/figure';
import type { TokenPlace } from '../../figures/part-names';
import type { Link } from './linking';
import type { Selection } from './selection';
import { NOTHING, isSameToken } from './selection';

/** Row and column of the atlas, row and column of a pattern. */
type Head = Pick<AtlasCell, 'layer' | 'head'>;
type Pair = Pick<AtlasCell, 'query' | 'key'>;

/** What an atlas is to mark for the others. */
export interface AtlasMarks {
  /** The first of the heads that are marked and that it has. */
  readonly head?: Head;
  /** Whether that head is kept. */
  readonly kept: boolean;
  readonly tokens: MarkedTokens;
}

/** Rows and columns of the patterns. */
export interface MarkedTokens {
  readonly queries: readonly number[];
  readonly keys: readonly number[];
}

export interface AtlasLink {
  /** The pointer or cursor is on a head, and inside it on a cell; undefined: on nothing. */
  point(head: Head | undefined, pair?: Pair): void;
  /** Keeps a head, or lets it go. */
  keep(head: Head | undefined): void;
  dispose(): void;
}

/** Links an atlas, whose rows and columns may be some of the model's layers and heads, with the other figures. */
export function atlasLink(
  figure: AtlasFigure,
  { linking, keeper }: Link,
  onMarks: (marks: AtlasMarks) => void
): AtlasLink {
  const { layers, heads, layerIndices, headIndices } = figure;
  const selectionOf = (head: Head, pair?: Pair): Selection => ({
    heads: [{ layer: layerIndices?.[head.layer] ?? head.layer, head: headIndices?.[head.head] ?? head.head }],
    tokens: pair ? [...tokensOf(figure, pair.query), ...tokensOf(keysOf(figure), pair.key)] : []
  });
  const rowOf = (layer: number): number => (layerIndices ? layerIndices.indexOf(layer) : layer);
  const columnOf = (head: number): number => (headIndices ? headIndices.indexOf(head) : head);
  const end = linking.follow(({ shown, kept }) => {
    const places = shown.heads.map(({ layer, head }) => ({ layer: rowOf(layer), head: columnOf(head) }));
    const head = places.find(at => at.layer >= 0 && at.layer < layers && at.head >= 0 && at.head < heads);
    const marked = (axis: AtlasAxis): number[] => indicesOf(axis, shown.tokens);
    const tokens = { queries: marked(figure), keys: marked(keysOf(figure)) };
    onMarks({ ...(head && { head }), kept: kept !== undefined && head !== undefined, tokens });
  });
  return {
    point: (head, pair) => linking.point(head ? selectionOf(head, pair) : NOTHING),
    keep: head => (head ? linking.keep(selectionOf(head), keeper) : linking.letGo()),
    dispose: end
  };
}

/** Tokens that a row or column stands for. */
function tokensOf(axis: AtlasAxis, index: number): TokenPlace[] {
  const [first, last] = positionsOf(axis, index);
  return Array.from({ length: last - first + 1 }, (_, i) => ({ position: first + i, text: axis.tokens[first + i] }));
}

const indicesOf = (axis: AtlasAxis, tokens: readonly TokenPlace[]): number[] =>
  tokens.length === 0
    ? []
    : Array.from({ length: axis.size }, (_, index) => index).filter(index =>
        tokensOf(axis, index).some(own => tokens.some(token => isSameToken(own, token)))
      );
