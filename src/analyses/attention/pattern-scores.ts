import type { AtlasScore } from '../../figures/figure';
import { headStatistics } from './attention-statistics';
import { cellsOf } from '../circuits/kinds/head-kinds';
import { kindScores } from '../circuits/kinds/kind-scores';
import type { LayerPattern } from './pattern-runs';

/** Of one head on one text, from its whole pattern; NaN where the text has no such cells. */
export interface PatternScore {
  readonly id: 'entropy' | 'distance' | 'sink' | 'previous-token' | 'current-token' | 'duplicate-token' | 'induction';
  readonly label: string;
  readonly what: string;
}

/** In the order in which they are saved. */
export const PATTERN_SCORES: readonly PatternScore[] = [
  { id: 'entropy', label: 'Entropy', what: 'entropy of a row by the largest it can have, mean of the rows, 0 to 1' },
  { id: 'distance', label: 'Distance', what: 'tokens between query and key, mean by weight' },
  { id: 'sink', label: 'First token', what: 'weight on the first token from later ones, 0 to 1' },
  { id: 'previous-token', label: 'Previous token', what: 'weight on the token before, 0 to 1' },
  { id: 'current-token', label: 'Current token', what: 'weight on the token itself, 0 to 1' },
  { id: 'duplicate-token', label: 'Duplicate token', what: 'weight on the same token elsewhere, 0 to 1' },
  { id: 'induction', label: 'Induction', what: 'weight on tokens after the same token elsewhere, 0 to 1' }
];

/** The local kind is not asked for: none of its cells. */
const NO_WINDOW = 0;

/** The scores of each head of a pattern, [head][score]. `ids` are the tokens that the pattern was read on. */
export function patternScorer(
  ids: readonly number[],
  causal: boolean
): (pattern: LayerPattern, head: number) => readonly number[] {
  const cells = cellsOf({ ids, causal }, NO_WINDOW);
  const none = { first: false, current: false };
  return (pattern, head) => {
    const { length, weights } = pattern;
    const own = weights.subarray(head * length * length, (head + 1) * length * length);
    const kinds = kindScores(own, length, cells, none);
    const { normalised: entropy, distance, sink } = headStatistics(pattern, head, causal);
    const found: Readonly<Record<PatternScore['id'], number>> = {
      entropy,
      distance,
      sink,
      'previous-token': kinds[0].weight,
      'duplicate-token': kinds[1].weight,
      induction: kinds[2].weight,
      'current-token': kinds[3].weight
    };
    return PATTERN_SCORES.map(({ id }) => found[id]);
  };
}

/** For the atlas; scores that no head has on this text are left out. `values` [score, head of all]. */
export function atlasScores(values: Float32Array): AtlasScore[] {
  const each = values.length / PATTERN_SCORES.length;
  return PATTERN_SCORES.map(({ id, label, what }, at) => ({
    id,
    label,
    what,
    values: values.subarray(at * each, (at + 1) * each)
  })).filter(score => score.values.some(Number.isFinite));
}
