import type { Random } from '../../maths/random';
import type { Answer, LanguageTask, TaskOptions } from './language-task';
import type { Vocabulary } from './vocabulary';

/** What is asked at one position of a row. */
export interface Question {
  /** The model's output here is its answer. */
  readonly position: number;
  /** Position in the sequence of symbols. */
  readonly at: number;
  readonly answer: Answer;
}

/** What the model reads. */
export interface LanguageRow {
  readonly ids: readonly number[];
  readonly questions: readonly Question[];
}

/** A sequence with its questions; in the form 'continuation' behind `shots` sequences of the same length with their answers. */
export function drawRow(
  stream: Random,
  task: LanguageTask,
  vocabulary: Vocabulary,
  options: TaskOptions,
  { length, shots }: { readonly length: number; readonly shots: number }
): LanguageRow {
  const { before, behind, separator, end } = vocabulary;
  const symbolIds = (symbols: readonly number[]): number[] => symbols.map(symbol => vocabulary.symbols[symbol]);
  const answerIds = (answers: readonly Answer[]): number[] => answers.map(({ right }) => vocabulary.answers[right[0]]);
  if (options.form === 'positions') {
    const { symbols, at } = task.draw(stream, length, options);
    const questions = at.flatMap((answer, t) => (answer ? [{ position: before.length + t, at: t, answer }] : []));
    return { ids: [...before, ...symbolIds(symbols), ...behind], questions };
  }
  const examples = Array.from({ length: shots }, () => {
    const { symbols, sequel } = task.draw(stream, length, options);
    return [...symbolIds(symbols), ...separator, ...answerIds(sequel), ...end];
  });
  const { symbols, sequel } = task.draw(stream, length, options);
  const asked = [...before, ...examples.flat(), ...symbolIds(symbols), ...separator];
  return {
    // The last answer is not read: nothing is asked behind it.
    ids: [...asked, ...answerIds(sequel).slice(0, -1)],
    questions: sequel.map((answer, at) => ({ position: asked.length - 1 + at, at, answer }))
  };
}

/** Tokens of a row of this length at most. */
export function longestRow(
  task: LanguageTask,
  { before, behind, separator, end }: Vocabulary,
  { form }: TaskOptions,
  { length, shots }: { readonly length: number; readonly shots: number }
): number {
  const one = length + separator.length + task.sequel(length);
  return form === 'positions'
    ? before.length + length + behind.length
    : before.length + shots * (one + end.length) + one - 1;
}
