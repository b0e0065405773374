import { decodeTensor, toFloat64 } from '../onnx/decode-tensor';
import type { Node } from '../onnx/model';
import { intAttribute, intsAttribute } from './attributes';
import { broadcast, product, quotient, type Dim } from './dims';

/** What is known of a tensor without running: its shape, and its elements where they are few (sizes, axes, scales). */
export interface Known {
  readonly shape?: readonly Dim[];
  /** Row-major; only of tensors with rank 0 or 1. */
  readonly values?: readonly Dim[];
  /** The elements are whole numbers by their type: a division cuts off. */
  readonly whole?: boolean;
}

type Infer = (node: Node, inputs: readonly Known[]) => readonly Known[];

const UNKNOWN: Known = {};
const MOST_VALUES = 64;

/** Shapes and small values of a node's outputs. An operator that is not in the table gives nothing. */
export const inferNode: Infer = (node, inputs) => {
  const results = TABLE.get(node.opType)?.(node, inputs) ?? [];
  const whole = isWhole(node, inputs);
  return whole ? results.map(result => ({ ...result, whole })) : results;
};

const INT32 = 6;
const INT64 = 7;

const isWhole = (node: Node, [first]: readonly Known[]): boolean => {
  if (node.opType === 'Cast') {
    return [INT32, INT64].includes(intAttribute(node, 'to') ?? 0);
  }
  return ['Shape', 'Size'].includes(node.opType) || first?.whole === true;
};

const divide: Infer = (node, inputs) => {
  const [result] = elementwise((a, b) => a / b)(node, inputs);
  const [a, b] = inputs.map(input => input.values);
  if (!a || !b || !inputs.every(input => input.whole)) {
    return [result];
  }
  const values = result.values?.map((x, i) =>
    typeof x === 'number' ? Math.trunc(x) : quotient([a[i]], [b[b.length === 1 ? 0 : i]])
  );
  return [{ ...result, values: a.length >= b.length ? values : undefined }];
};

const cast: Infer = (node, [x]) => {
  const { shape, values } = x;
  const cut = isWhole(node, []) && !x.whole;
  return [
    { shape, values: cut ? values?.map(value => (typeof value === 'number' ? Math.trunc(value) : value)) : values }
  ];
};

const same: Infer = (_, [x]) => [{ shape: x.shape }];

/** The first output has the first input's shape, the elements are the same too. */
const copy: Infer = (_, [{ shape, values }]) => [{ shape, values }];

const elementwise =
  (of?: (...values: number[]) => number): Infer =>
  (_, inputs) => [{ shape: joint(inputs), values: of && zip(inputs, of) }];

const joint = (inputs: readonly Known[]): readonly Dim[] | undefined => {
  const shapes = inputs.map(input => input.shape);
  return shapes.every(shape => shape !== undefined) ? broadcast(shapes) : undefined;
};

/** Element by element where all is known; a size times one, or plus nothing, stays itself. */
const zip = (inputs: readonly Known[], of: (...values: number[]) => number): readonly Dim[] | undefined => {
  if (!inputs.every(input => input.values !== undefined)) {
    return undefined;
  }
  const length = Math.max(...inputs.map(input => input.values!.length));
  return Array.from({ length }, (_, i) => {
    const row = inputs.map(({ values }) => values![values!.length === 1 ? 0 : i]);
    return row.every(value => typeof value === 'number') ? of(...(row as number[])) : null;
  });
};

const multiply: Infer = (node, inputs) => {
  const [known] = elementwise((a, b) => a * b)(node, inputs);
  const [a, b] = inputs.map(input => input.values);
  const values = a && b && a.length === b.length ? a.map((value, i) => times(value, b[i])) : known.values;
  return [{ shape: known.shape, values }];
};

const times = (a: Dim, b: Dim): Dim => {
  const whole = (x: Dim): boolean => typeof x !== 'number' || Number.isInteger(x);
  return typeof a === 'number' && typeof b === 'number' ? a * b : whole(a) && whole(b) ? product([a, b]) : null;
};

/** Sizes are never negative, so that `size == -1` is false whatever the size. */
const equal: Infer = (node, inputs) => {
  const [{ shape }] = elementwise()(node, inputs);
  const [a, b] = inputs.map(input => input.values);
  const values = a && b && a.length === b.length ? a.map((value, i) => same1(value, b[i])) : undefined;
  return [{ shape, values }];
};

