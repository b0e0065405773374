import { csvRows } from '../prompts/csv-rows';
import { csvSeparator } from '../prompts/csv-separator';
import { quote } from '../quote';

/** A word of a text, or a text as a whole, with its label. */
export interface LabelledCell {
  readonly text: string;
  /** Range in the text. */
  readonly start: number;
  readonly end: number;
  readonly label: string;
  readonly word: string;
}

const COLUMNS = ['text', 'sentence', 'word', 'label'] as const;
type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>;

/** Rows of a table, by the word. */
const MOST_ROWS = 40000;
const MOST_LABEL = 40;
const MOST_CELL = 20000;

/**
 * A labelled table: CSV whose first line names columns, or JSON Lines. Either `text` and `label`, with `word` where the label is for one word of the text
 * (there once); or `sentence`, `word` and `label`, a word a row, rows of a sentence together, words without a label being context. Undefined where the text is no such
 * table; throws one sentence where it is one with a fault.
 */
export function labelledTable(text: string): readonly LabelledCell[] | undefined {
  const clean = text.replace(/^\uFEFF/, '').trim();
  const rows = clean.startsWith('{') ? fromLines(clean) : fromCsv(clean);
  if (!rows) {
    return undefined;
  }
  if (rows.length === 0 || rows.length > MOST_ROWS) {
    fail(`${rows.length} rows, 1 to ${MOST_ROWS} are read`);
  }
  return rows[0].sentence === undefined ? rows.map(cellOf) : bySentence(rows);
}

const fail = (why: string): never => {
  throw new Error(`labelled table: ${why}`);
};

/** Only where the first line names columns. */
function fromCsv(text: string): Row[] | undefined {
  const names = text
    .split(/\r?\n/, 1)[0]
    .split(csvSeparator(text))
    .map(name => name.trim().replace(/^"(.*)"$/, '$1'));
  if (!names.includes('label') || !(names.includes('text') || names.includes('sentence'))) {
    return undefined;
  }
  checkColumns(names, 'its first line');
  const [, ...rows] = cellsOf(text);
  return rows.map((row, at) => {
    if (row.length !== names.length) {
      fail(`row ${at + 1} has ${row.length} cells where ${names.length} columns are named`);
    }
    return Object.fromEntries(names.map((name, i) => [name, row[i]]));
  });
}

function cellsOf(text: string): string[][] {
  try {
    return csvRows(text, MOST_ROWS + 1);
  } catch (error) {
    return fail((error as Error).message);
  }
}

function checkColumns(names: readonly string[], where: string): void {
  const strange = names.find((name, at) => !COLUMNS.some(known => known === name) || names.indexOf(name) !== at);
  if (strange !== undefined) {
    fail(`${where} has ${quote(strange)}, columns are text, label and word, or sentence, word and label, each once`);
  }
  if (
    names.includes('text') === names.includes('sentence') ||
    (names.includes('sentence') && !names.includes('word'))
  ) {
    fail(`${where} has ${names.join(', ')}, columns are text, label and word, or sentence, word and label`);
  }
}

function fromLines(text: string): Row[] {
  return text
    .split(/\r?\n/)
    .filter(line => line.trim() !== '')
    .slice(0, MOST_ROWS + 1)
    .map((line, at) => {
      const row = parsed(line, at);
      checkColumns(Object.keys(row), `row ${at + 1}`);
      return Object.fromEntries(
        Object.entries(row).flatMap(([name, cell]) => {
          if (cell === null) {
            return [];
          }
          return typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean'
            ? [[name, String(cell)]]
            : fail(`row ${at + 1} has ${quote(cell)} in '${name}', where a text or a number belongs`);
        })
      );
    });
}

function parsed(line: string, at: number): object {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    fail(`row ${at + 1} is not JSON: ${quote(line)}`);
  }
  return row !== null && typeof row === 'object' && !Array.isArray(row)
    ? row
    : fail(`row ${at + 1} must be an object, got ${quote(row)}`);
}

function cellOf(row: Row, at: number): LabelledCell {
  const { text = '', word = '', label = '' } = row;
  if (text.trim() === '' || text.length > MOST_CELL || label === '' || label.length > MOST_LABEL) {
    fail(`row ${at + 1} needs a text and a label of at most ${MOST_LABEL} characters`);
  }
  if (word === '') {
    return { text, start: 0, end: text.length, label, word: text };
  }
  const start = text.indexOf(word);
  if (start < 0 || text.indexOf(word, start + 1) >= 0) {
    fail(`row ${at + 1}: ${quote(word)} is ${start < 0 ? 'not in its text' : 'in its text more than once'}`);
  }
  return { text, start, end: start + word.length, label, word };
}

/** Words with spaces between make the text of a sentence; sentences that come apart are refused. */
function bySentence(rows: readonly Row[]): LabelledCell[] {
  const groups = new Map<string, Row[]>();
  let last: string | undefined;
  rows.forEach((row, at) => {
    const { sentence = '', word = '', label = '' } = row;
    if (sentence === '' || word === '' || /\s/.test(word) || label.length > MOST_LABEL) {
      fail(`row ${at + 1} needs a sentence, a word without spaces and a label of at most ${MOST_LABEL} characters`);
    }
    if (sentence !== last && groups.has(sentence)) {
      fail(`row ${at + 1} goes on with sentence ${quote(sentence)}, whose other rows stand apart`);
    }
    last = sentence;
    const group = groups.get(sentence);
    if (group) {
      group.push(row);
    } else {
      groups.set(sentence, [row]);
    }
  });
  return [...groups.values()].flatMap(group => {
    const text = group.map(({ word }) => word).join(' ');
    let start = 0;
    return group.flatMap(({ word = '', label = '' }) => {
      const at = start;
      start += word.length + 1;
      return label === '' ? [] : [{ text, start: at, end: at + word.length, label, word }];
    });
  });
}
