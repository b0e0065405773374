/**
 * An ONNX file as plain data, lossless: fields that are not decoded are kept as bytes (tag included) in `unknown`
 * and written back at the end of their message. Source: onnx.proto of ONNX 1.20 (github.com/onnx/onnx).
 */
export interface Model {
  readonly irVersion: number;
  readonly opsets: readonly OpsetId[];
  readonly producer: string;
  readonly graph: Graph;
  readonly functions: readonly LocalFunction[];
  readonly metadata: readonly Entry[];
  readonly unknown: Uint8Array;
}

export interface OpsetId {
  readonly domain: string;
  readonly version: number;
}

export interface Entry {
  readonly key: string;
  readonly value: string;
}

export interface Graph {
  readonly name: string;
  /** In the file's order, which a valid file has topological. */
  readonly nodes: readonly Node[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfos: readonly ValueInfo[];
  readonly metadata: readonly Entry[];
  readonly unknown: Uint8Array;
}

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  /** '' marks an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly metadata: readonly Entry[];
  readonly unknown: Uint8Array;
}

/** One attribute; `type` is AttributeProto.AttributeType and says which field holds the value. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  /** Integers beyond 2^53 are bigint. */
  readonly i?: number | bigint;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: Graph;
  readonly floats?: readonly number[];
  readonly ints?: readonly (number | bigint)[];
  readonly strings?: readonly Uint8Array[];
  readonly tensors?: readonly TensorProto[];
  readonly graphs?: readonly Graph[];
  readonly unknown: Uint8Array;
}

export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  /** TensorProto.DataType: 1 float, 7 int64, 10 float16, … (`element-type.ts`). */
  readonly dataType: number;
  readonly data: TensorData;
  readonly unknown: Uint8Array;
}

export type TensorData =
  /** A view on the file's bytes, little-endian; never a copy. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  /** float_data, int32_data, …: kept as they stand. */
  | { readonly kind: 'float' | 'int32' | 'double'; readonly values: readonly number[] }
  | { readonly kind: 'int64' | 'uint64'; readonly values: readonly (number | bigint)[] }
  | { readonly kind: 'string'; readonly values: readonly Uint8Array[] }
  /** In another file; all entries kept (`location`, `offset`, `length`, `checksum`). */
  | { readonly kind: 'external'; readonly entries: readonly Entry[] }
  /** In the weight store under the tensor's name (`collectWeights`); `externalise` refers it to a file again. */
  | { readonly kind: 'weight' };

export interface ValueInfo {
  readonly name: string;
  /** Absent when the file gives no type, or one that is not a tensor (kept in `unknown`). */
  readonly type?: TensorType;
  /** The type field as it stands in the file when it says more than `type` holds (denotations); written instead of it. */
  readonly verbatimType?: Uint8Array;
  readonly unknown: Uint8Array;
}

export interface TensorType {
  readonly elementType: number;
  /** A number, a symbol, or '' where nothing is said; absent when the rank is unknown. */
  readonly shape?: readonly (number | string)[];
}

export interface LocalFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributeNames: readonly string[];
  readonly attributeDefaults: readonly Attribute[];
  readonly nodes: readonly Node[];
  readonly opsets: readonly OpsetId[];
  readonly unknown: Uint8Array;
}
