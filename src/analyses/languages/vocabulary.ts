import { noTokenizer } from '../no-tokenizer';
import type { Subject } from '../../subject/subject';
import { ownTokens } from '../own-tokens';
import { quote } from '../quote';
import { shortText } from '../short-text';
import type { LanguageTask, TaskOptions } from './language-task';

/** Tokens of the model that stand for symbols and answers. */
export interface Vocabulary {
  /** Id of each symbol. */
  readonly symbols: readonly number[];
  /** Id of each answer; where the model answers by a number, the one column that it stands in. */
  readonly answers: readonly number[];
  /** What the tokenizer puts before and behind a text: special tokens. */
  readonly before: readonly number[];
  readonly behind: readonly number[];
  /** Between a sequence and its answer. */
  readonly separator: readonly number[];
  /** Between an example's answer and the next sequence. */
  readonly end: readonly number[];
}

export interface VocabularySpec {
  readonly vocabulary: string | undefined;
  readonly start: string | undefined;
  readonly separator: string | undefined;
  readonly readout: 'token' | 'number';
  readonly size: number;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const BRACKETS = '( ) [ ] { } < >';
/** Symbols, and ids of one range. */
const MOST = 512;
/** Answers, and tokens of a separator or a start. */
const MOST_ENTRIES = 4096;

/** '#12', '#12-15' or a text → ids. */
type Reader = (entry: string, field: string) => readonly number[];

/** How many symbols the spec means: those it lists, else its size, else the task's own. Throws for more than 512. */
export function alphabetSize(task: LanguageTask, spec: VocabularySpec, options: Pick<TaskOptions, 'group'>): number {
  const listed = parts(spec.vocabulary)[0];
  const count = listed.reduce((sum, entry) => sum + (range(entry)?.length ?? 1), 0);
  if (count > MOST) {
    throw new Error(`vocabulary too large: field 'vocabulary' names ${count} symbols, at most ${MOST} are taken`);
  }
  return count || spec.size || task.alphabet.size(options);
}

/**
 * Throws one sentence where a symbol is not one token, two symbols are the same one, or an id is out of the model's vocabulary. `longest` is the length
 * of the longest sequence.
 */
export function vocabularyOf(
  subject: Subject,
  task: LanguageTask,
  spec: VocabularySpec,
  options: TaskOptions,
  longest: number
): Vocabulary {
  const read = reader(subject);
  const [listed, answered = []] = parts(spec.vocabulary);
  const wanted = task.answers(options, longest);
  const many = (entries: readonly string[], field: string): number[] => {
    const ids = entries.flatMap(entry => [...read(entry, field)]);
    if (ids.length > MOST_ENTRIES) {
      throw new Error(`field '${field}' names ${ids.length} tokens, at most ${MOST_ENTRIES} are taken`);
    }
    return ids;
  };
  const symbols = listed.length > 0 ? many(listed, 'vocabulary') : named(subject, task, options.size);
  const answers =
    answered.length > 0
      ? many(answered, 'vocabulary')
      : spec.readout === 'number'
        ? [0]
        : wanted === 'symbols'
          ? symbols
          : many(wanted, 'vocabulary');
  const count = spec.readout === 'number' ? 1 : wanted === 'symbols' ? options.size : wanted.length;
  refuseTwice(symbols, 'symbols');
  refuseTwice(answers, 'answers');
  if (answers.length < count) {
    throw new Error(
      `vocabulary too small: '${task.id}' has ${count} answers at this length, field 'vocabulary' names ${answers.length}`
    );
  }
  const special = specials(subject);
  return {
    symbols,
    answers,
    before: spec.start === undefined ? special.before : many(parts(spec.start)[0], 'start'),
    behind: special.behind,
    ...betweenOf(subject, spec, many)
  };
}

/** 'a b | no yes': groups of entries. */
const parts = (text: string | undefined): string[][] =>
  (text ?? '').split('|').map(group => group.split(/\s+/).filter(entry => entry !== ''));

/** Ids of '#12' or '#12-15'. */
function range(entry: string): number[] | undefined {
  const [, from, to] = /^#(\d{1,10})(?:-(\d{1,10}))?$/.exec(entry) ?? [];
  if (from === undefined) {
    return undefined;
  }
  const [first, last] = [Number(from), Number(to ?? from)];
  if (last < first || last - first >= MOST) {
    throw new Error(`${quote(entry)} is not a range of ids, at most ${MOST} are taken`);
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function reader(subject: Subject): Reader {
  return (entry, field) => {
    const ids = range(entry);
    if (ids) {
      return subject.input({ ids }).ids;
    }
    if (!subject.tokens) {
      throw new Error(
        `no tokenizer: field '${field}' has ${quote(entry)}, but ${noTokenizer(subject.facts)}, so give ids ('#12', '#12-15')`
      );
    }
    const id = asOne(subject, entry);
    if (id === undefined) {
      throw new Error(
        `symbol of several tokens: ${quote(entry)} of field '${field}' is ${partsOf(subject, entry)} to '${subject.facts.label}'`
      );
    }
    return [id];
  };
}

const inText = (subject: Subject, text: string): number[] => ownTokens(subject.tokens!, text).map(({ id }) => id);

/** Behind a space where it is one token there, else without. */
function asOne(subject: Subject, text: string, spaces: readonly string[] = [' ', '']): number | undefined {
  const before = inText(subject, 'and');
  return spaces
    .map(space => space + text)
    .map(more => {
      const all = inText(subject, `and${more}`);
      return all.length === before.length + 1 && before.every((id, at) => all[at] === id)
        ? all[before.length]
        : undefined;
    })
    .find(id => id !== undefined);
}

const partsOf = (subject: Subject, text: string): string =>
  shortText(
    inText(subject, ` ${text}`)
      .map(id => subject.tokens!.label(id))
      .join('|') || 'no token',
    60
  );

/** The first letters or brackets that are one token each. */
function named(subject: Subject, task: LanguageTask, size: number): number[] {
  if (!subject.tokens) {
    throw new Error(
      `no tokenizer: '${task.id}' needs tokens for ${size} symbols, and ${noTokenizer(subject.facts)}, so list their ids in field 'vocabulary' ('#12-15')`
    );
  }
  const names = task.alphabet.names === 'brackets' ? BRACKETS.split(' ') : [...LETTERS];
  // All behind spaces, or all without.
  const fits = [' ', ''].map(space =>
    fitting(
      names.map(name => asOne(subject, name, [space])),
      task
    )
  );
  const fit = fits.find(({ length }) => length >= size) ?? fits[0];
  if (fit.length < size) {
    throw new Error(
      `too few symbols: ${fit.length} of the ${names.length} ${task.alphabet.names} are single tokens of '${subject.facts.label}', '${task.id}' needs ${size}, so list tokens in field 'vocabulary'`
    );
  }
  return fit.slice(0, size);
}

/** Of brackets both of a kind. */
function fitting(ids: readonly (number | undefined)[], { alphabet }: LanguageTask): number[] {
  const kept = ids.filter(
    (id, at) => id !== undefined && (alphabet.names === 'letters' || ids[at % 2 === 0 ? at + 1 : at - 1] !== undefined)
  );
  return kept.flatMap(id => (id === undefined ? [] : [id]));
}

function specials({ tokens }: Subject): { before: number[]; behind: number[] } {
  const all = tokens?.encode('a').tokens ?? [];
  const from = all.findIndex(({ start, end }) => end > start);
  const ids = all.map(({ id }) => id);
  const behind = [...all].reverse().findIndex(({ start, end }) => end > start);
  return { before: ids.slice(0, Math.max(0, from)), behind: behind > 0 ? ids.slice(-behind) : [] };
}

/** An arrow and a new line where there is a tokenizer; nothing else is known. */
function betweenOf(
  subject: Subject,
  { separator }: VocabularySpec,
  many: (entries: readonly string[], field: string) => number[]
): Pick<Vocabulary, 'separator' | 'end'> {
  if (separator !== undefined) {
    const [first, second] = parts(separator).map(group => many(group, 'separator'));
    return { separator: first, end: second ?? first };
  }
  const behind = (text: string): number[] => inText(subject, `and${text}`).slice(inText(subject, 'and').length);
  return subject.tokens ? { separator: behind(' ->'), end: behind('\n') } : { separator: [], end: [] };
}

function refuseTwice(ids: readonly number[], what: string): void {
  const seen = new Set<number>();
  const twice = ids.find(id => seen.size === seen.add(id).size);
  if (twice !== undefined) {
    throw new Error(`vocabulary ambiguous: two ${what} are token ${twice}`);
  }
}
