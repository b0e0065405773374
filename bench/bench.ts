/** One number of the table. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The value must be at most this; null where the number is only shown. */
  readonly target: number | null;
  readonly holds: boolean;
  /** Spread, medians, what was run. */
  readonly detail: string;
}

export interface Bench {
  readonly name: string;
  /** Throws where the two sides of a comparison do not agree: then there is no number. */
  run(): Promise<Row>;
}

/** A row that holds when the value is at most the target. */
export const atMost = (row: Omit<Row, 'holds'>): Row => ({
  ...row,
  holds: row.target === null || row.value <= row.target
});
