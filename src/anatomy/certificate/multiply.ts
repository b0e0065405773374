/** Columns from, and before which, in order. */
export type Ranges = readonly (readonly [number, number])[];

export interface Product {
  /** [rows, from] */
  readonly x: Float64Array;
  /** [from, to], or [to, from] where it is transposed. */
  readonly weight: Float32Array | Float64Array;
  readonly from: number;
  readonly to: number;
  readonly transposed: boolean;
  /** Columns that are multiplied, in order. */
  readonly ranges: Ranges;
  /** [to] */
  readonly bias: Float32Array | Float64Array | undefined;
}

/** x · W + b in float64, the columns of the ranges one after another. */
export const multiply = (product: Product): Float64Array => {
  const { x, from, transposed, ranges, bias } = product;
  const rows = x.length / from;
  const columns = ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
  const width = columns.length;
  const out = new Float64Array(rows * width);
  for (let i = 0; bias && i < out.length; i++) {
    out[i] = bias[columns[i % width]];
  }
  const rowOf = (r: number): Float64Array => out.subarray(r * width, (r + 1) * width);
  const [one, three] = transposed ? [oneByColumn, threeByColumn] : [oneByRow, threeByRow];
  for (let r = 0; r < rows; r += r + TOGETHER <= rows ? TOGETHER : 1) {
    if (r + TOGETHER <= rows) {
      three(product, r, [rowOf(r), rowOf(r + 1), rowOf(r + 2)]);
    } else {
      one(product, r, rowOf(r));
    }
  }
  return out;
};

/** Rows of x that are multiplied together: a weight is read once for all of them. */
const TOGETHER = 3;

/** W stored [in, out]: its rows are added up, four at a time, in the order in which they lie in memory. */
const oneByRow = ({ x, weight, from, to, ranges }: Product, r: number, out: Float64Array): void => {
  const row = x.subarray(r * from, (r + 1) * from);
  let i = 0;
  for (; i + 4 <= from; i += 4) {
    const [a, b, d, e] = [row[i], row[i + 1], row[i + 2], row[i + 3]];
    let at = 0;
    for (const [start, end] of ranges) {
      const last = i * to + end;
      for (let c = i * to + start; c < last; c++) {
        out[at++] += a * weight[c] + b * weight[c + to] + d * weight[c + 2 * to] + e * weight[c + 3 * to];
      }
    }
  }
  for (; i < from; i++) {
    let at = 0;
    for (const [start, end] of ranges) {
      for (let c = start; c < end; c++) {
        out[at++] += row[i] * weight[i * to + c];
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

/** W stored [out, in]: one dot product for each column of W. */
const oneByColumn = ({ x, weight, from, ranges }: Product, r: number, out: Float64Array): void => {
  const row = x.subarray(r * from, (r + 1) * from);
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c++) {
      let sum = out[at];
      for (let i = 0; i < from; i++) {
        sum += row[i] * weight[c * from + i];
      }
      out[at++] = sum;
    }
  }
};

const threeByColumn = ({ x, weight, from, ranges }: Product, r: number, outs: readonly Float64Array[]): void => {
  const [one, two, three] = [0, 1, 2].map(k => x.subarray((r + k) * from, (r + k + 1) * from));
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c++) {
      let [a, b, d] = [outs[0][at], outs[1][at], outs[2][at]];
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
