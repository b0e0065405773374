/** One number of the table. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The value must be at most this, or at least; null where the number is only shown. */
  readonly target: number | null;
  readonly bound: 'most' | 'least';
  readonly holds: boolean;
  /** Spread, medians, what was run. */
  readonly detail: string;
  /** Points of a curve, drawn in the report with logarithmic axes. */
  readonly plot?: { readonly x: string; readonly y: string; readonly points: readonly (readonly [number, number])[] };
}

export interface Bench {
  readonly name: string;
  /** Throws where the two sides of a comparison do not agree: then there is no number. */
  run(): Promise<Row>;
}

/** A row that holds when the value is at most the target. */
export const atMost = (row: Omit<Row, 'holds' | 'bound'>): Row => ({
  ...row,
  bound: 'most',
  holds: row.target === null || row.value <= row.target
});

/** A row that holds when the value is at least the target. */
export const atLeast = (row: Omit<Row, 'holds' | 'bound'>): Row => ({
  ...row,
  bound: 'least',
  holds: row.target === null || row.value >= row.target
});
