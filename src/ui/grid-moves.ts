/** A cell of a grid. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

const clamp = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));

/** Rows of a page up or down. */
const PAGE = 8;

type Move = (from: Place, rows: number, columns: number) => Place;

/** Keys that move in a grid of rows × columns. */
const MOVES: Readonly<Record<string, Move>> = {
  ArrowUp: ({ row, column }, rows) => ({ row: clamp(row - 1, rows), column }),
  ArrowDown: ({ row, column }, rows) => ({ row: clamp(row + 1, rows), column }),
  ArrowLeft: ({ row, column }, _, columns) => ({ row, column: clamp(column - 1, columns) }),
  ArrowRight: ({ row, column }, _, columns) => ({ row, column: clamp(column + 1, columns) }),
  PageUp: ({ row, column }, rows) => ({ row: clamp(row - PAGE, rows), column }),
  PageDown: ({ row, column }, rows) => ({ row: clamp(row + PAGE, rows), column }),
  Home: ({ row }) => ({ row, column: 0 }),
  End: ({ row }, _, columns) => ({ row, column: columns - 1 })
};

/** With Ctrl, or ⌘. */
const FAR_MOVES: Readonly<Record<string, Move>> = {
  Home: () => ({ row: 0, column: 0 }),
  End: (_, rows, columns) => ({ row: rows - 1, column: columns - 1 })
};

/** How a key moves; undefined where it does not. */
export function moveOf({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): Move | undefined {
  return altKey ? undefined : (ctrlKey || metaKey ? FAR_MOVES : MOVES)[key];
}
