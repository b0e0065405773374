import { multiply, type Ranges } from '../../src/anatomy/certificate/multiply';
import { fewRows, mixture } from '../../src/anatomy/certificate/sample';
import { random } from '../../src/maths/random';
import type { Numbers } from '../../src/onnx/numbers';

const draw = random(3);
const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, () => draw.next() / 2 ** 31 - 1);

const [ROWS, FROM, TO, HEAD] = [14, 37, 256, 64];
const x = numbers(ROWS * FROM);
const weight = Float32Array.from(numbers(FROM * TO));
const bias = Float32Array.from(numbers(TO));
const transposed = weight.map((_, i) => weight[(i % FROM) * TO + Math.floor(i / FROM)]);
const all: Ranges = [[0, TO]];

/** x · W + b, element by element. */
const product = (w: Numbers): Float64Array =>
  Float64Array.from({ length: ROWS * TO }, (_, at) => {
    const [row, column] = [Math.floor(at / TO), at % TO];
    let sum = bias[column];
    for (let i = 0; i < FROM; i++) {
      sum += x[row * FROM + i] * w[i * TO + column];
    }
    return sum;
  });

/** The columns of each row of [rows, TO]. */
const pickColumns = (y: Numbers, ranges: Ranges): Float64Array =>
  Float64Array.from(y).filter((_, at) => ranges.some(([start, end]) => at % TO >= start && at % TO < end));

const farthest = (a: Numbers, b: Numbers): number => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
};

// float64 in another order: 37 products of size 1, and factors of the mixture up to 2.
const ROUNDING = 1e-12;

describe.each([
  ['[in, out]', weight, false],
  ['[out, in]', transposed, true]
])('a weight stored %s', (_, stored, turned) => {
  test.each([
    ['all columns', all],
    ['some of them', [[3, 5] as const, [17, 40] as const, [255, 256] as const]]
  ])('%s: each row as by the definition', (_columns, ranges) => {
    const found = multiply({ x, weight: stored, from: FROM, to: TO, transposed: turned, ranges, bias });
    expect(farthest(found, pickColumns(product(weight), ranges))).toBeLessThan(ROUNDING);
  });

  test('the mixture of the rows is that of the product, its bias counted once', () => {
    const mixed = mixture(x, FROM);
    const one = multiply({ x: mixed, weight: stored, from: FROM, to: TO, transposed: turned, ranges: all, bias });
    expect(farthest(one, mixture(product(weight), TO))).toBeLessThan(ROUNDING);
  });
});

test.each([
  ['more columns than are multiplied at a time', 11, 9001],
  ['a column of more numbers than are multiplied at a time', 33001, 3]
])('%s', (_, from, to) => {
  const [wide, read] = [Float32Array.from(numbers(from * to)), numbers(2 * from)];
  const turned = wide.map((_value, at) => wide[(at % from) * to + Math.floor(at / from)]);
  const ranges: Ranges = [[1, to - 1]];
  const wanted = Float64Array.from({ length: 2 * (to - 2) }, (_value, at) => {
    const [row, column] = [Math.floor(at / (to - 2)), 1 + (at % (to - 2))];
    let sum = 0;
    for (let i = 0; i < from; i++) {
      sum += read[row * from + i] * wide[i * to + column];
    }
    return sum;
  });
  for (const [transposed, stored] of [
    [false, wide],
    [true, turned]
  ] as const) {
    const found = multiply({ x: read, weight: stored, from, to, transposed, ranges, bias: undefined });
    expect(farthest(found, wanted)).toBeLessThan(ROUNDING * Math.sqrt(from));
  }
});

test.each([false, true])('a weight in double precision, transposed: %s', turned => {
  const precise = numbers(FROM * TO);
  const stored = turned ? precise.map((_, i) => precise[(i % FROM) * TO + Math.floor(i / FROM)]) : precise;
  const ranges: Ranges = [
    [3, 5],
    [17, 40]
  ];
  const found = multiply({ x, weight: stored, from: FROM, to: TO, transposed: turned, ranges, bias });
  expect(farthest(found, pickColumns(product(precise), ranges))).toBeLessThan(ROUNDING);
});

test('a mixture gives no row less than a fifth or more than two, and all together one', () => {
  for (let rows = 4; rows <= 40; rows++) {
    const factors = Array.from({ length: rows }, (_, at) => {
      const unit = new Float64Array(rows);
      unit[at] = 1;
      return mixture(unit, 1)[0];
    });
    expect(factors.reduce((sum, factor) => sum + factor, 0)).toBeCloseTo(1, 12);
    factors.forEach(factor => {
      expect(Math.abs(factor)).toBeGreaterThan(0.2);
      expect(Math.abs(factor)).toBeLessThan(2);
    });
  }
});

test('three rows are not mixed', () => {
  const three = Float64Array.of(1, 2, 3, 4, 5, 6);
  expect(mixture(three, 2)).toEqual(three);
});

test.each([
  ['two heads exchanged', (column: number) => (column + HEAD < TO ? column + HEAD : column - HEAD)],
  ['columns moved by one', (column: number) => (column + 1) % TO],
  ['the halves of each head exchanged', (column: number) => column ^ (HEAD / 2)],
  ['one column that is its neighbour', (column: number) => (column === 201 ? 200 : column)]
])('a wrong weight shows in the mixture: %s', (_, other) => {
  const wrong = weight.map((_value, at) => weight[Math.floor(at / TO) * TO + other(at % TO)]);
  const file = mixture(product(weight), TO);
  const mixed = mixture(x, FROM);
  const computed = multiply({ x: mixed, weight: wrong, from: FROM, to: TO, transposed: false, ranges: all, bias });
  expect(farthest(file, computed)).toBeGreaterThan(1e-2 * Math.max(...Array.from(file, Math.abs)));
});

test('any one row of the product that is wrong shows in the mixture', () => {
  const right = mixture(product(weight), TO);
  for (let row = 0; row < ROWS; row++) {
    const wrong = product(weight);
    wrong.fill(0, row * TO, (row + 1) * TO);
    expect(farthest(mixture(wrong, TO), right)).toBeGreaterThan(0.2);
  }
});

test('where something bends the product, every fifth row is taken whole', () => {
  expect(fewRows(Float64Array.of(0, 1, 2, 3, 4, 5, 6), 1)).toEqual(Float64Array.of(0, 5));
});
