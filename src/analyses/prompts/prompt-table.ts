import { promptsFault } from '../spec/prompts-fault';
import { quote } from '../quote';
import { MAX_PROMPTS, type Prompt } from '../spec/spec';
import { csvRows } from './csv-rows';

/** What a column may be called, and what it becomes. */
const COLUMNS = {
  clean: 'clean',
  corrupted: 'corrupted',
  corrupted2: 'corrupted2',
  correct: 'correct',
  answer: 'correct',
  wrong: 'wrong',
  'wrong answer': 'wrong',
  wrong_answer: 'wrong'
} as const;

type Row = Readonly<Record<string, unknown>>;

/**
 * A person's own prompts: CSV with a line of column names, or JSON Lines with an object a line. Columns are clean, corrupted, correct (or answer) and wrong (or
 * wrong answer); all but the first may be missing. An answer is a token, or a JSON list of tokens as texts or ids. Throws one sentence that names file, column and row.
 */
export function promptTable(text: string, file: string): readonly Prompt[] {
  const fail = (why: string): never => {
    throw new Error(`prompt table '${file}': ${why}`);
  };
  const kind = /\.(csv|jsonl)$/i.exec(file)?.[1].toLowerCase();
  if (kind === undefined) {
    return fail('a file ends in .csv or .jsonl');
  }
  const clean = text.replace(/^\uFEFF/, '');
  const rows = kind === 'csv' ? fromCsv(clean, fail) : fromLines(clean, fail);
  if (rows.length === 0 || rows.length > MAX_PROMPTS) {
    return fail(`${rows.length > MAX_PROMPTS ? `more than ${MAX_PROMPTS}` : 'no'} rows, 1 to ${MAX_PROMPTS} are read`);
  }
  const prompts = rows.map((row, at) => promptOf(row, at, fail));
  const fault = promptsFault(prompts, 'rows');
  return fault === undefined ? (prompts as readonly Prompt[]) : fail(fault);
}

type Fail = (why: string) => never;

function fromCsv(text: string, fail: Fail): Row[] {
  let cells: string[][];
  try {
    cells = csvRows(text, MAX_PROMPTS + 1);
  } catch (error) {
    return fail((error as Error).message);
  }
  const [header = [], ...rows] = cells;
  const names = header.map(name => name.trim());
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    return fail(`the column ${quote(twice)} is there twice`);
  }
  const uneven = rows.findIndex(row => row.length !== names.length);
  if (uneven >= 0) {
    return fail(`row ${uneven + 1} has ${rows[uneven].length} cells where ${names.length} columns are named`);
  }
  refuseColumns(names, fail);
  return rows.map(row =>
    Object.fromEntries(row.flatMap((cell, at) => (cell === '' ? [] : [[names[at], listed(cell)]])))
  );
}

/** A list where the cell is one: '[" Mary", 11]'. */
function listed(cell: string): unknown {
  try {
    const value: unknown = cell.startsWith('[') ? JSON.parse(cell) : cell;
    return Array.isArray(value) ? value : cell;
  } catch {
    return cell;
  }
}

function fromLines(text: string, fail: Fail): Row[] {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '');
  return lines.slice(0, MAX_PROMPTS + 1).map((line, at) => {
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      return fail(`row ${at + 1} is not JSON: ${quote(line)}`);
    }
    if (row === null || typeof row !== 'object' || Array.isArray(row)) {
      return fail(`row ${at + 1} must be an object, got ${quote(row)}`);
    }
    const given = Object.entries(row).filter(([, value]) => value !== null);
    refuseColumns(
      given.map(([name]) => name),
      fail,
      at
    );
    return Object.fromEntries(given);
  });
}

function refuseColumns(names: readonly string[], fail: Fail, row?: number): void {
  const where = row === undefined ? '' : ` in row ${row + 1}`;
  const there = `there are: ${names.map(name => quote(name)).join(', ') || 'none'}`;
  if (!names.includes('clean')) {
    fail(`the column 'clean' is missing${where} (${there})`);
  }
  const strange = names.find(name => !Object.hasOwn(COLUMNS, name));
  if (strange !== undefined) {
    fail(`unknown column ${quote(strange)}${where} (known: ${Object.keys(COLUMNS).join(', ')})`);
  }
}

/** The columns of a row as a prompt; `answer` may hold the whole answer, as it stands in a spec. */
function promptOf(row: Row, at: number, fail: Fail): object {
  const sides: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    const side = COLUMNS[name as keyof typeof COLUMNS];
    if (side === 'correct' || side === 'wrong') {
      if (side in sides) {
        fail(`row ${at + 1} has '${side}' under two names`);
      }
      sides[side] = Array.isArray(value) ? value : [value];
    }
  }
  const whole = row.answer !== null && typeof row.answer === 'object' && !Array.isArray(row.answer);
  const answer = whole ? row.answer : Object.keys(sides).length > 0 ? sides : undefined;
  return {
    clean: row.clean,
    ...(row.corrupted !== undefined && { corrupted: row.corrupted }),
    ...(row.corrupted2 !== undefined && { corrupted2: row.corrupted2 }),
    ...(answer !== undefined && { answer })
  };
}
