import type { Subject } from '../subject/subject';

/** All ids that stand for text: those of the vocabulary without the special tokens. Throws where its size is not known; `what` names the analysis. */
export function plainIds({ tokens, tower }: Subject, what: string): number[] {
  const size = Math.min(tokens?.vocabularySize ?? Infinity, tower.embedding?.rows ?? tower.dVocab ?? Infinity);
  if (!Number.isFinite(size)) {
    throw new Error(
      `${what}: the size of the vocabulary is not known: there is neither a tokenizer nor an unembedding`
    );
  }
  const special = new Set(tokens?.specialIds);
  const ids = Array.from({ length: size }, (_, id) => id).filter(id => !special.has(id));
  if (ids.length < 2) {
    throw new Error(`${what}: ${ids.length} tokens beside the special ones, at least 2 are needed`);
  }
  return ids;
}
