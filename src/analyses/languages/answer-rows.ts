import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { floats } from '../floats';
import { quiet } from '../quiet';
import type { LanguageTask } from './language-task';
import type { LanguageRow, Question } from './language-rows';

/** The model's answer to one question. */
export interface Given {
  /** Number of the answer that it prefers among those offered. */
  readonly choice: number;
  readonly right: boolean;
  /** No token of the whole vocabulary is likelier than a right one; undefined where it answers by a number. */
  readonly free?: boolean;
}

export interface Readout {
  readonly task: LanguageTask;
  readonly kind: 'token' | 'number';
  /** Id of each answer, or the one column of the number. */
  readonly answers: readonly number[];
}

/** Of each row, in order, the answers to its questions. Rows run one by one: files that round by the whole tensor see no other row. */
export async function answerRows(
  subject: Subject,
  rows: readonly LanguageRow[],
  readout: Readout,
  context: Context,
  step: (done: number) => void
): Promise<Given[][]> {
  const found: Given[][] = [];
  for (const [at, { ids, questions }] of rows.entries()) {
    context.signal.throwIfAborted();
    step(at);
    const name = subject.tower.head!.logits;
    const cache = await subject.forward({ ids: [ids], hooks: [], outputs: [name] }, quiet(context));
    const logits = floats(cache.get(name), name);
    const width = logits.length / ids.length;
    found.push(
      questions.map(question =>
        given(logits.subarray(question.position * width, (question.position + 1) * width), question, readout)
      )
    );
  }
  return found;
}

function given(logits: Float32Array, { at, answer, position }: Question, { task, kind, answers }: Readout): Given {
  const missing = answers.find(id => id >= logits.length);
  if (missing !== undefined) {
    throw new Error(`answer out of the outputs: ${missing}, the model gives ${logits.length} numbers a position`);
  }
  const strange = logits.find(value => Number.isNaN(value));
  if (strange !== undefined) {
    throw new Error(`logits are not numbers at position ${position}`);
  }
  const score = (choice: number): number =>
    kind === 'number' ? -Math.abs(logits[answers[0]] - task.value(choice, at)) : logits[answers[choice]];
  // Where two are equal the model does not tell them apart: the first one that is wrong is taken.
  const order = [...answer.choices].sort((a, b) => Number(answer.right.includes(a)) - Number(answer.right.includes(b)));
  const choice = order.reduce((best, one) => (score(one) > score(best) ? one : best));
  return {
    choice,
    right: answer.right.includes(choice),
    ...(kind === 'token' && {
      free: freely(
        logits,
        answer.right.map(one => answers[one])
      )
    })
  };
}

/** Some right token is the single likeliest of all. */
function freely(logits: Float32Array, right: readonly number[]): boolean {
  const most = Math.max(...right.map(id => logits[id]));
  return logits.every((value, id) => value < most || right.includes(id));
}
