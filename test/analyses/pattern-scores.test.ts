import { PATTERN_SCORES, atlasScores, patternScorer } from '../../src/analyses/attention/pattern-scores';

const IDS = [5, 6, 5, 6];
/** Causal rows of one head on 'a b a b'. */
const ROWS = [
  [1, 0, 0, 0],
  [0.5, 0.5, 0, 0],
  [0.2, 0.7, 0.1, 0],
  [0.1, 0.2, 0.3, 0.4]
];
const pattern = { row: 0, layer: 0, heads: 1, length: 4, weights: Float32Array.from(ROWS.flat()) };

test('scores of a head are those of its cells, by hand', () => {
  const values = patternScorer(IDS, true)(pattern, 0);
  const entropy = (row: readonly number[]): number => row.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
  const expected = {
    // Rows 1 to 3, each by the largest entropy of as many keys as it sees.
    entropy: [1, 2, 3].reduce((sum, t) => sum + entropy(ROWS[t]) / Math.log(t + 1), 0) / 3,
    distance: (0.5 * 1 + (0.2 * 2 + 0.7) + (0.1 * 3 + 0.2 * 2 + 0.3)) / 3,
    sink: (0.5 + 0.2 + 0.1) / 3,
    'previous-token': (0.5 + 0.7 + 0.3) / 3,
    'current-token': (1 + 0.5 + 0.1 + 0.4) / 4,
    // 'a' at 2 sees 'a' at 0, 'b' at 3 sees 'b' at 1.
    'duplicate-token': (0.2 + 0.2) / 2,
    // After 'a' at 0 comes 1, after 'b' at 1 comes 2.
    induction: (0.7 + 0.3) / 2
  };
  PATTERN_SCORES.forEach(({ id }, at) => expect(values[at]).toBeCloseTo(expected[id], 6));
});

test('a text without repeats has no induction, and the score is not offered', () => {
  const scorer = patternScorer([1, 2, 3, 4], true);
  const values = Float32Array.from(scorer(pattern, 0));
  expect(atlasScores(values).map(({ id }) => id)).toEqual([
    'entropy',
    'distance',
    'sink',
    'previous-token',
    'current-token'
  ]);
});

test('one token alone has neither entropy nor a sink', () => {
  const alone = { row: 0, layer: 0, heads: 1, length: 1, weights: Float32Array.of(1) };
  for (const causal of [true, false]) {
    const found = atlasScores(Float32Array.from(patternScorer([3], causal)(alone, 0))).map(({ id }) => id);
    expect(found).toContain('current-token');
    expect(found).not.toContain('sink');
    expect(found).not.toContain('entropy');
  }
});
