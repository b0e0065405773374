import { toFloat32 } from '../../onnx/decode-tensor';
import type { Tensor } from '../../onnx/tensor';

/** Of one run [rows, pos, d_vocab], each row's last position. */
export const lastLogits = (run: readonly Tensor[]): readonly Float32Array[] =>
  run.flatMap(tensor => {
    const [rows, length, width] = tensor.dims;
    const data = toFloat32(tensor);
    return Array.from({ length: rows }, (_, row) => {
      const end = (row + 1) * length * width;
      return data.slice(end - width, end);
    });
  });
