import { agreement } from './agreement';
import { capitals } from './capitals';
import { docstring } from './docstring';
import { greaterThan } from './greater-than';
import { induction } from './induction';
import { ioi } from './ioi';
import type { PromptSet } from './prompt-set';
import { pronoun } from './pronoun';

export const PROMPT_SETS: readonly PromptSet[] = [ioi, greaterThan, induction, docstring, agreement, capitals, pronoun];

/** Throws for an id that is none of them. */
export function promptSet(id: string): PromptSet {
  const found = PROMPT_SETS.find(set => set.id === id);
  if (!found) {
    throw new Error(`unknown prompt set '${id}' (known: ${PROMPT_SETS.map(set => set.id).join(', ')})`);
  }
  return found;
}
