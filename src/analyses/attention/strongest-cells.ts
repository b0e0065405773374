import type { ResultTable } from '../result';
import type { PatternLayer } from './pattern-bytes';

type NumberedPattern = PatternLayer & { readonly layer: number };

/** A head's largest weight, by places in the sequences of queries and of keys. */
export type TopCell = Readonly<Record<(typeof TOP_COLUMNS)[number], number>>;

export const TOP_COLUMNS = ['layer', 'head', 'query', 'key', 'weight'] as const;

/** Of each head the largest weight that is neither on the token itself nor on the first key, largest first. */
export function strongestCells(patterns: readonly NumberedPattern[], heads: readonly number[]): ResultTable {
  const cells = patterns.flatMap(pattern => heads.flatMap(head => strongestCell(pattern, head) ?? []));
  cells.sort((a, b) => b.weight - a.weight);
  return { columns: Object.fromEntries(TOP_COLUMNS.map(name => [name, cells.map(cell => cell[name])])) };
}

/** Neither on the token itself nor in the first column; undefined where there is no such cell. */
function strongestCell({ layer, length, keys, weights }: NumberedPattern, head: number): TopCell | undefined {
  let best = -1;
  const across = keys ?? length;
  const start = head * length * across;
  for (let cell = 0; cell < length * across; cell++) {
    const key = cell % across;
    const counts = key > 0 && (keys !== undefined || key !== Math.floor(cell / across));
    if (counts && weights[start + cell] > (best < 0 ? 0 : weights[start + best])) {
      best = cell;
    }
  }
  if (best < 0) {
    return undefined;
  }
  const weight = Number(weights[start + best].toFixed(4));
  return { layer, head, query: Math.floor(best / across), key: best % across, weight };
}
