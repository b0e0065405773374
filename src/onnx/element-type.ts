import type { TensorTypeName } from './tensor';

/** One row of TensorProto.DataType. */
export interface ElementType {
  readonly code: number;
  readonly name: string;
  /** Bits an element; 0 for strings. */
  readonly bits: number;
  /** The runtime's type; absent where it has none. */
  readonly tensor?: TensorTypeName;
}

const row = (code: number, name: string, bits: number, tensor?: TensorTypeName): ElementType => ({
  code,
  name,
  bits,
  ...(tensor && { tensor })
});

/** TensorProto.DataType, onnx.proto of ONNX 1.23. */
export const ELEMENT_TYPES: readonly ElementType[] = [
  row(1, 'float32', 32, 'float32'),
  row(2, 'uint8', 8, 'uint8'),
  row(3, 'int8', 8, 'int8'),
  row(4, 'uint16', 16, 'uint16'),
  row(5, 'int16', 16, 'int16'),
  row(6, 'int32', 32, 'int32'),
  row(7, 'int64', 64, 'int64'),
  row(8, 'string', 0),
  row(9, 'bool', 8, 'bool'),
  row(10, 'float16', 16, 'float16'),
  row(11, 'float64', 64, 'float64'),
  row(12, 'uint32', 32, 'uint32'),
  row(13, 'uint64', 64, 'uint64'),
  row(14, 'complex64', 64),
  row(15, 'complex128', 128),
  row(16, 'bfloat16', 16),
  row(17, 'float8e4m3fn', 8),
  row(18, 'float8e4m3fnuz', 8),
  row(19, 'float8e5m2', 8),
  row(20, 'float8e5m2fnuz', 8),
  row(21, 'uint4', 4),
  row(22, 'int4', 4),
  row(23, 'float4e2m1', 4),
  row(24, 'float8e8m0', 8),
  row(25, 'uint2', 2),
  row(26, 'int2', 2),
  row(27, 'float6e2m3', 6),
  row(28, 'float6e3m2', 6)
];

const BY_CODE = new Map(ELEMENT_TYPES.map(type => [type.code, type]));
const BY_TENSOR = new Map(ELEMENT_TYPES.flatMap(type => (type.tensor ? [[type.tensor, type] as const] : [])));

/** Undefined for a code that ONNX 1.23 does not have. */
export const elementType = (code: number): ElementType | undefined => BY_CODE.get(code);

/** 'float32', or 'type 99' for an unknown code: for messages. */
export const elementTypeName = (code: number): string => BY_CODE.get(code)?.name ?? `type ${code}`;

/** TensorProto.DataType of a runtime's type. */
export const elementTypeCode = (tensor: TensorTypeName): number => {
  const type = BY_TENSOR.get(tensor);
  if (type === undefined) {
    throw new Error(`tensor type unknown: '${tensor}' is not one of ONNX's`);
  }
  return type.code;
};

/** The number of elements; 1 for a scalar. */
export const elementCount = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);

/** Bytes that `dims` need, elements below a byte packed; undefined for strings and unknown codes. */
export const byteLength = (code: number, dims: readonly number[]): number | undefined => {
  const bits = BY_CODE.get(code)?.bits;
  return bits ? Math.ceil((elementCount(dims) * bits) / 8) : undefined;
};
