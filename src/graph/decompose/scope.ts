import { int, ints } from '../attributes';
import type { Builder } from '../build';
import type { Attribute, Node, TensorProto } from '../../onnx/model';
import { elementType } from '../../onnx/element-type';
import { numberToHalf } from '../../onnx/number-to-half';
import { int64Vector, makeTensor } from '../../onnx/make-tensor';
import { placeOf } from '../../onnx/place';
import type { Tensor, TensorTypeName } from '../../onnx/tensor';
import { nodeLabel } from '../uses';
import { inferForms, tensorForm, type Form } from './form';

/** Where a rule writes: names in, name out. The operators' forms follow the opset that the model imports. */
export interface Scope {
  /** Of ai.onnx. */
  readonly opset: number;
  form(tensor: string): Form;
  type(tensor: string): TensorTypeName | undefined;
  rank(tensor: string): number | undefined;
  /** The node type that makes a tensor; undefined for inputs and initialisers. */
  madeBy(tensor: string): string | undefined;
  isInitialiser(tensor: string): boolean;
  /** Keeps in mind which tensor by heads a flat one was made of. */
  markParted(flat: string, parted: string): void;
  op(opType: string, inputs: readonly string[], attributes?: readonly Attribute[]): string;
  ops(opType: string, inputs: readonly string[], count: number, attributes?: readonly Attribute[]): readonly string[];
  /** A number of the element type that `like` has (float32 where that is not known); beyond its range, its largest. */
  number(value: number, like: string): string;
  /** A vector of 64-bit integers. */
  ints(values: readonly number[]): string;
  /** A 64-bit integer without axes. */
  int(value: number): string;
  /** Equal parts of an initialiser of one axis, as initialisers. */
  parts(vector: string, sizes: readonly number[]): readonly string[];
  unsqueeze(x: string, axes: readonly number[]): string;
  squeeze(x: string, axes: readonly number[]): string;
  reshape(x: string, shape: readonly number[]): string;
  transpose(x: string, perm: readonly number[]): string;
  cast(x: string, type: number): string;
  /** `start` up to `end` along one axis. */
  slice(x: string, axis: number, start: number, end: number, step?: number): string;
  /** Along one axis, in parts of these sizes, or in two halves. */
  split(x: string, axis: number, sizes: readonly number[] | 'halves'): readonly string[];
  reduce(opType: 'ReduceMean' | 'ReduceSum', x: string, axes: readonly number[], keep: boolean): string;
  concat(parts: readonly string[], axis: number): string;
  /** One size of a tensor, a 64-bit integer without axes. */
  size(x: string, axis: number): string;
}

export interface ScopeOptions {
  readonly opset: number;
  readonly builder: Builder;
  readonly forms: Map<string, Form>;
  readonly madeBy: (tensor: string) => string | undefined;
  /** The initialiser of this name with its data; undefined where there is none. */
  readonly initialiser: (name: string) => TensorProto | undefined;
  /** The operator that is taken apart: its name begins those of new tensors. */
  readonly node: Node;
}

const LARGEST: Partial<Record<TensorTypeName, number>> = { float16: 65504, float32: 3.4028234663852886e38 };
const END = Number.MAX_SAFE_INTEGER;

