import { keysOf } from './atlas';
import type { AtlasFigure } from './figure';

/** A row whose other keys hold less has nothing to be shared: 8-bit cells do not resolve it. */
const LEAST_REST = 0.005;

/**
 * The figure with the first key taken out of every row and the rest scaled to sum to one, as if the sink were not there; rows with less
 * than 0.5 % left are empty. Throws for pooled patterns, whose groups hold parts of several rows.
 */
export function withoutFirst(figure: AtlasFigure): AtlasFigure {
  const { patterns } = figure;
  const { size, tokens } = keysOf(figure);
  if (size !== tokens.length) {
    throw new Error(`rows not renormalised: patterns of ${tokens.length} tokens are stored as ${size} groups`);
  }
  const scaled = new Uint8Array(patterns.length);
  for (let start = 0; start < patterns.length; start += size) {
    let rest = 0;
    for (let at = start + 1; at < start + size; at++) {
      rest += (patterns[at] / 255) ** 2;
    }
    for (let at = start + 1; rest >= LEAST_REST && at < start + size; at++) {
      scaled[at] = Math.min(255, Math.round(patterns[at] / Math.sqrt(rest)));
    }
  }
  return { ...figure, patterns: scaled };
}
