import { toEven } from '../constants/steps';

/**
 * DynamicQuantizeLinear (ONNX 11) and back: x as eight bits hold it, (q − zero point) · scale. One scale and zero point for all
 * that one run gives to the operator, so that each of the `runs` equal parts of x is rounded for itself. In float32 as the
 * operator computes, halves to even.
 */
export const roundActivations = (x: Float64Array, runs: number): Float64Array => {
  const out = new Float64Array(x.length);
  const length = x.length / runs;
  for (let start = 0; start < x.length; start += length) {
    const part = x.subarray(start, start + length);
    const low = part.reduce((a, b) => Math.min(a, b), 0);
    const high = part.reduce((a, b) => Math.max(a, b), 0);
    const scale = low === high ? 1 : Math.fround(Math.fround(high - low) / MOST);
    const zero = clipped(toEven(clipped(Math.fround(-Math.fround(low / scale)))));
    part.forEach((value, at) => {
      out[start + at] = (clipped(toEven(Math.fround(value / scale)) + zero) - zero) * scale;
    });
  }
  return out;
};

const MOST = 255;

const clipped = (value: number): number => Math.min(MOST, Math.max(0, value));
