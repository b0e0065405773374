import { pickSeveral, type PromptSet } from './prompt-set';

/** Tokens of the block, which is begun again; fewer where the vocabulary or the positions are few. */
const [LENGTH, LEAST] = [12, 4];

export const induction: PromptSet = {
  id: 'induction',
  title: 'Induction: random tokens, begun again',
  reference: 'Olsson et al. 2022, arXiv 2209.11895',
  counterfactuals: {
    successor: 'another token follows in the first copy',
    fresh: 'the first copy is other random tokens'
  },
  prepare(_, counterfactual, { tokens, tower, facts, maxPositions }) {
    const size = Math.min(tokens?.vocabularySize ?? Infinity, tower.embedding?.rows ?? tower.dVocab ?? Infinity);
    const special = new Set(tokens?.specialIds);
    const ids = Number.isFinite(size)
      ? Array.from({ length: size }, (__, id) => id).filter(id => !special.has(id))
      : [];
    // The block and as many others; the block begun again behind a first token.
    const room = Math.floor((Math.min(ids.length, maxPositions ?? Infinity) - 1) / 2);
    const length = Math.min(LENGTH, room);
    if (length < LEAST) {
      const least = 2 * LEAST + 1;
      throw new Error(
        `prompt set empty: '${facts.label}' has ${ids.length} tokens and ${maxPositions ?? 'any number of'} positions, 'induction' needs ${least} tokens and ${least} positions`
      );
    }
    const [first] = tokens?.encode('a').ids ?? [];
    const start = first !== undefined && first === tokens?.bosId ? [first] : [];
    return random => {
      const block = pickSeveral(random, ids, length);
      const others = pickSeveral(
        random,
        ids.filter(id => !block.includes(id)),
        length
      );
      const at = 2 + random.below(length - 3);
      const again = block.slice(0, at);
      const corrupted =
        counterfactual === 'fresh' ? others : block.map((id, place) => (place === at ? others[at] : id));
      return {
        clean: [...start, ...block, ...again],
        corrupted: [...start, ...corrupted, ...again],
        correct: [block[at]],
        wrong: [others[at]]
      };
    };
  }
};
