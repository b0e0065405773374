import type { Subject } from '../../subject/subject';
import type { PromptSetRequest } from '../spec/spec';
import { DEFAULT_COUNT, DEFAULT_SEED, makePrompts, type MadePrompts } from './make-prompts';
import { AUTO, AUTO_ORDER, promptSet } from './sets';

/** A set as it was taken: nothing of the request is left open. */
export interface ChosenSet {
  readonly request: Required<PromptSetRequest>;
  readonly made: MadePrompts;
  /** Sets that would have been taken before it, and why they were not; none where the request names a set. */
  readonly passed: readonly { readonly set: string; readonly why: string }[];
}

/**
 * The set that is asked for; for `auto` the first of AUTO_ORDER that makes as many prompts as are wanted for the model's tokenizer, or else the first that
 * makes any. Throws the last set's own sentence where none does.
 */
export function chooseSet(subject: Subject, asked: PromptSetRequest): ChosenSet {
  if (asked.set !== AUTO) {
    return { ...take(subject, asked.set, asked), passed: [] };
  }
  const passed: { readonly set: string; readonly why: string }[] = [];
  const few: Omit<ChosenSet, 'passed'>[] = [];
  let refusal: unknown;
  for (const set of AUTO_ORDER) {
    try {
      const taken = take(subject, set, asked);
      const [made, wanted] = [taken.made.prompts.length, taken.request.n];
      if (made === wanted) {
        return { ...taken, passed };
      }
      few.push(taken);
      passed.push({ set, why: `${made} of ${wanted} prompts can be made` });
    } catch (error) {
      refusal = error;
      passed.push({ set, why: (error as Error).message });
    }
  }
  if (few.length === 0) {
    throw refusal;
  }
  return { ...few[0], passed: passed.filter(({ set }) => set !== few[0].request.set) };
}

function take(subject: Subject, set: string, asked: PromptSetRequest): Omit<ChosenSet, 'passed'> {
  const request = {
    set,
    counterfactual: asked.counterfactual ?? Object.keys(promptSet(set).counterfactuals)[0],
    n: asked.n ?? DEFAULT_COUNT,
    seed: asked.seed ?? DEFAULT_SEED
  };
  return { request, made: makePrompts(subject, request) };
}
