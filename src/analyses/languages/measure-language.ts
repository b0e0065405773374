import { random } from '../../maths/random';
import { wilsonInterval } from '../../maths/wilson-interval';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { withShuffled } from '../baseline';
import { shortText } from '../short-text';
import { encodeTensor } from '../tensor-codec';
import { answerRows, type Given } from './answer-rows';
import type { FormalLanguage, LanguageExample, LanguageSpec } from './formal-language';
import { parseGroup } from './group';
import { drawRow, longestRow, type LanguageRow } from './language-rows';
import type { LanguageTask, TaskOptions } from './language-task';
import { taskOf } from './tasks';
import { alphabetSize, vocabularyOf, type Vocabulary } from './vocabulary';

const SHARE = 'share, 0 to 1';

/** Rows of the result. */
export const MEASURES = [
  { title: 'accuracy', unit: SHARE },
  { title: 'interval from', unit: SHARE },
  { title: 'interval to', unit: SHARE },
  { title: 'whole sequences', unit: SHARE },
  { title: 'of the whole vocabulary', unit: SHARE },
  { title: 'chance', unit: SHARE },
  { title: 'best constant answer', unit: SHARE }
] as const;

const DEFAULT_LENGTHS = [2, 4, 8, 16, 32];
const LONGEST = 4096;
/** Tokens that are read at most, and numbers of the outputs that are held at once. */
const MOST_TOKENS = 2 ** 20;
const MOST_OUTPUTS = 2 ** 28;
/** Sequences of each length that are shown. */
const SHOWN = 2;
const SHOWN_CHARACTERS = 160;

/** What will be run, checked before anything runs. */
export interface LanguagePlan {
  readonly task: LanguageTask;
  readonly options: TaskOptions;
  readonly vocabulary: Vocabulary;
  readonly shots: number;
  readonly lengths: readonly number[];
  /** Of a row of each length at most. */
  readonly tokens: readonly number[];
}

/** Throws one sentence where the language does not fit the model. */
export function plan(subject: Subject, spec: LanguageSpec): LanguagePlan {
  const task = taskOf(spec.task);
  const group = parseGroup(spec.group ?? '');
  const form = spec.form === 'positions' ? 'positions' : 'continuation';
  if (form === 'continuation' && !subject.tower.causal) {
    throw new Error(
      `'${spec.form}' needs a causal model: '${subject.facts.label}' sees what comes after, so that it could read its answer (form 'positions')`
    );
  }
  const { causal } = subject.tower;
  const options = { form, size: alphabetSize(task, spec, { group }), hops: spec.hops, group, causal } as const;
  const shots = spec.form === 'in-context' ? spec.shots : 0;
  const vocabularyFor = (longest: number): Vocabulary => vocabularyOf(subject, task, spec, options, longest);
  const fault = (length: number): string | undefined =>
    lengthFault(subject, task, options, length, longestRow(task, vocabularyFor(length), options, { length, shots }));
  const lengths = lengthsOf(spec, length => task.fault(options, length) ?? fault(length));
  const vocabulary = vocabularyFor(Math.max(...lengths));
  const tokens = lengths.map(length => longestRow(task, vocabulary, options, { length, shots }));
  const all = tokens.reduce((sum, one) => sum + one * spec.sequences, 0);
  if (all > MOST_TOKENS) {
    throw new Error(`too many sequences: they have up to ${all} tokens, at most ${MOST_TOKENS} are read`);
  }
  return { task, options, vocabulary, shots, lengths, tokens };
}

/** Lengths that were asked for must all be possible; of the default ones those that are not fall out. */
function lengthsOf(spec: LanguageSpec, faultOf: (length: number) => string | undefined): number[] {
  if (spec.lengths) {
    const lengths = [...spec.lengths].sort((a, b) => a - b);
    if (lengths.length > 24 || lengths[0] < 1 || lengths[lengths.length - 1] > LONGEST) {
      throw new Error(`field 'lengths' must be 1 to 24 lengths of 1 to ${LONGEST} symbols`);
    }
    for (const length of lengths) {
      refuse(faultOf(length), spec, length);
    }
    return lengths;
  }
  const fitting = DEFAULT_LENGTHS.filter(length => faultOf(length) === undefined);
  if (fitting.length === 0) {
    refuse(faultOf(4), spec, 4);
  }
  return fitting;
}

function refuse(fault: string | undefined, { task }: LanguageSpec, length: number): void {
  if (fault !== undefined) {
    throw new Error(`'${task}' does not fit sequences of ${length} symbols: ${fault}`);
  }
}

function lengthFault(
  { maxPositions, tower }: Subject,
  task: LanguageTask,
  { form }: TaskOptions,
  length: number,
  tokens: number
): string | undefined {
  if (maxPositions !== undefined && tokens > maxPositions) {
    const what = form === 'positions' ? '' : `, up to ${task.sequel(length)} of the answer`;
    return `a row has up to ${tokens} tokens${what}, the model has ${maxPositions} positions`;
  }
  return tokens * (tower.dVocab ?? 1) > MOST_OUTPUTS
    ? `the outputs of ${tokens} tokens are ${tokens * (tower.dVocab ?? 1)} numbers, at most ${MOST_OUTPUTS} are held`
    : undefined;
}

