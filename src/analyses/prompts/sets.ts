import { agreement } from './agreement';
import { capitals } from './capitals';
import { docstring } from './docstring';
import { greaterThan } from './greater-than';
import { induction } from './induction';
import { ioi } from './ioi';
import type { PromptSet } from './prompt-set';
import { pronoun } from './pronoun';

export const PROMPT_SETS: readonly PromptSet[] = [ioi, greaterThan, induction, docstring, agreement, capitals, pronoun];

/** Stands for the first set that the model's tokenizer can say. */
export const AUTO = 'auto';

/** In which order `auto` tries them; the last needs no words. */
export const AUTO_ORDER: readonly string[] = [
  'ioi',
  'greater-than',
  'agreement',
  'capitals',
  'pronoun',
  'docstring',
  'induction'
];

/** What a spec may name. */
export const REQUESTED_SETS: readonly Pick<PromptSet, 'id' | 'title' | 'counterfactuals'>[] = [
  {
    id: AUTO,
    title: `The first of ${AUTO_ORDER.join(', ')} whose words are single tokens of the model`,
    counterfactuals: {}
  },
  ...PROMPT_SETS
];

/** Throws for an id that is none of them. */
export function promptSet(id: string): PromptSet {
  const found = PROMPT_SETS.find(set => set.id === id);
  if (!found) {
    throw new Error(`unknown prompt set '${id}' (known: ${PROMPT_SETS.map(set => set.id).join(', ')})`);
  }
  return found;
}
