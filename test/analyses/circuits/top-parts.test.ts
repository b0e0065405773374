import { topParts } from '../../../src/analyses/circuits/attribution/top-parts';

const values = [
  [1, -9, 0.5, 0],
  [0.1, 0.2, 0, 0],
  [4, 0, 1, 0.25],
  [0, 0, 0.5, 0]
].map(row => Float64Array.from(row));

test('keeps the largest of both sides in their order, and the sum', () => {
  const top = topParts({ rows: ['a', 'b', 'c', 'd'], columns: ['w', 'x', 'y', 'z'], values }, 2);
  expect(top.rows).toEqual(['a', 'c', 'other (2)']);
  expect(top.columns).toEqual(['w', 'x', 'other (2)']);
  expect(top.values.map(row => [...row])).toEqual([
    [1, -9, 0.5],
    [4, 0, 1.25],
    [0.1, 0.2, 0.5]
  ]);
});

test('a rest of one part keeps its name', () => {
  const top = topParts({ rows: ['a', 'b', 'c', 'd'], columns: ['w', 'x', 'y', 'z'], values }, 3);
  expect(top.rows).toEqual(['a', 'b', 'c', 'd']);
});
