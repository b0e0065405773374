import { medianMagnitude } from '../../src/maths/median-magnitude';
import { random } from '../../src/maths/random';

const bySorting = (values: Float64Array): number => {
  const sorted = values.map(Math.abs).sort();
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

test('the median of magnitudes is what sorting gives, whatever the order, with ties and signs', () => {
  const draw = random(11);
  const makers: ((at: number) => number)[] = [
    () => draw.next() / 2 ** 31 - 1,
    () => draw.below(3) - 1,
    at => at,
    at => -at,
    () => 5
  ];
  for (const length of [1, 2, 3, 4, 9, 10, 101, 1000]) {
    for (const make of makers) {
      const values = Float64Array.from({ length }, (_, at) => make(at));
      const kept = values.slice();
      expect(medianMagnitude(values)).toBe(bySorting(values));
      expect(values).toEqual(kept);
    }
  }
});

test('nothing has no median', () => {
  expect(medianMagnitude(new Float64Array())).toBeNaN();
});
