import type { Subject } from '../subject/subject';

/** Why there are no logits behind what the ids go through, or undefined when there are. */
export function refusesLogits({ tower, anatomy }: Subject): string | undefined {
  if (tower.head && tower.dVocab) {
    return undefined;
  }
  const other = anatomy.towers.find(one => one !== tower && one.name !== tower.name && one.head && one.dVocab);
  return other
    ? `the ids go to its ${tower.name}, which has no unembedding: the logits are its ${other.name}’s, and this analysis does not read them`
    : 'model without unembedding: the graph ends in hidden states, not in logits over a vocabulary';
}