const same1 = (a: Dim, b: Dim): Dim => {
  if (a === null || b === null) {
    return null;
  }
  if (a === b) {
    return 1;
  }
  const numbers = typeof a === 'number' && typeof b === 'number';
  const negative = (typeof a === 'number' && a < 0) || (typeof b === 'number' && b < 0);
  return numbers || negative ? 0 : null;
};

const where: Infer = (node, inputs) => {
  const [{ shape }] = elementwise()(node, inputs);
  const [condition, a, b] = inputs.map(input => input.values);
  const lengths = new Set([condition, a, b].map(values => values?.length));
  const values =
    condition && a && b && lengths.size === 1
      ? condition.map((c, i) => (c === null ? null : c ? a[i] : b[i]))
      : undefined;
  return [{ shape, values }];
};

const shapeOf: Infer = (node, [x]) => {
  if (!x.shape) {
    return [UNKNOWN];
  }
  const values = x.shape.slice(intAttribute(node, 'start') ?? 0, intAttribute(node, 'end') ?? x.shape.length);
  return [{ shape: [values.length], values }];
};

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const gather: Infer = (node, [data, indices]) => {
  if (!data.shape || !indices.shape) {
    return [UNKNOWN];
  }
  const axis = axisOf(intAttribute(node, 'axis') ?? 0, data.shape.length);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  return [{ shape, values: picked(data, indices) }];
};

const picked = ({ shape, values }: Known, indices: Known): readonly Dim[] | undefined => {
  if (!values || !indices.values || shape?.length !== 1) {
    return undefined;
  }
  return indices.values.map(i => (typeof i === 'number' ? (values.at(i) ?? null) : null));
};

/** Axes are an attribute in old opsets, an input in new ones. */
const axesOf = (node: Node, input: Known | undefined): number[] | undefined => {
  const attribute = intsAttribute(node, 'axes');
  const values = attribute ?? input?.values;
  return values?.every(value => typeof value === 'number') ? (values as number[]) : undefined;
};

const unsqueeze: Infer = (node, [x, input]) => {
  const axes = axesOf(node, input);
  if (!x.shape || !axes) {
    return [UNKNOWN];
  }
  const rank = x.shape.length + axes.length;
  const added = new Set(axes.map(axis => axisOf(axis, rank)));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
  return [{ shape, values: rank === 1 ? x.values : undefined }];
};

const squeeze: Infer = (node, [x, input]) => {
  const rank = x.shape?.length ?? 0;
  const given = axesOf(node, input);
  if (!x.shape || (input && !given)) {
    return [UNKNOWN];
  }
  const axes = given?.map(axis => axisOf(axis, rank));
  const shape = x.shape.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1));
  return [{ shape, values: x.values }];
};

const reshape: Infer = (node, [x, target]) => {
  const sizes = target?.values ?? intsAttribute(node, 'shape');
  if (!sizes) {
    return [{ shape: ranked(target) }];
  }
  const keep = intAttribute(node, 'allowzero') !== 1;
  const shape = sizes.map((size, axis) => (size === 0 && keep ? (x.shape?.[axis] ?? null) : size));
  const open = shape.indexOf(-1);
  if (open >= 0) {
    shape[open] = x.shape
      ? quotient(
          x.shape,
          shape.filter((_, axis) => axis !== open)
        )
      : null;
  }
  return [{ shape, values: shape.length <= 1 ? x.values : undefined }];
};

/** Sizes unknown, but as many as the vector that gives them is long. */
const ranked = (vector: Known | undefined): readonly Dim[] | undefined => {
  const length = vector?.shape?.length === 1 ? vector.shape[0] : null;
  return typeof length === 'number' && length <= MOST_VALUES ? Array<Dim>(length).fill(null) : undefined;
};

const transpose: Infer = (node, [x]) => {
  const perm = intsAttribute(node, 'perm');
  return [{ shape: x.shape && (perm ? perm.map(axis => x.shape![axis] ?? null) : [...x.shape].reverse()) }];
};

