import { shortText } from './short-text';

type Cells = readonly (string | number)[];

/** Fixed-width columns, numbers to the right, two spaces between, cells cut at `widest`; for text/plain. */
export function textTable(columns: readonly string[], rows: readonly Cells[], widest = 24): string[] {
  const cells = [columns, ...rows.map(row => row.map(cell => shortText(String(cell), widest)))];
  const widths = columns.map((_, i) => Math.max(...cells.map(row => row[i].length)));
  const isNumber = columns.map((_, i) => rows.length > 0 && rows.every(row => typeof row[i] === 'number'));
  return cells.map(row =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  );
}
