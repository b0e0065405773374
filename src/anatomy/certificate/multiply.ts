import type { Numbers } from '../../onnx/numbers';

/** Columns from, and before which, in order. */
export type Ranges = readonly (readonly [number, number])[];

export interface Product {
  /** [rows, from] */
  readonly x: Numbers;
  /** [from, to], or [to, from] where it is transposed. */
  readonly weight: Numbers;
  readonly from: number;
  readonly to: number;
  readonly transposed: boolean;
  /** Columns that are multiplied, in order. */
  readonly ranges: Ranges;
  /** [to] */
  readonly bias: Numbers | undefined;
}

/** x · W + b in float64, the columns of the ranges one after another. A weight is read once for all rows that are multiplied together. */
export const multiply = (product: Product): Float64Array => {
  const { x, from, transposed, ranges, bias } = product;
  const rows = x.length / from;
  const width = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const out = new Float64Array(rows * width);
  const rowOf = (r: number): Float64Array => out.subarray(r * width, (r + 1) * width);
  const [one, three] = transposed ? [oneByColumn, threeByColumn] : [oneByRow, threeByRow];
  for (let r = 0; r < rows; r += r + TOGETHER <= rows ? TOGETHER : 1) {
    if (r + TOGETHER <= rows) {
      three(product, r, [rowOf(r), rowOf(r + 1), rowOf(r + 2)]);
    } else {
      one(product, r, rowOf(r));
    }
  }
  for (let r = 0; bias && r < rows; r++) {
    addBias(rowOf(r), bias, ranges);
  }
  return out;
};

const TOGETHER = 3;

const addBias = (out: Float64Array, bias: Numbers, ranges: Ranges): void => {
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c++) {
      out[at++] += bias[c];
    }
  }
};

/** Rows of W that are added up at a time: so often fewer is a sum read and written again. */
const ROWS = 8;

/** W stored [in, out]: its rows are added up in the order in which they lie in memory. */
const oneByRow = ({ x, weight: w, from, to, ranges }: Product, r: number, out: Float64Array): void => {
  const row = x.subarray(r * from, (r + 1) * from);
  let i = 0;
  for (; i + ROWS <= from; i += ROWS) {
    const [a, b, d, e] = [row[i], row[i + 1], row[i + 2], row[i + 3]];
    const [f, g, h, k] = [row[i + 4], row[i + 5], row[i + 6], row[i + 7]];
    let at = 0;
    for (const [start, end] of ranges) {
      const last = i * to + end;
      for (let c = i * to + start; c < last; c++) {
        const first = a * w[c] + b * w[c + to] + d * w[c + 2 * to] + e * w[c + 3 * to];
        out[at++] += first + (f * w[c + 4 * to] + g * w[c + 5 * to] + h * w[c + 6 * to] + k * w[c + 7 * to]);
      }
    }
  }
  for (; i < from; i++) {
    let at = 0;
    for (const [start, end] of ranges) {
      for (let c = start; c < end; c++) {
        out[at++] += row[i] * w[i * to + c];
      }
    }
  }
};

const threeByRow = ({ x, weight, from, to, ranges }: Product, r: number, outs: readonly Float64Array[]): void => {
  const [one, two, three] = outs;
  for (let i = 0; i < from; i++) {
    const [a, b, d] = [x[r * from + i], x[(r + 1) * from + i], x[(r + 2) * from + i]];
    let at = 0;
    for (const [start, end] of ranges) {
      const last = i * to + end;
      for (let c = i * to + start; c < last; c++) {
        const w = weight[c];
        one[at] += a * w;
        two[at] += b * w;
        three[at++] += d * w;
      }
    }
  }
};

/** W stored [out, in]: one dot product for each column of W, in four sums, none of which waits for another. */
const oneByColumn = ({ x, weight: w, from, ranges }: Product, r: number, out: Float64Array): void => {
  const row = x.subarray(r * from, (r + 1) * from);
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start * from; c < end * from; c += from) {
      let [a, b, d, e] = [0, 0, 0, 0];
      let i = 0;
      for (; i + 4 <= from; i += 4) {
        a += row[i] * w[c + i];
        b += row[i + 1] * w[c + i + 1];
        d += row[i + 2] * w[c + i + 2];
        e += row[i + 3] * w[c + i + 3];
      }
      for (; i < from; i++) {
        a += row[i] * w[c + i];
      }
      out[at++] = a + b + (d + e);
    }
  }
};

const threeByColumn = ({ x, weight, from, ranges }: Product, r: number, outs: readonly Float64Array[]): void => {
  const [one, two, three] = [0, 1, 2].map(k => x.subarray((r + k) * from, (r + k + 1) * from));
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c++) {
      let [a, b, d] = [0, 0, 0];
      for (let i = 0; i < from; i++) {
        const w = weight[c * from + i];
        a += one[i] * w;
        b += two[i] * w;
        d += three[i] * w;
      }
      [outs[0][at], outs[1][at], outs[2][at]] = [a, b, d];
      at++;
    }
  }
};
