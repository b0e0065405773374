import type { Tensor } from '../../onnx/tensor';
import type { Span } from '../generate/generate-aim';

/** A mask or patch [row, pos or 1, …] in a run of some positions: that of one position holds at each, also at new ones; zeros behind the prompt's. */
export const atSpan = (tensor: Tensor, { from, to }: Span): Tensor => {
  const [rows, positions, ...rest] = tensor.dims;
  if (positions === 1) {
    return tensor;
  }
  const size = rest.reduce((product, dim) => product * dim, 1);
  const data = new Float32Array(rows * (to - from) * size);
  for (let row = 0; row < rows; row++) {
    const start = (row * positions + from) * size;
    const end = (row * positions + Math.min(to, positions)) * size;
    data.set((tensor.data as Float32Array).subarray(start, Math.max(start, end)), row * (to - from) * size);
  }
  return { dims: [rows, to - from, ...rest], type: 'float32', data };
};
