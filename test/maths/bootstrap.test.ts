import { bootstrapMean, resamples } from '../../src/maths/bootstrap';
import { random } from '../../src/maths/random';

const VALUES = [0.2, 1.5, -0.7, 3.1];

/** All 4⁴ resamples, each as likely as another: what the bootstrap draws from. */
const every = Array.from({ length: 256 }, (_, at) =>
  Int32Array.from({ length: 4 }, (__, place) => Math.floor(at / 4 ** place) % 4)
);

test('of all resamples: NumPy’s quantile of their means', () => {
  // numpy.quantile([mean(r) for r in itertools.product(VALUES, repeat=4)], [0.025, 0.975])
  const { low, high } = bootstrapMean(VALUES, every, 0.95);
  expect(low).toBeCloseTo(-0.25, 12);
  expect(high).toBeCloseTo(2.375, 12);
});

test('of drawn ones: close to it, the same for the same seed', () => {
  const draw = () => bootstrapMean(VALUES, resamples(4, 4000, random(3)), 0.95);
  expect(draw()).toEqual(draw());
  // The means are 35 numbers, some 0.2 apart: an end may fall on a neighbour.
  expect(Math.abs(draw().low + 0.25)).toBeLessThan(0.25);
  expect(Math.abs(draw().high - 2.375)).toBeLessThan(0.25);
});

test('of one value: the value', () => {
  expect(bootstrapMean([2.5], resamples(1, 10, random(0)), 0.95)).toEqual({ low: 2.5, high: 2.5 });
});
