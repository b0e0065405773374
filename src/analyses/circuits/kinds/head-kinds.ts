/** Tokens as the model reads them. */
export interface Sequence {
  readonly ids: readonly number[];
  readonly causal: boolean;
}

/** Where a head of the kind looks: the keys of one query, among those that it sees. */
export interface HeadKind {
  readonly id: 'previous-token' | 'duplicate-token' | 'induction' | 'current-token' | 'first-token' | 'local';
  readonly title: string;
  readonly what: string;
  readonly looksAt: (key: number, query: number, ids: readonly number[], window: number) => boolean;
}

/** The first three as TransformerLens's detect_head has them. */
export const HEAD_KINDS: readonly HeadKind[] = [
  {
    id: 'previous-token',
    title: 'Previous token',
    what: 'the token before',
    looksAt: (key, query) => key === query - 1
  },
  {
    id: 'duplicate-token',
    title: 'Duplicate token',
    what: 'other occurrences of the same token',
    looksAt: (key, query, ids) => key !== query && ids[key] === ids[query]
  },
  {
    id: 'induction',
    title: 'Induction',
    what: 'tokens after other occurrences of the same token (prefix matching)',
    looksAt: (key, query, ids) => key > 0 && key - 1 !== query && ids[key - 1] === ids[query]
  },
  {
    id: 'current-token',
    title: 'Current token',
    what: 'itself',
    looksAt: (key, query) => key === query
  },
  {
    id: 'first-token',
    title: 'First token',
    what: 'the first token, from later ones (a sink)',
    looksAt: (key, query) => key === 0 && query > 0
  },
  {
    id: 'local',
    title: 'Local',
    what: 'the nearest tokens',
    looksAt: (key, query, _, window) => Math.abs(query - key) < window
  }
];

/** Cells [query · length + key] of each kind, in order. */
export const cellsOf = ({ ids, causal }: Sequence, window: number): readonly Int32Array[] =>
  HEAD_KINDS.map(({ looksAt }) => {
    const cells: number[] = [];
    ids.forEach((_, query) => {
      const seen = causal ? query + 1 : ids.length;
      for (let key = 0; key < seen; key++) {
        if (looksAt(key, query, ids, window)) {
          cells.push(query * ids.length + key);
        }
      }
    });
    return Int32Array.from(cells);
  });
