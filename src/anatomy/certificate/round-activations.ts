import type { Numbers } from '../../onnx/numbers';
import { toEven } from '../constants/steps';

/**
 * DynamicQuantizeLinear (ONNX 11) and back: x as eight bits hold it, (q − zero point) · scale. One scale and zero point for all
 * that one run gives to the operator, so that each of the `runs` equal parts of x is rounded for itself. In float32 as the
 * operator computes, halves to even.
 */
export const roundActivations = (x: Numbers, runs: number): Float64Array => {
  const out = new Float64Array(x.length);
  const length = x.length / runs;
  for (let start = 0; start < x.length; start += length) {
    const part = x.subarray(start, start + length);
    const [low, high] = rangeOf(part);
    const scale = low === high ? 1 : Math.fround(Math.fround(high - low) / MOST);
    const zero = clipped(toEven(clipped(Math.fround(-Math.fround(low / scale)))));
    part.forEach((value, at) => {
      out[start + at] = (clipped(toEven(Math.fround(value / scale)) + zero) - zero) * scale;
    });
  }
  return out;
};

/** Zero is always in it. */
const rangeOf = (x: Numbers): readonly [number, number] => {
  let [low, high] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    low = Math.min(low, x[i]);
    high = Math.max(high, x[i]);
  }
  return [low, high];
};

const MOST = 255;

/** The largest of the steps on either side of zero. */
const EITHER = 127;

/**
 * x [rows, width] as kernels of accuracy level 4 hold it: for each `size` columns of a row one scale, the largest |x| over 127, halves to even. What
 * is left of a row behind its last whole block is a block, too.
 */
export const roundBlocks = (x: Numbers, width: number, size: number): Float64Array => {
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    for (let start = row; start < row + width; start += size) {
      const block = x.subarray(start, Math.min(start + size, row + width));
      const [low, high] = rangeOf(block);
      const scale = Math.max(-low, high) / EITHER;
      block.forEach((value, i) => (out[start + i] = scale === 0 ? 0 : toEven(value / scale) * scale));
    }
  }
  return out;
};

const clipped = (value: number): number => Math.min(MOST, Math.max(0, value));
