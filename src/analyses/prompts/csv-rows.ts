import { csvSeparator } from './csv-separator';

/**
 * Cells of a table by RFC 4180: quoted cells may hold separators, quotes (doubled) and line breaks; lines end with LF or CRLF. Semicolons or tabs separate
 * where the first line has no comma. Throws where a quote is not closed.
 */
export function csvRows(text: string, most: number): string[][] {
  const separator = csvSeparator(text);
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let [quoted, begun] = [false, false];
  const endRow = (): void => {
    if (begun || row.length > 0) {
      rows.push([...row, cell]);
    }
    [row, cell, begun] = [[], '', false];
  };
  for (let at = 0; at < text.length && rows.length <= most; at++) {
    const char = text[at];
    if (quoted) {
      const doubled = char === '"' && text[at + 1] === '"';
      quoted = char !== '"' || doubled;
      cell += quoted ? char : '';
      at += doubled ? 1 : 0;
    } else if (char === '"' && cell === '') {
      [quoted, begun] = [true, true];
    } else if (char === separator) {
      [row, cell, begun] = [[...row, cell], '', true];
    } else if (char === '\n' || (char === '\r' && text[at + 1] === '\n')) {
      at += char === '\r' ? 1 : 0;
      endRow();
    } else {
      [cell, begun] = [cell + char, true];
    }
  }
  if (quoted) {
    throw new Error(`a quote that is opened in row ${rows.length + 1} is not closed`);
  }
  endRow();
  return rows;
}