const concat: Infer = (node, inputs) => {
  const shapes = inputs.map(input => input.shape);
  if (!shapes.every(shape => shape !== undefined) || shapes.length === 0) {
    return [UNKNOWN];
  }
  const axis = axisOf(intAttribute(node, 'axis') ?? 0, shapes[0].length);
  const along = shapes.map(shape => shape[axis]);
  const total = along.every(dim => typeof dim === 'number')
    ? (along as number[]).reduce((sum, dim) => sum + dim, 0)
    : shapes.length === 1
      ? along[0]
      : null;
  const shape = shapes[0].map((dim, i) => (i === axis ? total : dim));
  const values = inputs.every(input => input.values) ? inputs.flatMap(input => input.values!) : undefined;
  return [{ shape, values: shape.length === 1 && values && values.length <= MOST_VALUES ? values : undefined }];
};

const slice: Infer = (node, [x, ...rest]) => {
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map(
    (name, i) => intsAttribute(node, name) ?? rest[i]?.values
  );
  if (!x.shape || !starts || !ends) {
    return [{ shape: x.shape?.map(() => null) }];
  }
  const shape: Dim[] = [...x.shape];
  let values = x.values;
  starts.forEach((start, i) => {
    const axis = axisOf(Number(axes ? axes[i] : i), shape.length);
    const range = sliceRange(x.shape![axis], start, ends[i], steps ? steps[i] : 1);
    shape[axis] = range
      ? range.all
        ? x.shape![axis]
        : Math.max(0, Math.ceil((range.end - range.start) / range.step))
      : null;
    values = range && values ? (range.all ? values : values.filter((_, k) => inside(k, range))) : undefined;
  });
  return [{ shape, values: shape.length <= 1 ? values : undefined }];
};

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly all?: boolean;
}

const inside = (k: number, { start, end, step }: Range): boolean => k >= start && k < end && (k - start) % step === 0;

/** undefined where it cannot be told; `all` where nothing is cut off. */
export const sliceRange = (dim: Dim, start: Dim, end: Dim, step: Dim): Range | undefined => {
  if (step !== 1 && !(typeof step === 'number' && step > 1)) {
    return undefined;
  }
  const whole = start === 0 && step === 1 && (end === dim || (typeof end === 'number' && end > 2 ** 31));
  if (whole && dim !== null) {
    return { start: 0, end: typeof dim === 'number' ? dim : 0, step: 1, all: true };
  }
  if (typeof dim !== 'number' || typeof start !== 'number' || typeof end !== 'number') {
    return undefined;
  }
  const clamp = (x: number): number => Math.min(Math.max(x < 0 ? x + dim : x, 0), dim);
  return { start: clamp(start), end: clamp(end), step };
};

const split: Infer = (node, [x, input]) => {
  const count = node.outputs.length;
  const axis = x.shape ? axisOf(intAttribute(node, 'axis') ?? 0, x.shape.length) : 0;
  const sizes = splitSizes(node, x.shape?.[axis] ?? null, input?.values);
  return Array.from({ length: count }, (_, i) => ({
    shape: x.shape?.map((dim, k) => (k === axis ? (sizes?.[i] ?? null) : dim))
  }));
};

/** Sizes of a Split's outputs, from its input or attribute, or all alike. */
export const splitSizes = (node: Node, dim: Dim, input: readonly Dim[] | undefined): readonly Dim[] | undefined => {
  const given = input ?? intsAttribute(node, 'split');
  if (given || typeof dim !== 'number') {
    return given;
  }
  const chunk = Math.ceil(dim / node.outputs.length);
  return node.outputs.map((_, i) => Math.min(chunk, dim - i * chunk));
};

const expand: Infer = (_, [x, target]) => {
  const sizes = target?.values ?? ranked(target);
  return [{ shape: x.shape && sizes ? broadcast([x.shape, sizes]) : undefined }];
};

const tile: Infer = (_, [x, repeats]) => [
  { shape: x.shape?.map((dim, axis) => times(dim, repeats?.values?.[axis] ?? null)) }
];

