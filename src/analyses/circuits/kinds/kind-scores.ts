/** What of a pattern is left out of the comparison. */
export interface Excluded {
  readonly first: boolean;
  readonly current: boolean;
}

/** One head's pattern against one kind. */
export interface KindScore {
  /** Share of the weight that lies on the kind's cells, of the rows that have any; NaN where none has. */
  readonly weight: number;
  /** The same of all rows: TransformerLens's detect_head, 'mul'. */
  readonly mul: number;
  /** 1 − mean |A − D|·T, D being one on the kind's cells: detect_head, 'abs', which rounds its second part to three digits. */
  readonly abs: number;
}

/** `pattern` [query, key] of `length` tokens; `cells` of each kind, query · length + key, in order. */
export function kindScores(
  pattern: Float32Array,
  length: number,
  cells: readonly Int32Array[],
  excluded: Excluded
): KindScore[] {
  const weightOf = (cell: number): number => (isExcluded(cell, length, excluded) ? 0 : pattern[cell]);
  const rows = new Float64Array(length);
  for (let cell = 0; cell < pattern.length; cell++) {
    rows[Math.floor(cell / length)] += weightOf(cell);
  }
  const total = rows.reduce((sum, row) => sum + row, 0);
  return cells.map(own => {
    const kept = own.filter(cell => !isExcluded(cell, length, excluded));
    let [found, seen, last] = [0, 0, -1];
    for (const cell of kept) {
      const query = Math.floor(cell / length);
      found += pattern[cell];
      seen += query === last ? 0 : rows[query];
      last = query;
    }
    return {
      weight: kept.length > 0 && seen > 0 ? found / seen : NaN,
      mul: total > 0 ? found / total : NaN,
      // Σ|A − D| = ΣA − Σ_D A + Σ_D (1 − A), as no weight exceeds one.
      abs: 1 - (total - 2 * found + kept.length) / length
    };
  });
}

const isExcluded = (cell: number, length: number, { first, current }: Excluded): boolean =>
  (first && cell % length === 0) || (current && cell % length === Math.floor(cell / length));
