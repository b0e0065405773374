import type { Subject } from '../../subject/subject';
import { promptsOf } from '../patching/measured-prompts';
import type { Prompts, PromptText } from '../spec/spec';

/** Shown in the form; a model without a tokenizer cannot read them. */
export const DEFAULT_TEXTS = {
  positive: 'I love this\nWhat a wonderful day',
  negative: 'I hate this\nWhat a terrible day'
};

export interface SteeringTexts {
  readonly positive?: string;
  readonly negative?: string;
}

/** The texts of a spec; in the place of the default ones, where there is no tokenizer, lines of ids: the prompts' clean versions and their corrupted ones. */
export function steeringTexts(
  subject: Subject,
  { positive, negative, prompts }: SteeringTexts & { readonly prompts: Prompts }
): SteeringTexts & { readonly ofPrompts: boolean } {
  const untold = positive === DEFAULT_TEXTS.positive && negative === DEFAULT_TEXTS.negative;
  const pairs = subject.tokens || !untold ? [] : promptsOf(subject, prompts);
  if (pairs.length === 0 || pairs.some(({ corrupted }) => corrupted === undefined)) {
    return { positive, negative, ofPrompts: false };
  }
  const lines = (texts: readonly (PromptText | undefined)[]): string => texts.map(String).join('\n');
  return {
    positive: lines(pairs.map(({ clean }) => clean)),
    negative: lines(pairs.map(({ corrupted }) => corrupted)),
    ofPrompts: true
  };
}
