import type { Input, Subject, TextOrIds } from '../../subject/subject';
import { METRICS, type MetricId } from './metric';
import { ownTokens } from '../own-tokens';
import { shortText } from '../short-text';
import { answerPlace } from './answer-place';
import { chooseSet } from '../prompts/choose-set';
import type { Prompt, Prompts, PromptSetRequest, PromptText } from '../spec/spec';

/** A prompt in tokens. */
export interface MeasuredPrompt {
  readonly clean: Input;
  readonly corrupted: Input;
  /** Position whose logits are read. */
  readonly answerAt: number;
  /** Ids; empty where the metric needs none. */
  readonly correct: readonly number[];
  readonly wrong: readonly number[];
  readonly weights: readonly { readonly id: number; readonly weight: number }[];
}

/**
 * Prompts read with the model's tokenizer. Throws where an encoder's have no mask, or several, where clean and corrupted differ in length (both tokenisations are shown), where prompts do, where an
 * answer is not one token, where the metric needs an answer that is not there, and where both sides are the same.
 */
export function measuredPrompts(
  subject: Subject,
  prompts: Prompts | CleanOf,
  metric: MetricId,
  pairs: boolean
): readonly MeasuredPrompt[] {
  const measured = promptsOf(subject, prompts).map((prompt, at) =>
    measure(subject, prompt, metric, pairs, `prompts[${at}]`)
  );
  const [first] = measured;
  const other = measured.findIndex(({ clean }) => clean.ids.length !== first.clean.ids.length);
  if (other >= 0) {
    throw new Error(
      `prompts of different lengths: prompts[0] has ${first.clean.ids.length} tokens (${shown(first.clean)}), ` +
        `prompts[${other}] has ${measured[other].clean.ids.length} (${shown(measured[other].clean)})`
    );
  }
  return measured;
}

/** A prompt of a set whose prompts may differ in length, and which of them it is. */
export interface PlacedPrompt extends MeasuredPrompt {
  readonly index: number;
}

/** The same of prompts that may differ in length: in groups of one length, the order kept. */
export function measuredGroups(
  subject: Subject,
  prompts: readonly Prompt[],
  metric: MetricId,
  pairs: boolean
): readonly (readonly PlacedPrompt[])[] {
  const groups = new Map<number, PlacedPrompt[]>();
  prompts.forEach((prompt, index) => {
    const measured = { ...measure(subject, prompt, metric, pairs, `prompts[${index}]`), index };
    const { length } = measured.clean.ids;
    groups.set(length, [...(groups.get(length) ?? []), measured]);
  });
  return [...groups.values()];
}

/** A set of prompts of which the corrupted versions are left out. */
interface CleanOf {
  readonly cleanOf: PromptSetRequest;
}

/** For what looks at one run: corrupted versions are not even read. */
export const cleanOnly = (prompts: Prompts): readonly Prompt[] | CleanOf =>
  'set' in prompts ? { cleanOf: prompts } : prompts.map(({ clean, answer }) => ({ clean, ...(answer && { answer }) }));

/** A set is made for the model's tokenizer. */
export const promptsOf = (subject: Subject, prompts: Prompts | CleanOf): readonly Prompt[] =>
  'cleanOf' in prompts
    ? promptsOf(subject, cleanOnly(chooseSet(subject, prompts.cleanOf).made.prompts))
    : 'set' in prompts
      ? chooseSet(subject, prompts).made.prompts
      : prompts;

const measure = (subject: Subject, prompt: Prompt, metric: MetricId, pairs: boolean, at: string): MeasuredPrompt => {
  const clean = read(subject, prompt.clean, `${at}.clean`);
  if (pairs && prompt.corrupted === undefined) {
    throw new Error(`corrupted prompt missing: ${at} has only a clean one`);
  }
  const corrupted = prompt.corrupted === undefined ? clean : read(subject, prompt.corrupted, `${at}.corrupted`);
  if (clean.ids.length !== corrupted.ids.length) {
    throw new Error(
      `prompts not aligned: ${at} has ${clean.ids.length} tokens clean and ${corrupted.ids.length} corrupted; ` +
        `clean ${shown(clean)}; corrupted ${shown(corrupted)}`
    );
  }
  if (pairs && clean.ids.join() === corrupted.ids.join()) {
    throw new Error(`prompts equal: clean and corrupted of ${at} are the same tokens`);
  }
  return {
    clean,
    corrupted,
    answerAt: answerPlace(subject, clean, corrupted, at),
    ...answerOf(subject, prompt, metric, at)
  };
};

const read = (subject: Subject, words: PromptText, at: string): Input =>
  inputAt(subject, typeof words === 'string' ? { text: words } : { ids: words }, at);

/** What a prompt is refused for, with its place. */
const inputAt = (subject: Subject, given: TextOrIds, at: string): Input => {
  try {
    return subject.input(given);
  } catch (error) {
    throw new Error(`${(error as Error).message}, in ${at}`, { cause: error });
  }
};

/** 'The| cat| sat', cut in the middle of long ones. */
const shown = ({ labels }: Input): string =>
  labels.length <= 40 ? labels.join('|') : `${labels.slice(0, 20).join('|')}|…|${labels.slice(-19).join('|')}`;

/** Sides of an answer that a metric looks at. */
const NEEDED = { both: ['correct', 'wrong'], correct: ['correct'], weights: ['weights'] } as const;

const answerOf = (
  subject: Subject,
  { answer }: Prompt,
  metric: MetricId,
  at: string
): Pick<MeasuredPrompt, 'correct' | 'wrong' | 'weights'> => {
  const needs = METRICS[metric].answer;
  if (needs === 'none') {
    return { correct: [], wrong: [], weights: [] };
  }
  const lacking = NEEDED[needs].find(side => answer?.[side] === undefined);
  if (answer === undefined || lacking !== undefined) {
    const what = answer === undefined ? 'an answer' : `tokens in '${lacking}'`;
    throw new Error(`answer missing: the metric '${metric}' needs ${what} of ${at}`);
  }
  const weights = (answer.weights ?? []).map(({ token, weight }) => ({
    id: tokenOf(subject, token, `${at}.answer.weights`),
    weight
  }));
  const [correct, wrong] = [answer.correct ?? [], answer.wrong ?? []].map((side, which) =>
    side.map(token => tokenOf(subject, token, `${at}.answer.${which ? 'wrong' : 'correct'}`))
  );
  const both = needs === 'both' ? correct.find(id => wrong.includes(id)) : undefined;
  if (both !== undefined) {
    const text = subject.tokens ? ` '${shortText(subject.tokens.label(both), 40)}'` : '';
    throw new Error(`answers equal: token ${both}${text} is correct and wrong in ${at}`);
  }
  return { correct, wrong, weights };
};

const tokenOf = (subject: Subject, token: string | number, at: string): number => {
  if (typeof token === 'number') {
    return inputAt(subject, { ids: [token] }, at).ids[0];
  }
  const [only, ...more] = subject.tokens ? ownTokens(subject.tokens, token) : [];
  if (only === undefined) {
    throw new Error(`answer without tokens: '${shortText(token, 40)}' in ${at}, give ids where there is no tokenizer`);
  }
  if (more.length > 0) {
    const parts = shortText([only, ...more].map(({ label }) => label).join('|'), 80);
    throw new Error(
      `answer of several tokens: '${shortText(token, 40)}' in ${at} is ${more.length + 1} tokens (${parts})`
    );
  }
  return inputAt(subject, { ids: [only.id] }, at).ids[0];
};
