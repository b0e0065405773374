/** A cell of a grid. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

const clamp = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));

/** Keys that move in a grid of rows × columns. */
export const MOVES: Readonly<Record<string, (from: Place, rows: number, columns: number) => Place>> = {
  ArrowUp: ({ row, column }, rows) => ({ row: clamp(row - 1, rows), column }),
  ArrowDown: ({ row, column }, rows) => ({ row: clamp(row + 1, rows), column }),
  ArrowLeft: ({ row, column }, _, columns) => ({ row, column: clamp(column - 1, columns) }),
  ArrowRight: ({ row, column }, _, columns) => ({ row, column: clamp(column + 1, columns) }),
  Home: ({ row }) => ({ row, column: 0 }),
  End: ({ row }, _, columns) => ({ row, column: columns - 1 })
};
