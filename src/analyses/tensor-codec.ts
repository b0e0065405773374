import { fromBase64, toBase64 } from '../maths/base64';
import { deflate } from '../maths/deflate';
import { inflate } from '../maths/inflate';
import type { ResultTensor } from './result';

type Values = Float32Array | Int32Array | Uint8Array;
type Labels = Pick<ResultTensor, 'dims' | 'shape' | 'unit' | 'scale'>;

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

/** Largest tensor that a saved result may hold, in bytes. */
export const MAX_TENSOR_BYTES = 2 ** 22;

/** Typed array → result tensor. All platforms that run this are little-endian, as ONNX is. */
export function encodeTensor(labels: Labels, values: Values): ResultTensor {
  return { ...labels, dtype: dtypeOf(values), data: toBase64(bytesOf(values)) };
}

/** The same as a zlib stream, where that is shorter. */
export async function deflateTensor(labels: Labels, values: Values): Promise<ResultTensor> {
  const bytes = bytesOf(values);
  const packed = await deflate(bytes);
  return packed.length < bytes.length
    ? { ...labels, dtype: dtypeOf(values), encoding: 'deflate', data: toBase64(packed) }
    : encodeTensor(labels, values);
}

/** Result tensor → typed array, row-major. Throws when the data do not fill the shape exactly. */
export function decodeTensor(tensor: ResultTensor & { readonly dtype: 'float32' }): Float32Array;
export function decodeTensor(tensor: ResultTensor & { readonly dtype: 'int32' }): Int32Array;
export function decodeTensor(tensor: ResultTensor & { readonly dtype: 'uint8' }): Uint8Array;
export function decodeTensor(tensor: ResultTensor): Values;
export function decodeTensor(tensor: ResultTensor): Values {
  const array = ARRAYS[tensor.dtype];
  const size = tensor.shape.reduce((product, side) => product * side, array.BYTES_PER_ELEMENT);
  if (!(size <= MAX_TENSOR_BYTES)) {
    throw new Error(`tensor [${tensor.shape.join(', ')}]: ${size} bytes are more than the ${MAX_TENSOR_BYTES} allowed`);
  }
  const stored = fromBase64(tensor.data, size + 64 + (tensor.encoding ? size >> 8 : 0));
  const bytes = tensor.encoding === 'deflate' ? inflate(stored, size) : stored;
  if (bytes.length !== size) {
    throw new Error(`tensor [${tensor.shape.join(', ')}]: ${bytes.length} bytes where ${size} belong`);
  }
  return new array(bytes.buffer, 0, size / array.BYTES_PER_ELEMENT);
}

function dtypeOf(values: Values): ResultTensor['dtype'] {
  return values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'uint8';
}

function bytesOf(values: Values): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.slice().buffer);
}
