import { noTokenizer } from '../no-tokenizer';
import type { Input, Subject } from '../../subject/subject';
import { quote } from '../quote';
import { sentences, type GrammarTask } from './grammar';
import { labelledTable, type LabelledCell } from './labelled-table';

/** A token of a text with its label, and the word that it ends. */
export interface LabelledPoint {
  readonly row: number;
  readonly position: number;
  readonly label: string;
  readonly word: string;
}

export interface LabelledRows {
  readonly texts: readonly Input[];
  /** In the order of the texts and of their positions. */
  readonly points: readonly LabelledPoint[];
}

const MOST_ROWS = 1000;
const MOST_LABEL = 40;

interface Row {
  readonly text: string;
  /** Words that have a label, by their place in the text. */
  readonly words: readonly {
    readonly start: number;
    readonly end: number;
    readonly label: string;
    readonly word: string;
  }[];
}

/** Sentences of the grammar; words that the task does not ask for are context. Needs a tokenizer. */
export const grammarRows = (subject: Subject, task: GrammarTask, count: number, seed: number): LabelledRows =>
  aligned(
    subject,
    sentences(count, seed).map(words => joined(words.map(({ word, labels }) => [word, labels[task]] as const))),
    'the grammar'
  );

/**
 * A user's rows: a labelled table; or words with labels, 'The/D old/A ship/N sails'; or a text, a tab and its label, which its last token
 * gets.
 */
export function userRows(subject: Subject, given: string | undefined): LabelledRows {
  const table = labelledTable(given ?? '');
  if (table) {
    const rows = tableRows(table);
    return subject.tokens ? aligned(subject, rows, 'the labelled table') : ofIds(subject, rows);
  }
  const lines = (given ?? '').split(/\r?\n/).filter(line => line.trim() !== '');
  if (lines.length === 0 || lines.length > MOST_ROWS) {
    throw new Error(`field 'rows' has ${lines.length} rows, 1 to ${MOST_ROWS} are read`);
  }
  return subject.tokens ? aligned(subject, lines.map(rowOf), "'rows'") : ofIds(subject, lines.map(rowOf));
}

/** Labels of one text come together. */
function tableRows(cells: readonly LabelledCell[]): Row[] {
  const rows = new Map<string, LabelledCell[]>();
  for (const cell of cells) {
    const row = rows.get(cell.text);
    if (row) {
      row.push(cell);
    } else {
      rows.set(cell.text, [cell]);
    }
  }
  if (rows.size > MOST_ROWS) {
    throw new Error(`labelled table: ${rows.size} different texts, at most ${MOST_ROWS} are read`);
  }
  return [...rows].map(([text, words]) => ({ text, words: [...words].sort((a, b) => a.start - b.start) }));
}

/** The text that words make with spaces between. */
function joined(words: readonly (readonly [string, string | undefined])[]): Row {
  let text = '';
  const placed = words.map(([word, label]) => {
    const start = text.length + (text === '' ? 0 : 1);
    text += `${text === '' ? '' : ' '}${word}`;
    return { start, end: text.length, label, word };
  });
  return { text, words: placed.flatMap(({ label, ...rest }) => (label === undefined ? [] : [{ ...rest, label }])) };
}

function rowOf(line: string, at: number): Row {
  const [text, label, more] = line.split('\t').map(part => part.trim());
  if (more !== undefined) {
    throw new Error(`row ${at + 1} of 'rows' has more than one tab`);
  }
  if (label !== undefined) {
    if (text === '' || label === '' || label.length > MOST_LABEL) {
      throw new Error(`row ${at + 1} of 'rows' needs a text, a tab and a label of at most ${MOST_LABEL} characters`);
    }
    return { text, words: [{ start: 0, end: text.length, label, word: text }] };
  }
  const words = text.split(/\s+/).map((word): [string, string | undefined] => {
    const slash = word.lastIndexOf('/');
    return slash > 0 && slash < word.length - 1
      ? [word.slice(0, slash), word.slice(slash + 1, slash + 1 + MOST_LABEL)]
      : [word, undefined];
  });
  return joined(words);
}

function aligned(subject: Subject, rows: readonly Row[], where: string): LabelledRows {
  const { tokens } = subject;
  if (!tokens) {
    throw new Error(
      `no tokenizer: the words of ${where} cannot be matched with tokens, so give rows of ids ('12/A 7/B')`
    );
  }
  const texts = rows.map(({ text }) => subject.input({ text }));
  const points = rows.flatMap(({ text, words }, row) => {
    const found = tokens.encode(text).tokens;
    const used = new Set<number>();
    return words.map(({ start, end, label, word }): LabelledPoint => {
      // The last token that overlaps the word.
      const position = found
        .map(token => token.end > token.start && token.start < end && token.end > start)
        .lastIndexOf(true);
      if (position < 0 || used.has(position)) {
        throw new Error(
          `label without a token: ${quote(word)} in row ${row + 1} of ${where} ${position < 0 ? 'is in no token' : 'shares its token with another word'}`
        );
      }
      used.add(position);
      return { row, position, label, word: word.toLowerCase() };
    });
  });
  return { texts, points };
}

/** Words are ids. */
function ofIds(subject: Subject, rows: readonly Row[]): LabelledRows {
  const texts = rows.map(({ text }, row) => {
    const words = text.split(/\s+/);
    const wrong = words.find(word => !/^\d{1,10}$/.test(word));
    if (wrong !== undefined) {
      throw new Error(
        `no tokenizer: row ${row + 1} of 'rows' holds ${quote(wrong)}, but ${noTokenizer(subject.facts)}, so give ids with labels ('12/A 7/B')`
      );
    }
    return subject.input({ ids: words.map(Number) });
  });
  const points = rows.flatMap(({ text, words }, row) =>
    words.map(({ end, label, word }): LabelledPoint => ({
      row,
      position: text.slice(0, end).split(' ').length - 1,
      label,
      word
    }))
  );
  return { texts, points };
}
