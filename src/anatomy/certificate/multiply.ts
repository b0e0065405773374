import type { Numbers } from '../../onnx/numbers';
import { productKernel, type ProductKernel } from './product-kernel';

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
  const { x, weight, from, ranges, bias } = product;
  const rows = x.length / from;
  const width = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const out = new Float64Array(rows * width);
  for (let r = 0; r < rows; r += TOGETHER) {
    const some = x.subarray(r * from, Math.min(rows, r + TOGETHER) * from);
    const into = out.subarray(r * width, r * width + (some.length / from) * width);
    if (weight instanceof Float32Array) {
      singly({ ...product, x: some, weight }, into);
    } else {
      plainly({ ...product, x: some, weight }, into);
    }
  }
  for (let r = 0; bias && r < rows; r++) {
    addBias(out.subarray(r * width, (r + 1) * width), bias, ranges);
  }
  return out;
};

const TOGETHER = 8;

const addBias = (out: Float64Array, bias: Numbers, ranges: Ranges): void => {
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c++) {
      out[at++] += bias[c];
    }
  }
};

interface Singly extends Product {
  readonly weight: Float32Array;
}

/** Numbers of a weight that are multiplied at a time: they stay in a processor's cache for all rows. */
const PIECE = 2 ** 15;
const ROWS = 8;

/** A weight in single precision, piece by piece. */
const singly = (product: Singly, out: Float64Array): void => {
  const { x, from, transposed } = product;
  const kernel = productKernel(x.length, out.length, Math.max(PIECE, from));
  new Float64Array(kernel.memory, kernel.x, x.length).set(x);
  const products = new Float64Array(kernel.memory, kernel.out, out.length).fill(0);
  (transposed ? byColumn : byRow)(product, kernel, out.length / (x.length / from));
  out.set(products);
};

/** W stored [in, out]: its rows are added up in the order in which they lie in memory. */
const byRow = ({ x, weight, from, to, ranges }: Singly, kernel: ProductKernel, width: number): void => {
  const piece = new Float32Array(kernel.memory, kernel.weight, PIECE);
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c += PIECE / ROWS) {
      const wide = Math.min(PIECE / ROWS, end - c);
      for (let i = 0; i < from; i += ROWS) {
        const deep = Math.min(ROWS, from - i);
        // Whole rows lie together.
        for (let k = 0, rows = wide === to ? deep : 1; k < deep; k += rows) {
          const first = (i + k) * to + c;
          piece.set(weight.subarray(first, first + rows * wide), k * wide);
        }
        for (let r = 0; r * from < x.length; r++) {
          const [read, made] = [kernel.x + 8 * (r * from + i), kernel.out + 8 * (r * width + at)];
          kernel.add_rows(deep, wide, read, kernel.weight, made);
        }
      }
      at += wide;
    }
  }
};

/** W stored [out, in]: one dot product for each column of W. */
const byColumn = ({ x, weight, from, ranges }: Singly, kernel: ProductKernel, width: number): void => {
  const most = Math.max(1, Math.floor(PIECE / from));
  const piece = new Float32Array(kernel.memory, kernel.weight, most * from);
  const rows = x.length / from;
  let at = 0;
  for (const [start, end] of ranges) {
    for (let c = start; c < end; c += most) {
      const count = Math.min(most, end - c);
      piece.set(weight.subarray(c * from, (c + count) * from));
      for (let r = 0; r < rows; r++) {
        kernel.dot_rows(count, from, kernel.x + 8 * r * from, kernel.weight, kernel.out + 8 * (r * width + at));
      }
      at += count;
    }
  }
};

/** A weight in double precision, number by number. */
const plainly = ({ x, weight, from, to, transposed, ranges }: Product, out: Float64Array): void => {
  const [down, across] = transposed ? [1, from] : [to, 1];
  let at = 0;
  for (let row = 0; row < x.length; row += from) {
    for (const [start, end] of ranges) {
      for (let c = start; c < end; c++) {
        let sum = 0;
        for (let i = 0; i < from; i++) {
          sum += x[row + i] * weight[i * down + c * across];
        }
        out[at++] = sum;
      }
    }
  }
};
