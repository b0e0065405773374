/** What the next token is drawn from. */
export interface CandidateChoice {
  /** Logits are divided by it; above 0. */
  readonly temperature: number;
  /** Only so many of the most probable tokens; 0: all. */
  readonly topK: number;
  /** Only the most probable tokens until they hold this share, 0 to 1; at least one. */
  readonly topP: number;
}

export interface Candidates {
  /** Most probable first. */
  readonly ids: readonly number[];
  /** Of each, after the others were left out; they sum to 1. */
  readonly probabilities: readonly number[];
}

/** softmax(logits / temperature), then the k largest, of these as many as hold the share p, divided by what is left; of equal ones the lower id first. */
export function nextCandidates(logits: Float32Array, { temperature, topK, topP }: CandidateChoice): Candidates {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  const kept = topK > 0 ? order.slice(0, topK) : order;
  const weights = kept.map(id => Math.exp((logits[id] - logits[order[0]]) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let [held, count] = [0, 0];
  // The sum of all may be reached in rounding before the last of them.
  while (count < kept.length && (count === 0 || topP >= 1 || held < topP * total)) {
    held += weights[count++];
  }
  return { ids: kept.slice(0, count), probabilities: weights.slice(0, count).map(weight => weight / held) };
}
