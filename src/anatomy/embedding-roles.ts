import type { LookUp } from './look-up';

/** Tables of one to four rows hold token types; positions need more. */
const MOST_TYPES = 4;

export interface EmbeddingRoles {
  readonly tokens?: LookUp;
  readonly positions?: LookUp;
  readonly types?: LookUp;
  /** Tables that are read by places on a page. */
  readonly boxes: readonly LookUp[];
}

/**
 * Tokens: the table with as many rows as the logits have columns, else the only one read by an input, else the largest.
 * None of them where embeddings are fed. Of the rest, positions are counted, and small ones that are not hold types.
 */
export const embeddingRoles = (
  lookUps: readonly LookUp[],
  vocabulary: number | null,
  embedded = false
): EmbeddingRoles => {
  const fed = lookUps.filter(({ input }) => input !== undefined);
  const fitting = fed.filter(({ rows }) => rows === vocabulary);
  const tokens = (fitting.length === 1 ? fitting : fed).reduce<LookUp | undefined>(
    (best, one) => (best && best.rows >= one.rows ? best : one),
    undefined
  );
  const rest = lookUps.filter(one => one !== tokens);
  // Where no input picks tokens, and no embeddings are fed, a table that something else picks rows of may be theirs.
  const others =
    tokens || embedded ? rest.find(({ rows, boxes: read }) => rows > MOST_TYPES && read.length === 0) : undefined;
  const positions = rest.find(({ counted }) => counted) ?? others;
  const types = rest.find(one => one !== positions && one.rows <= MOST_TYPES);
  const boxes = rest.filter(one => one !== positions && one !== types && one.boxes.length > 0);
  return { tokens, positions, types, boxes };
};
