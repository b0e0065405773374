/** Sizes of a decoder whose attention is causal. */
export interface FloorShape {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly width: number;
  readonly mlp: number;
  /** Matrices of an MLP: 2, or 3 where it is gated. */
  readonly matrices: number;
}

export type FloorKind = 'z' | 'q' | 'k' | 'v' | 'pattern';

/**
 * Operations in matrix products that no exact sweep can leave out, of one patch of a head at a position whose last position is read: only what differs from
 * the unpatched run is computed, once, and of the last block only what the answer reads. Of the first block that is the patched head's part of
 * W_O and the attention that the patch changes; of the blocks behind it queries, keys and values of the tokens that differ, the pairs of query and key of which
 * one differs, W_O and the MLP of the tokens behind the patch. Changes in a sum are priced as if no cancellation forbade to add them alone.
 */
export const patchFloor = (shape: FloorShape, kind: FloorKind, layer: number, pos: number, length: number): number => {
  const { layers, heads, kvHeads, width } = shape;
  const head = width / heads;
  const prices = pricesOf(shape);
  const last = length - 1;
  const spreads = kind === 'k' || kind === 'v';
  const behind = length - pos;
  const sharing = spreads ? heads / kvHeads : 1;
  const reaches = (tokens: number, at: number): number => (at < layers - 1 ? tokens : spreads || pos === last ? 1 : 0);
  const first = reaches(spreads ? behind : 1, layer);
  if (first === 0) {
    return 0;
  }
  let total = prices.columns + first * (sharing * 2 * head * width + prices.mlp);
  total += 2 * head * (kind === 'z' ? 0 : spreads ? sharing * first * (kind === 'v' ? 1 : 1 + pos) : 1 + pos);
  let differing = spreads ? behind : 1;
  for (let at = layer + 1; at < layers; at++) {
    const end = at === layers - 1;
    const queries = end ? Number(differing === behind || pos === last) : differing;
    total += queries * prices.query + differing * prices.keyAndValue;
    total += pairs(pos, differing, length, end) * 4 * head * heads;
    differing = behind;
    total += (end ? 1 : behind) * (prices.output + prices.mlp);
  }
  return total;
};

const pricesOf = ({ heads, kvHeads, width, mlp, matrices }: FloorShape) => ({
  query: 2 * width * width,
  keyAndValue: 4 * width * width * (kvHeads / heads),
  output: 2 * width * width,
  mlp: 2 * matrices * width * mlp,
  /** Two answers. */
  columns: 4 * width
});

/** Of query and key, one of which differs; of the last block's only the last query's. */
const pairs = (pos: number, differing: number, length: number, end: boolean): number => {
  let sum = 0;
  for (let query = end ? length - 1 : pos; query < length; query++) {
    sum += query < pos + differing ? query + 1 : differing;
  }
  return sum;
};
