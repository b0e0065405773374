import { elementType, elementTypeName } from './element-type';
import { bfloatToNumber, halfToNumber } from './half';
import type { TensorProto } from './model';
import { placeOf } from './place';
import { quoted } from './quoted';
import type { Tensor, TensorArray, TensorTypeName } from './tensor';
import { tensorBytes } from './tensor-bytes';
import type { Weight } from './weights';

const BFLOAT16 = 16;

/**
 * A TensorProto or a weight as a runtime tensor. A view where the bytes are aligned, else a copy. bfloat16, which the
 * runtimes have no array for, becomes float32. Throws for strings, complex, float8 and elements below a byte.
 */
export const decodeTensor = (source: TensorProto | Weight): Tensor => {
  const { name, dims, dataType } = source;
  const bytes = 'bytes' in source ? source.bytes : tensorBytes(source);
  if (dataType === BFLOAT16) {
    const halves = aligned('uint16', bytes) as Uint16Array;
    return { dims, type: 'float32', data: fill(new Float32Array(halves.length), halves, bfloatToNumber) };
  }
  const type = elementType(dataType)?.tensor;
  if (type === undefined) {
    const place = 'bytes' in source ? '' : placeOf(source);
    throw new Error(`tensor ${quoted(name)}${place} has type ${elementTypeName(dataType)}, which is not decoded`);
  }
  return { dims, type, data: aligned(type, bytes) };
};

/** Values as float64, whatever the type; 64-bit integers are rounded beyond 2^53, bool is 0 or 1. */
export const toFloat64 = ({ type, data }: Tensor): Float64Array => {
  if (data instanceof Float64Array) {
    return data;
  }
  if (type === 'float16') {
    return fill(new Float64Array(data.length), data as Uint16Array, halfToNumber);
  }
  return data instanceof BigInt64Array || data instanceof BigUint64Array
    ? Float64Array.from(data, Number)
    : new Float64Array(data);
};

/** As `toFloat64`, in single precision; a float32 tensor's own array is returned. */
export const toFloat32 = (tensor: Tensor): Float32Array => {
  if (tensor.data instanceof Float32Array) {
    return tensor.data;
  }
  return tensor.type === 'float16'
    ? fill(new Float32Array(tensor.data.length), tensor.data as Uint16Array, halfToNumber)
    : new Float32Array(toFloat64(tensor));
};

/** A loop, since `from` with a function takes some fifty times as long. */
function fill<T extends Float32Array | Float64Array>(into: T, halves: Uint16Array, read: (bits: number) => number): T {
  for (let i = 0; i < halves.length; i++) {
    into[i] = read(halves[i]);
  }
  return into;
}

type Make = new (buffer: ArrayBufferLike, offset: number, length: number) => TensorArray;

const ARRAYS: Readonly<Record<TensorTypeName, Make & { readonly BYTES_PER_ELEMENT: number }>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array
};

/** Little-endian bytes as a typed array; copied only when their offset is not a multiple of the element's size. */
export const aligned = (type: TensorTypeName, bytes: Uint8Array): TensorArray => {
  const make = ARRAYS[type];
  const from = bytes.byteOffset % make.BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.prototype.slice.call(bytes);
  return new make(from.buffer, from.byteOffset, Math.floor(from.byteLength / make.BYTES_PER_ELEMENT));
};