const matMul: Infer = (_, [a, b]) => {
  if (!a.shape || !b.shape || a.shape.length < 2 || b.shape.length < 2) {
    return [UNKNOWN];
  }
  const outer = broadcast([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  return [{ shape: [...outer, a.shape.at(-2)!, b.shape.at(-1)!] }];
};

const gemm: Infer = (node, [a, b]) => {
  if (!a.shape || !b.shape) {
    return [UNKNOWN];
  }
  const rows = a.shape[intAttribute(node, 'transA') ? 1 : 0];
  return [{ shape: [rows, b.shape[intAttribute(node, 'transB') ? 0 : 1]] }];
};

const range: Infer = (_, [start, limit, delta]) => {
  const counts = start.values?.[0] === 0 && delta.values?.[0] === 1;
  return [{ shape: [counts ? (limit.values?.[0] ?? null) : null] }];
};

const constantOfShape: Infer = (node, [target]) => {
  const shape = target.values ?? ranked(target);
  const count = shape?.every(dim => typeof dim === 'number')
    ? (shape as number[]).reduce((n, dim) => n * dim, 1)
    : Infinity;
  const value = node.attributes.find(a => a.name === 'value')?.t;
  const few = shape && shape.length <= 1 && count <= MOST_VALUES;
  const [first] = few ? (value ? toFloat64(decodeTensor(value)) : [0]) : [];
  return [{ shape, values: few ? Array<Dim>(count).fill(first) : undefined, whole: value?.dataType === INT64 }];
};

const reduce: Infer = (node, [x, input]) => {
  const axes = axesOf(node, input);
  if (!x.shape || (input && !axes)) {
    return [UNKNOWN];
  }
  const all = (axes ?? x.shape.map((_, axis) => axis)).map(axis => axisOf(axis, x.shape!.length));
  const keep = intAttribute(node, 'keepdims') !== 0;
  const shape = x.shape.flatMap((dim, axis) => (all.includes(axis) ? (keep ? [1] : []) : [dim]));
  return [{ shape }];
};

const flatten: Infer = (node, [x]) => {
  const axis = axisOf(intAttribute(node, 'axis') ?? 1, x.shape?.length ?? 0);
  return [{ shape: x.shape && [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))] }];
};

const matMulBits: Infer = (node, [x]) => [
  { shape: x.shape && [...x.shape.slice(0, -1), intAttribute(node, 'N') ?? null] }
];

const NUMBERS: Readonly<Record<string, (...values: number[]) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Pow: (a, b) => a ** b,
  Sqrt: Math.sqrt,
  Reciprocal: a => 1 / a,
  Neg: a => -a,
  Mod: (a, b) => a - b * Math.floor(a / b),
  Max: Math.max,
  Min: Math.min
};

const SAME =
  'Softmax LogSoftmax Tanh Sigmoid Erf Relu Gelu FastGelu QuickGelu Exp Log Sin Cos Abs Clip Not IsNaN IsInf Floor Ceil Round Sign Softplus HardSwish Swish Elu Selu LeakyRelu LayerNormalization SimplifiedLayerNormalization RMSNormalization Trilu CumSum ScatterND ScatterElements DequantizeLinear DynamicQuantizeLinear RotaryEmbedding';
const COPY = 'Identity Dropout';
const BINARY = 'And Or Xor Greater GreaterOrEqual Less LessOrEqual BiasGelu Mean Sum';
const REDUCE = 'ReduceMean ReduceSum ReduceMax ReduceMin ReduceL2 ReduceProd';

const rows = (names: string, infer: Infer): [string, Infer][] => names.split(' ').map(name => [name, infer]);

const TABLE: ReadonlyMap<string, Infer> = new Map<string, Infer>([
  ...rows(SAME, same),
  ...rows(COPY, copy),
  ...rows(BINARY, elementwise()),
  ...rows(REDUCE, reduce),
  ...Object.entries(NUMBERS).map(([name, of]): [string, Infer] => [name, elementwise(of)]),
  ['Cast', cast],
  ['Div', divide],
  ['Mul', multiply],
  ['Equal', equal],
  ['Where', where],
  ['Shape', shapeOf],
  ['Gather', gather],
  ['GatherElements', (_, [, indices]) => [{ shape: indices.shape }]],
  ['Unsqueeze', unsqueeze],
  ['Squeeze', squeeze],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Slice', slice],
  ['Split', split],
  ['Expand', expand],
  ['Tile', tile],
  ['MatMul', matMul],
  ['FusedMatMul', matMul],
  ['MatMulInteger', matMul],
  ['Gemm', gemm],
  ['MatMulNBits', matMulBits],
  ['Range', range],
  ['ConstantOfShape', constantOfShape],
  ['Flatten', flatten]
]);
