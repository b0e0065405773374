import { distanceShare } from '../../../src/analyses/circuits/kinds/distance-share';
import { cellsOf, HEAD_KINDS } from '../../../src/analyses/circuits/kinds/head-kinds';
import { kindScores } from '../../../src/analyses/circuits/kinds/kind-scores';
import { uniformAttention } from '../../../src/analyses/circuits/kinds/uniform-attention';
import { uniformShare } from '../../../src/analyses/circuits/kinds/uniform-share';

const IDS = [5, 6, 5, 6, 6];
const NONE = { first: false, current: false };

const cells = (causal: boolean): Record<string, string[]> => {
  const all = cellsOf({ ids: IDS, causal }, 2);
  return Object.fromEntries(
    HEAD_KINDS.map(({ id }, kind) => [id, Array.from(all[kind], cell => `${Math.floor(cell / 5)}→${cell % 5}`)])
  );
};

test('where heads of each kind look, causal', () => {
  expect(cells(true)).toEqual({
    'previous-token': ['1→0', '2→1', '3→2', '4→3'],
    'duplicate-token': ['2→0', '3→1', '4→1', '4→3'],
    induction: ['2→1', '3→2', '4→2', '4→4'],
    'current-token': ['0→0', '1→1', '2→2', '3→3', '4→4'],
    'first-token': ['1→0', '2→0', '3→0', '4→0'],
    local: ['0→0', '1→0', '1→1', '2→1', '2→2', '3→2', '3→3', '4→3', '4→4']
  });
});

test('and on both sides', () => {
  const { 'duplicate-token': duplicate, induction } = cells(false);
  expect(duplicate).toEqual(['0→2', '1→3', '1→4', '2→0', '3→1', '3→4', '4→1', '4→3']);
  expect(induction).toEqual(['0→3', '1→4', '2→1', '3→2', '4→2', '4→4']);
});

const LENGTH = 12;
const pattern = (key: (query: number) => number): Float32Array => {
  const weights = new Float32Array(LENGTH ** 2);
  for (let query = 0; query < LENGTH; query++) {
    weights[query * LENGTH + key(query)] = 1;
  }
  return weights;
};

test('an ideal head scores 1, one that looks elsewhere 0 and −1', () => {
  const [previous] = cellsOf({ ids: Array.from({ length: LENGTH }, (_, id) => id), causal: true }, 3);
  const ideal = kindScores(
    pattern(query => Math.max(0, query - 1)),
    LENGTH,
    [previous],
    NONE
  )[0];
  expect(ideal.weight).toBe(1);
  expect(ideal.mul).toBeCloseTo(11 / 12, 12);
  expect(ideal.abs).toBeCloseTo(1 - 1 / 12, 12);
  const current = kindScores(
    pattern(query => query),
    LENGTH,
    [previous],
    NONE
  )[0];
  expect(current).toEqual({ weight: 0, mul: 0, abs: 1 - 23 / 12 });
});

test('distance explains all of a previous-token head, and little of a sink or a scattered look', () => {
  expect(
    distanceShare(
      pattern(query => Math.max(0, query - 1)),
      LENGTH,
      true
    )
  ).toBeCloseTo(1, 6);
  expect(
    distanceShare(
      pattern(query => Math.max(0, query - 4)),
      LENGTH,
      true
    )
  ).toBeGreaterThan(0.6);
  expect(
    distanceShare(
      pattern(() => 0),
      LENGTH,
      true
    )
  ).toBeLessThan(0.45);
  expect(
    distanceShare(
      pattern(query => [0, 0, 2, 1, 0, 5, 1, 4, 8, 2, 9, 3][query]),
      LENGTH,
      true
    )
  ).toBeLessThan(0.45);
  // Without a mask a head that looks everywhere alike looks by distance.
  expect(distanceShare(new Float32Array(LENGTH ** 2).fill(1 / LENGTH), LENGTH, false)).toBeCloseTo(1, 6);
});

test('what a pattern has in common with looking everywhere alike', () => {
  [true, false].forEach(causal =>
    expect(uniformShare(uniformAttention(LENGTH, causal), LENGTH, causal)).toBeCloseTo(1, 6)
  );
  // Of each row one cell of 1/seen.
  const harmonic = Array.from({ length: LENGTH - 1 }, (_, at) => 1 / (at + 2)).reduce((sum, term) => sum + term, 0);
  expect(
    uniformShare(
      pattern(() => 0),
      LENGTH,
      true
    )
  ).toBeCloseTo(harmonic / (LENGTH - 1), 6);
});
