import type { Numbers } from '../../onnx/numbers';

/** out += factor · x. A loop of its own is compiled soon: most of a certificate runs for the first time. */
export const addTimes = (out: Float64Array, factor: number, x: Numbers): void => {
  for (let i = 0; i < out.length; i++) {
    out[i] += factor * x[i];
  }
};
