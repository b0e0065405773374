import type { Figure } from '../figures/figure';

/** A figure's numbers as CSV (RFC 4180), UTF-8; undefined where it has none. Rows that the figure left out are not there either. */
export function figureCsv(figure: Figure): string | undefined {
  const table = tableOf(figure);
  return table && [table.columns, ...table.rows].map(row => row.map(field).join(',')).join('\r\n') + '\r\n';
}

interface Plain {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

function tableOf(figure: Figure): Plain | undefined {
  if (figure.kind === 'table') {
    return {
      columns: [figure.corner ?? '', ...figure.columns.map(({ label }) => label)],
      rows: figure.rows.map(({ label, cells }) => [label, ...cells.map(({ text }) => text)])
    };
  }
  return figure.table;
}

/** A text that a spreadsheet would take for a formula begins with an apostrophe, as spreadsheets themselves write it. */
function field(value: string | number): string {
  const text = typeof value === 'string' && /^[=@\t\r]/u.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
