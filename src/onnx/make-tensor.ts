import { byteLength, elementTypeCode } from './element-type';
import type { TensorProto } from './model';
import { quoted } from './quoted';
import type { Tensor } from './tensor';

/** A TensorProto with raw data that are a view on the tensor's own array. */
export const makeTensor = (name: string, { dims, type, data }: Tensor): TensorProto => {
  const dataType = elementTypeCode(type);
  const needed = byteLength(dataType, dims);
  if (needed !== data.byteLength) {
    throw new Error(
      `tensor ${quoted(name)} of ${type} [${dims.join(', ')}] needs ${needed} bytes, its array has ${data.byteLength}`
    );
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims, dataType, data: { kind: 'raw', bytes }, unknown: new Uint8Array(0) };
};

/** A vector of 64-bit integers, as shapes, axes and the like are given. */
export const int64Vector = (name: string, values: readonly number[]): TensorProto =>
  makeTensor(name, { dims: [values.length], type: 'int64', data: BigInt64Array.from(values, BigInt) });
