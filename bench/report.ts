import type { Row } from './bench';

/** A row as it is kept: when and on what it was measured. */
export interface MeasuredRow extends Row {
  readonly date: string;
  readonly machine: string;
}

const number = (value: number): string => value.toFixed(value < 10 ? 3 : 1);

const HEADS = ['bench', 'value', 'target', 'holds', 'how'];

const cells = (row: Row): readonly string[] => [
  row.name,
  `${number(row.value)} ${row.unit}`,
  row.target === null ? '–' : `${row.bound === 'most' ? '≤' : '≥'} ${row.target}`,
  row.target === null ? '–' : row.holds ? 'yes' : 'NO',
  row.detail
];

const lines = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, Array<string>(heads.length).fill('---'), ...rows].map(line => `| ${line.join(' | ')} |`).join('\n');

/** A Markdown table of one run. */
export const table = (rows: readonly Row[]): string => lines(HEADS, rows.map(cells));

/** Earlier rows, each replaced by its newer measurement, in the order of the benches' names; rows of no bench go. */
export const merge = (
  names: readonly string[],
  earlier: readonly MeasuredRow[],
  newer: readonly MeasuredRow[]
): readonly MeasuredRow[] =>
  names.flatMap(name => [newer, earlier].flatMap(rows => rows.filter(row => row.name === name)).slice(0, 1));

/** The page: a table for each machine, then the curves. */
export const report = (rows: readonly MeasuredRow[]): string => {
  const machines = [...new Set(rows.map(row => row.machine))];
  const tables = machines.map(machine => {
    const here = rows.filter(row => row.machine === machine);
    return `${machine}\n\n${lines(
      [...HEADS, 'measured'],
      here.map(row => [...cells(row), row.date])
    )}`;
  });
  const plots = rows.flatMap(row =>
    row.plot ? [`![${row.name}: ${row.plot.y} by ${row.plot.x}](images/${row.name}.svg)`] : []
  );
  return `# Performance

Written by \`npm run bench -- --write\`; with names, only those rows are measured again. A ratio is the median over the rounds of
one run in which the two sides are timed in turn; it is given only when both sides' numbers agree on the same weights and inputs.

${[...tables, ...plots].join('\n\n')}
`;
};