export const createScope = ({ opset, builder, forms, madeBy, initialiser, node: fused }: ScopeOptions): Scope => {
  const prefix = fused.name || fused.outputs[0] || fused.opType;
  const form = (tensor: string): Form => forms.get(tensor) ?? {};
  const constant = (tensor: TensorProto): string => {
    const name = builder.initializer(tensor);
    forms.set(name, tensorForm(tensor));
    return name;
  };
  const type = (tensor: string): TensorTypeName | undefined => elementType(form(tensor).type ?? 0)?.tensor;
  const ops: Scope['ops'] = (opType, inputs, count, attributes = []) => {
    const outputs = builder.nodes(opType, inputs, count, attributes, { hint: `${prefix}/${opType}` });
    const node = { name: '', opType, domain: '', inputs, outputs, attributes, metadata: [], unknown: NOTHING };
    inferForms(node, inputs.map(form)).forEach((made, i) => forms.set(outputs[i], made));
    return outputs;
  };
  const vectors = new Map<string, string>();
  const vector = (values: readonly number[]): string => {
    const key = values.join();
    const name = vectors.get(key) ?? constant(int64Vector(`${prefix}/ints`, values));
    vectors.set(key, name);
    return name;
  };
  const op: Scope['op'] = (opType, inputs, attributes) => ops(opType, inputs, 1, attributes)[0];
  /** A list that newer opsets take as an input, older ones as an attribute. */
  const listed = (opType: string, name: string, since: number, x: string, values: readonly number[]): string =>
    opset >= since ? op(opType, [x, vector(values)]) : op(opType, [x], [ints(name, values)]);
  return {
    opset,
    form,
    type,
    rank: tensor => form(tensor).shape?.length,
    madeBy,
    markParted: (flat, parted) => void forms.set(flat, { ...form(flat), parted }),
    isInitialiser: tensor => initialiser(tensor) !== undefined,
    op,
    ops,
    number: (value, like) => constant(numberTensor(fused, `${prefix}/number`, value, type(like) ?? 'float32')),
    ints: vector,
    int: value =>
      constant(makeTensor(`${prefix}/int`, { dims: [], type: 'int64', data: BigInt64Array.of(BigInt(value)) })),
    parts: (name, sizes) => partsOf(initialiser(name)!, sizes).map(constant),
    unsqueeze: (x, axes) => listed('Unsqueeze', 'axes', 13, x, axes),
    squeeze: (x, axes) => listed('Squeeze', 'axes', 13, x, axes),
    reshape: (x, shape) => op('Reshape', [x, vector(shape)]),
    transpose: (x, perm) => op('Transpose', [x], [ints('perm', perm)]),
    cast: (x, to) => (form(x).type === to ? x : op('Cast', [x], [int('to', to)])),
    slice: (x, axis, start, end, step = 1) =>
      op('Slice', [x, ...[[start], [Math.min(end, END)], [axis], [step]].map(vector)]),
    split: (x, axis, sizes) => {
      if (sizes === 'halves') {
        return ops('Split', [x], 2, [int('axis', axis), ...(opset >= 18 ? [int('num_outputs', 2)] : [])]);
      }
      return opset >= 13
        ? ops('Split', [x, vector(sizes)], sizes.length, [int('axis', axis)])
        : ops('Split', [x], sizes.length, [int('axis', axis), ints('split', sizes)]);
    },
    reduce: (opType, x, axes, keep) => {
      const since = opType === 'ReduceSum' ? 13 : 18;
      const kept = int('keepdims', keep ? 1 : 0);
      return opset >= since ? op(opType, [x, vector(axes)], [kept]) : op(opType, [x], [ints('axes', axes), kept]);
    },
    concat: (inputs, axis) => op('Concat', inputs, [int('axis', axis)]),
    size: (x, axis) => op('Gather', [op('Shape', [x]), constant(scalarIndex(`${prefix}/int`, axis))], [int('axis', 0)])
  };
};

const NOTHING = new Uint8Array(0);

const scalarIndex = (name: string, axis: number): TensorProto =>
  makeTensor(name, { dims: [], type: 'int64', data: BigInt64Array.of(BigInt(axis)) });

const NUMBERS: ReadonlySet<TensorTypeName> = new Set(['float16', 'float32', 'float64', 'int32', 'int64']);

const numberTensor = (fused: Node, name: string, value: number, type: TensorTypeName): TensorProto => {
  const largest = LARGEST[type] ?? Infinity;
  const inside = Number.isFinite(value) ? Math.max(-largest, Math.min(largest, value)) : value;
  if (!NUMBERS.has(type) || (type.startsWith('int') && !Number.isInteger(inside))) {
    throw new Error(
      `type wrong: ${nodeLabel(fused)}${placeOf(fused)} needs the number ${value}, what it reads is ${type}`
    );
  }
  return makeTensor(name, { dims: [], type, data: arrayOf(type, inside) });
};

const arrayOf = (type: TensorTypeName, value: number): Tensor['data'] => {
  switch (type) {
    case 'float16':
      return Uint16Array.of(numberToHalf(value));
    case 'float64':
      return Float64Array.of(value);
    case 'int64':
      return BigInt64Array.of(BigInt(value));
    case 'int32':
      return Int32Array.of(value);
    default:
      return Float32Array.of(value);
  }
};

/** Views on the initialiser's bytes, one after the other. */
const partsOf = (tensor: TensorProto, sizes: readonly number[]): readonly TensorProto[] => {
  const bytes = tensor.data.kind === 'raw' ? tensor.data.bytes : NOTHING;
  const width = bytes.length / (tensor.dims[0] || 1);
  let at = 0;
  return sizes.map((size, i) => {
    const part = bytes.subarray(at * width, (at + size) * width);
    at += size;
    return { ...tensor, name: `${tensor.name}/${i}`, dims: [size], data: { kind: 'raw', bytes: part } };
  });
};
