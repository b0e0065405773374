import type { Projection } from '../../anatomy/anatomy';
import { constantTensors } from '../../anatomy/constants/numbers';
import { decodeTensor } from '../../onnx/decode-tensor';
import { halfToNumber } from '../../onnx/half';
import type { Model } from '../../onnx/model';
import type { Weights } from '../../onnx/weights';

/** Logits of some ids from what the unembedding multiplies: x · W_U[:, id] + b[id], in double precision. */
export type UnembedColumns = (x: Float32Array, ids: readonly number[]) => Float32Array;

/** Undefined where the weight is not stored as a plain matrix of floating-point numbers. */
export const unembedColumns = (
  model: Model,
  weights: Weights,
  { weight, bias, transposed, layout, columns, perHead }: Projection
): UnembedColumns | undefined => {
  const tensors = constantTensors(model);
  const matrix = weight === undefined ? undefined : elements(tensors, weights, weight);
  const offset = bias === undefined ? undefined : elements(tensors, weights, bias);
  if (!matrix || matrix.dims.length !== 2 || layout || columns || perHead || (bias !== undefined && !offset)) {
    return undefined;
  }
  const [from, to] = transposed ? [matrix.dims[1], matrix.dims[0]] : matrix.dims;
  return (x, ids) =>
    Float32Array.from(ids, id => {
      let sum = offset ? offset.at(id) : 0;
      for (let i = 0; i < from; i++) {
        sum += x[i] * matrix.at(transposed ? id * from + i : i * to + id);
      }
      return sum;
    });
};

interface Elements {
  readonly dims: readonly number[];
  readonly at: (index: number) => number;
}

const elements = (
  tensors: ReturnType<typeof constantTensors>,
  weights: Weights,
  name: string
): Elements | undefined => {
  const proto = tensors.get(name);
  const source = proto?.data.kind === 'weight' ? weights.get(name) : proto;
  if (!source) {
    return undefined;
  }
  const { dims, type, data } = decodeTensor(source);
  if (type === 'float32') {
    return { dims, at: index => (data as Float32Array)[index] };
  }
  return type === 'float16' ? { dims, at: index => halfToNumber((data as Uint16Array)[index]) } : undefined;
};
