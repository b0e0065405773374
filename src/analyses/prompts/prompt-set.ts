import type { Random } from '../../maths/random';
import type { Subject } from '../../subject/subject';
import type { SingleWords } from './single-words';

/** One prompt before it is read by the tokenizer. */
export interface Draft {
  readonly clean: string | readonly number[];
  readonly corrupted: string | readonly number[];
  /** What goes on behind the clean prompt, ' Mary', or ids. */
  readonly correct: readonly (string | number)[];
  readonly wrong: readonly (string | number)[];
}

/** What is common to all corruptions of a prompt is drawn first: equal streams give equal clean prompts. */
export type Draw = (random: Random) => Draft;

/** A family of prompts with its corruptions. */
export interface PromptSet {
  readonly id: string;
  readonly title: string;
  /** Where it comes from. */
  readonly reference: string;
  /** Ways to corrupt, the first is the default: id and what it changes. */
  readonly counterfactuals: Readonly<Record<string, string>>;
  /** Throws where the tokenizer leaves too few words. `words` refuses models without a tokenizer when it is called. */
  prepare(words: () => SingleWords, counterfactual: string, subject: Subject): Draw;
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)];

/** `count` different entries; `from` has as many. */
export function pickSeveral<T>(random: Random, from: readonly T[], count: number): T[] {
  const left = [...from];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0]);
}
