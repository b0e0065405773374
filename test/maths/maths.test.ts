import { fromBase64, toBase64 } from '../../src/maths/base64';
import { entropy, entropyOfLogs } from '../../src/maths/entropy';
import { halfToFloat } from '../../src/maths/half';
import { klDivergence } from '../../src/maths/kl-divergence';
import { logSoftmax } from '../../src/maths/log-softmax';
import { maxPool, poolEdges } from '../../src/maths/pool';
import { topK } from '../../src/maths/top-k';
import { lcg } from './lcg';

/** Computed by numpy in double precision: the row entropies of softmax(8×8 normals of the generator, seed 10). */
const ROW_ENTROPY = [
  1.6998091119550238, 1.2562507444366204, 1.6551387129609676, 1.7320359766371847, 1.9309193170146752, 1.777114148106203,
  1.6443378305012444, 1.7001972322305843
];

describe('distributions', () => {
  test('entropy of a softmax agrees with numpy', () => {
    const stream = lcg(10);
    const logs = ROW_ENTROPY.map(() => logSoftmax(Array.from({ length: 8 }, () => stream.normal())));
    logs.forEach((row, i) => {
      // Double precision on both sides: rounding of eight terms.
      expect(entropy(row.map(Math.exp))).toBeCloseTo(ROW_ENTROPY[i], 12);
      expect(entropyOfLogs(row)).toBeCloseTo(ROW_ENTROPY[i], 12);
    });
  });

  test('log-softmax holds at extreme values', () => {
    expect([...logSoftmax([1000, 1000])]).toEqual([-Math.LN2, -Math.LN2].map(x => expect.closeTo(x, 12)));
    expect([...logSoftmax([0, -Infinity])]).toEqual([0, -Infinity]);
  });

  test('Kullback–Leibler divergence: 0 on itself, the textbook value, and p = 0', () => {
    const p = Float64Array.from([0.36, 0.48, 0.16], Math.log);
    const q = Float64Array.from([1 / 3, 1 / 3, 1 / 3], Math.log);
    expect(klDivergence(p, p)).toBe(0);
    // scipy.stats.entropy([.36, .48, .16], [1/3]*3)
    expect(klDivergence(p, q)).toBeCloseTo(0.0852996013183706, 12);
    expect(klDivergence(Float64Array.of(0, -Infinity), Float64Array.of(-Math.LN2, -Math.LN2))).toBeCloseTo(Math.LN2);
  });
});

describe('topK', () => {
  test('sorts as a full sort does, ties by index', () => {
    expect(topK([1, 5, 5, 2, 9], 3)).toEqual([4, 1, 2]);
    expect(topK([3], 5)).toEqual([0]);
    const stream = lcg(3);
    const values = Array.from({ length: 500 }, () => stream.uniform());
    const sorted = values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
    expect(topK(values, 20)).toEqual(sorted.slice(0, 20));
  });
});

describe('pool', () => {
  test('the first position stands alone and the rest is shared out', () => {
    expect(poolEdges(10, 4)).toEqual([0, 1, 4, 7, 10]);
    expect(poolEdges(5, 5)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(poolEdges(1, 1)).toEqual([0, 1]);
  });

  test('keeps the largest weight of each group', () => {
    const [rows, columns] = [7, 10];
    const matrix = Float32Array.from({ length: rows * columns }, (_, i) => ((i * 37) % 53) / 53);
    const [down, across] = [poolEdges(rows, 3), poolEdges(columns, 4)];
    const pooled = maxPool(matrix, [rows, columns], [3, 4]);
    expect(pooled).toHaveLength(12);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 4; j++) {
        let largest = 0;
        for (let row = down[i]; row < down[i + 1]; row++) {
          for (let column = across[j]; column < across[j + 1]; column++) {
            largest = Math.max(largest, matrix[row * columns + column]);
          }
        }
        expect(pooled[i * 4 + j]).toBe(largest);
      }
    }
  });
});

describe('encodings', () => {
  test('base64 agrees with Node', () => {
    for (const size of [0, 1, 2, 3, 100000]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(toBase64(bytes), size)).toEqual(bytes);
    }
  });

  test('base64 refuses other characters and too much', () => {
    expect(() => fromBase64('<b>=', 10)).toThrow('base64');
    expect(() => fromBase64('AAAAAAAA', 2)).toThrow('more than 2 bytes');
  });

  test('half precision agrees with numpy.float16', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x7c00, 0x8000);
    expect([...halfToFloat(bits)]).toEqual([1, -2, 65504, 5.960464477539063e-8, 0.333251953125, Infinity, -0]);
  });
});
