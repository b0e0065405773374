/** A tensor in memory: what goes into and comes out of a run, row-major. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly type: TensorTypeName;
  readonly data: TensorArray;
}

/** ONNX Runtime's names of element types. float16 travels as its 16 bits. */
export type TensorTypeName =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

export type TensorArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
