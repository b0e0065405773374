import { multiply, type Ranges } from '../../src/anatomy/certificate/multiply';
import { FEW_ROWS, mixture, pickColumns } from '../../src/anatomy/certificate/sample';
import { random } from '../../src/maths/random';

const draw = random(3);
const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, () => draw.next() / 2 ** 31 - 1);

const [ROWS, FROM, TO, HEAD] = [14, 37, 256, 64];
const x = numbers(ROWS * FROM);
const weight = Float32Array.from(numbers(FROM * TO));
const bias = Float32Array.from(numbers(TO));
const transposed = weight.map((_, i) => weight[(i % FROM) * TO + Math.floor(i / FROM)]);
const all: Ranges = [[0, TO]];

/** x · W + b, element by element. */
const product = (w: Float32Array): Float64Array =>
  Float64Array.from({ length: ROWS * TO }, (_, at) => {
    const [row, column] = [Math.floor(at / TO), at % TO];
    let sum = bias[column];
    for (let i = 0; i < FROM; i++) {
      sum += x[row * FROM + i] * w[i * TO + column];
    }
    return sum;
  });

const farthest = (a: Float64Array, b: Float64Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
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
    expect(farthest(found, pickColumns(product(weight), TO, ranges))).toBeLessThan(ROUNDING);
  });

  test('the mixture of the rows is that of the product, its bias counted once', () => {
    const { rows, columns } = mixture(HEAD);
    const ranges = columns(TO);
    const one = multiply({ x: rows(x, FROM), weight: stored, from: FROM, to: TO, transposed: turned, ranges, bias });
    expect(farthest(one, pickColumns(rows(product(weight), TO), TO, ranges))).toBeLessThan(ROUNDING);
  });
});

test('a mixture gives no row less than a fifth or more than two, and all together one', () => {
  for (let rows = 4; rows <= 40; rows++) {
    const factors = Array.from({ length: rows }, (_, at) => {
      const unit = new Float64Array(rows);
      unit[at] = 1;
      return mixture(1).rows(unit, 1)[0];
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
  expect(mixture(1).rows(three, 2)).toEqual(three);
});

test('columns: a quarter of each head, another quarter of the next; small heads whole; never beyond the end', () => {
  expect(mixture(64).columns(256)).toEqual([
    [0, 16],
    [80, 96],
    [160, 176],
    [240, 256]
  ]);
  expect(mixture(16).columns(48)).toEqual([
    [0, 16],
    [16, 32],
    [32, 48]
  ]);
  expect(mixture(256).columns(32)).toEqual([[0, 16]]);
  expect(mixture(256).columns(300)).toEqual([
    [0, 64],
    [256, 300]
  ]);
});

test.each([
  ['two heads exchanged', (column: number) => (column + HEAD < TO ? column + HEAD : column - HEAD)],
  ['columns moved by one', (column: number) => (column + 1) % TO],
  ['the halves of each head exchanged', (column: number) => column ^ (HEAD / 2)]
])('a wrong weight shows in the sample: %s', (_, other) => {
  const wrong = weight.map((_value, at) => weight[Math.floor(at / TO) * TO + other(at % TO)]);
  const { rows, columns } = mixture(HEAD);
  const ranges = columns(TO);
  const file = pickColumns(rows(product(weight), TO), TO, ranges);
  const computed = multiply({ x: rows(x, FROM), weight: wrong, from: FROM, to: TO, transposed: false, ranges, bias });
  expect(farthest(file, computed)).toBeGreaterThan(1e-2 * file.reduce((most, y) => Math.max(most, Math.abs(y)), 0));
});

test('any one row of the product that is wrong shows in the mixture', () => {
  const { rows } = mixture(HEAD);
  const right = rows(product(weight), TO);
  for (let row = 0; row < ROWS; row++) {
    const wrong = product(weight);
    wrong.fill(0, row * TO, (row + 1) * TO);
    expect(farthest(rows(wrong, TO), right)).toBeGreaterThan(0.2);
  }
});

test('where something bends the product, every fifth row is taken whole', () => {
  expect(FEW_ROWS.rows(Float64Array.of(0, 1, 2, 3, 4, 5, 6), 1)).toEqual(Float64Array.of(0, 5));
  expect(FEW_ROWS.columns(300)).toEqual([[0, 300]]);
});
