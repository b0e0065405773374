import { rotationOf, type Rotated } from '../../../src/analyses/circuits/rotation';
import { random } from '../../../src/maths/random';

const WIDTH = 12;
const rotated = (vector: Float64Array, pairs: readonly (readonly [number, number])[], gain = 1): Float64Array => {
  const out = vector.slice();
  pairs.forEach(([i, j], at) => {
    const angle = 3 * 0.6 ** at;
    out[i] = gain * (Math.cos(angle) * vector[i] - Math.sin(angle) * vector[j]);
    out[j] = gain * (Math.sin(angle) * vector[i] + Math.cos(angle) * vector[j]);
  });
  return out;
};

const halves = (count: number) => Array.from({ length: count }, (_, i) => [i, i + count] as const);
const neighbours = (count: number) => Array.from({ length: count }, (_, i) => [2 * i, 2 * i + 1] as const);
const draw = random(5);
const vectors = (count: number): Float64Array[] =>
  Array.from({ length: count }, () => Float64Array.from({ length: WIDTH }, () => draw.below(20001) / 10000 - 1));

const furthest = (a: Float64Array, b: Float64Array): number => Math.max(...a.map((value, d) => Math.abs(value - b[d])));

// Single precision is lost in the file, not here: the fit itself is exact.
const TOLERANCE = 1e-11;

test.each([
  ['halves (GPT-NeoX, Llama)', halves(6), 1],
  ['halves of the first third (partial rotary)', halves(2), 1],
  ['neighbours (GPT-J)', neighbours(6), 1],
  ['neighbours of the first half (ChatGLM)', neighbours(3), 1],
  ['halves with a gain (YaRN)', halves(6), 1.35]
] as const)('%s', (_, pairs, gain) => {
  const seen = (count: number): Rotated => {
    const before = vectors(count);
    return { before, after: before.map(one => rotated(one, pairs, gain)) };
  };
  const turned = rotationOf({ queries: seen(3), keys: seen(2) }, 7);
  vectors(4).forEach(vector => {
    const wanted = rotated(vector, pairs, gain);
    expect(furthest(turned.queries(vector), wanted)).toBeLessThan(TOLERANCE);
    expect(furthest(turned.keys(vector), wanted)).toBeLessThan(TOLERANCE);
  });
});

test('queries that are multiplied by a number before they turn (ESM)', () => {
  const seen = (count: number, factor: number): Rotated => {
    const before = vectors(count);
    return { before, after: before.map(one => rotated(one, halves(6)).map(value => factor * value)) };
  };
  const turned = rotationOf({ queries: seen(3, 0.25), keys: seen(3, 1) }, 7);
  vectors(4).forEach(vector => {
    const wanted = rotated(vector, halves(6));
    expect(
      furthest(
        turned.queries(vector),
        wanted.map(value => 0.25 * value)
      )
    ).toBeLessThan(TOLERANCE);
    expect(furthest(turned.keys(vector), wanted)).toBeLessThan(TOLERANCE);
  });
});

test('refuses what is no rotation of pairs', () => {
  const before = vectors(3);
  const after = before.map(one => one.map((value, d) => value + 0.1 * d));
  expect(() => rotationOf({ queries: { before, after }, keys: { before, after } }, 7)).toThrow(
    /rotation not understood: at position 7 turning pairs of dimensions leaves .* % of the queries and keys unexplained/
  );
});
