import type { Subject } from '../../subject/subject';
import type { PromptText } from '../spec/spec';

/** A prompt as a model that fills masks reads it: the answer's place is a mask, and the sentence ends behind it. Others read it as it is. */
export function masked({ tokens, tower }: Subject, prompt: PromptText): PromptText {
  if (tower.causal || tokens?.maskId === undefined) {
    return prompt;
  }
  return typeof prompt === 'string' ? `${prompt} ${tokens.label(tokens.maskId)}.` : [...prompt, tokens.maskId];
}
