import { byteLength, elementCount, elementType, elementTypeName } from './element-type';
import type { TensorData, TensorProto } from './model';
import { placeOf } from './place';
import { quoted } from './quoted';

/**
 * A tensor's values as little-endian bytes, checked against its dims: a view for raw data, packed once for typed data.
 * Throws for strings, for external data and for weights, which are not in the tensor.
 */
export const tensorBytes = (tensor: TensorProto): Uint8Array => {
  const { dims, dataType, data } = tensor;
  const needed = byteLength(dataType, dims);
  if (needed === undefined) {
    throw new Error(`tensor ${labelOf(tensor)} of ${elementTypeName(dataType)} has no fixed size in bytes`);
  }
  const bytes = data.kind === 'raw' ? data.bytes : packed(tensor);
  if (bytes.length !== needed) {
    throw new Error(`tensor ${labelOf(tensor)} ${sizes(tensor, needed, bytes.length)}`);
  }
  return bytes;
};

/** What is wrong with the length of raw data; undefined where it fits, or where the values stand elsewhere. */
export const wrongLength = (tensor: TensorProto): string | undefined => {
  const { dims, dataType, data } = tensor;
  const needed = byteLength(dataType, dims);
  return data.kind === 'raw' && needed !== undefined && data.bytes.length !== needed
    ? sizes(tensor, needed, data.bytes.length)
    : undefined;
};

const sizes = ({ dims, dataType }: TensorProto, needed: number, held: number): string =>
  `of ${elementTypeName(dataType)} [${dims.join(', ')}] needs ${needed} bytes, the file holds ${held}`;

const labelOf = (tensor: TensorProto): string => quoted(tensor.name) + placeOf(tensor);

type Numbers = Extract<TensorData, { kind: 'float' | 'int32' | 'double' | 'int64' | 'uint64' }>;

const packed = (tensor: TensorProto): Uint8Array => {
  const { dims, dataType, data } = tensor;
  if (data.kind === 'raw' || data.kind === 'external' || data.kind === 'weight' || data.kind === 'string') {
    throw new Error(`tensor ${labelOf(tensor)} holds its values elsewhere (${data.kind})`);
  }
  const write = WRITERS[data.kind][dataType];
  if (write === undefined) {
    throw new Error(`tensor ${labelOf(tensor)} of ${elementTypeName(dataType)} cannot stand in ${data.kind}_data`);
  }
  const size = (elementType(dataType)?.bits ?? 0) / 8;
  const count = size >= 1 ? elementCount(dims) : data.values.length;
  if (data.values.length !== count) {
    throw new Error(
      `tensor ${labelOf(tensor)} [${dims.join(', ')}] needs ${count} values, the file holds ${data.values.length}`
    );
  }
  const bytes = new Uint8Array(data.values.length * Math.max(size, 1));
  const view = new DataView(bytes.buffer);
  data.values.forEach((value, i) => write(view, i, value));
  return bytes;
};

type Write = (view: DataView, i: number, value: number | bigint) => void;

const int8: Write = (view, i, value) => view.setInt8(i, Number(value));
const int16: Write = (view, i, value) => view.setInt16(2 * i, Number(value), true);
const int32: Write = (view, i, value) => view.setInt32(4 * i, Number(value), true);
const int64: Write = (view, i, value) => view.setBigInt64(8 * i, BigInt.asIntN(64, BigInt(value)), true);
const float: Write = (view, i, value) => view.setFloat32(4 * i, Number(value), true);
const double: Write = (view, i, value) => view.setFloat64(8 * i, Number(value), true);

/** Which element types may stand in which field, and how one value is laid out (onnx.proto, TensorProto). */
const WRITERS: Readonly<Record<Numbers['kind'], Readonly<Record<number, Write>>>> = {
  float: { 1: float },
  double: { 11: double },
  int64: { 7: int64 },
  uint64: { 12: int32, 13: int64 },
  int32: {
    2: int8,
    3: int8,
    4: int16,
    5: int16,
    6: int32,
    9: int8,
    10: int16,
    16: int16,
    17: int8,
    18: int8,
    19: int8,
    20: int8,
    21: int8,
    22: int8,
    23: int8,
    24: int8
  }
};
