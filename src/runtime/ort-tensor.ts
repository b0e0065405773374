import type { Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-common';

import type { Tensor, TensorTypeName } from '../onnx/tensor';

const TYPES: ReadonlySet<string> = new Set<TensorTypeName>([
  'float32',
  'float64',
  'float16',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool'
]);

/** `name` is the feed's, for the error. */
export const toOrt = (Constructor: TensorConstructor, name: string, tensor: Tensor): OrtTensor => {
  const size = tensor.dims.reduce((product, dim) => product * dim, 1);
  if (size !== tensor.data.length) {
    throw new Error(
      `feed malformed: '${name}' has ${tensor.data.length} elements, its shape [${tensor.dims.join(', ')}] wants ${size}`
    );
  }
  return new Constructor(tensor.type as 'float32', tensor.data as Float32Array, [...tensor.dims]);
};

/** float16 comes as a Float16Array where that global exists, as its bits (Uint16Array) elsewhere: always made bits. */
export const fromOrt = (name: string, tensor: OrtTensor): Tensor => {
  if (!TYPES.has(tensor.type)) {
    throw new Error(`output type unsupported: '${name}' is ${tensor.type}`);
  }
  const data = tensor.data as Exclude<Tensor['data'], never>;
  return {
    dims: tensor.dims,
    type: tensor.type as TensorTypeName,
    data: tensor.type === 'float16' ? bits(data) : data
  };
};

const bits = (data: ArrayBufferView & { readonly length: number }): Uint16Array =>
  data instanceof Uint16Array ? data : new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
