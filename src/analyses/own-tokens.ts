import type { Token, Tokens } from '../tokens/tokens';

/**
 * A text's tokens without what a tokenizer adds around it. A character of several tokens belongs to the first of them, so that the others
 * are as empty as added ones are; an added space in front is empty as well.
 */
export const ownTokens = (tokens: Tokens, text: string): readonly Token[] => {
  const all = tokens.encode(text).tokens;
  const first = all.findIndex(({ start, end }) => end > start);
  return all.filter(
    ({ id, start, end }, at) => end > start || (first >= 0 && at > first && !tokens.specialIds.includes(id))
  );
};