type Measured = Pick<FormalLanguage, 'values' | 'baseline' | 'questions' | 'examples'>;

/** The model, then shuffled ones, on the same sequences. */
export async function measureLanguage(
  subject: Subject,
  spec: LanguageSpec,
  { task, options, vocabulary, shots, lengths }: LanguagePlan,
  context: Context,
  seed: number
): Promise<Measured> {
  const rows = lengths.map(length => {
    const stream = random(seed * 65537 + length);
    return Array.from({ length: spec.sequences }, () => drawRow(stream, task, vocabulary, options, { length, shots }));
  });
  const readout = { task, kind: spec.readout, answers: vocabulary.answers };
  const total = lengths.length * spec.sequences;
  const answered = async (model: Subject, steps: Context): Promise<Given[][][]> => {
    const found: Given[][][] = [];
    for (const [at, some] of rows.entries()) {
      const step = (done: number): void =>
        steps.progress({
          done: at * spec.sequences + done,
          total,
          label: `length ${lengths[at]}, sequence ${done + 1}`
        });
      found.push(await answerRows(model, some, readout, steps, step));
    }
    return found;
  };
  const key = (question: LanguageRow['questions'][number], choice: number): number =>
    spec.readout === 'number' ? task.value(choice, question.at) : choice;
  const scored = (given: Given[][][]): number[][] => {
    const columns = rows.map((some, at) => scores(some, given[at], key));
    return MEASURES.map((_, m) => columns.map(column => column[m]));
  };
  const { own, baseline } = await withShuffled(subject, spec, context, seed, answered, scored);
  return {
    values: packed(scored(own)),
    baseline: baseline && { ...baseline, dims: ['model', 'measure', 'length'] },
    questions: rows.map(some => some.reduce((sum, { questions }) => sum + questions.length, 0)),
    examples: rows.flatMap((some, at) => examplesOf(subject, vocabulary, spec, task, lengths[at], some, own[at]))
  };
}

function packed(rows: readonly (readonly number[])[]): FormalLanguage['values'] {
  const shape = [rows.length, rows[0].length];
  return { ...encodeTensor({ dims: ['measure', 'length'], shape }, Float32Array.from(rows.flat())), dtype: 'float32' };
}

type Key = (question: LanguageRow['questions'][number], choice: number) => number;

/** `MEASURES` of the sequences of one length. The interval takes each sequence as one trial: its answers depend on one another. */
function scores(rows: readonly LanguageRow[], given: readonly (readonly Given[])[], key: Key): number[] {
  const questions = rows.flatMap(row => row.questions);
  const answers = given.flat();
  const share = (hits: number, of: number): number => hits / of;
  const accuracy = share(answers.filter(({ right }) => right).length, answers.length);
  const constants = new Map<number, number>();
  questions.forEach(question =>
    question.answer.right.forEach(one =>
      constants.set(key(question, one), (constants.get(key(question, one)) ?? 0) + 1)
    )
  );
  return [
    accuracy,
    ...wilsonInterval(accuracy, rows.length),
    share(given.filter(row => row.every(({ right }) => right)).length, rows.length),
    answers.every(({ free }) => free !== undefined)
      ? share(answers.filter(({ free }) => free).length, answers.length)
      : NaN,
    questions.reduce((sum, { answer }) => sum + answer.right.length / answer.choices.length, 0) / questions.length,
    share(Math.max(...constants.values()), questions.length)
  ];
}

function examplesOf(
  subject: Subject,
  { answers }: Vocabulary,
  { readout, form }: LanguageSpec,
  task: LanguageTask,
  length: number,
  rows: readonly LanguageRow[],
  given: readonly (readonly Given[])[]
): LanguageExample[] {
  const label = (id: number): string => subject.tokens?.label(id) ?? String(id);
  const shown = (texts: readonly string[]): string => {
    const all = texts.join(' ');
    // Of long rows the end is what is asked.
    return all.length <= SHOWN_CHARACTERS ? all : `…${Array.from(all).slice(-SHOWN_CHARACTERS).join('')}`;
  };
  return rows.slice(0, SHOWN).map(({ ids, questions }, at) => {
    const name = (choice: number, position: number): string =>
      readout === 'number' ? String(Number(task.value(choice, position).toPrecision(3))) : label(answers[choice]);
    // Answers that are read on the way to the next one are not shown.
    const read = form === 'positions' ? ids : ids.slice(0, questions[0].position + 1);
    return {
      length,
      read: shown(read.map(label)),
      right: shortText(shown(questions.map(({ answer, at: place }) => name(answer.right[0], place)))),
      given: shortText(shown(given[at].map(({ choice }, i) => name(choice, questions[i].at))))
    };
  });
}
