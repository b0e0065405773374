import type { Attribute, Graph, Node, TensorProto } from '../../onnx/model';

/** A size, null where it is not known. */
export type Size = number | null;

/** What the graph itself says of a tensor; nothing where it is not plain. */
export interface Form {
  /** TensorProto.DataType. */
  readonly type?: number;
  readonly shape?: readonly Size[];
  /** Elements of a short vector of integers, as shapes are computed. */
  readonly values?: readonly Size[];
  /** Of [batch, pos, heads · dim]: the tensor [batch, heads, pos, dim] that it was made of. */
  readonly parted?: string;
}

export const FLOAT = 1;
const UINT8 = 2;
const INT32 = 6;
const INT64 = 7;
const BOOL = 9;
const MOST_VALUES = 16;

/** Forms of inputs, initialisers and tensors that the file gives a type for. */
export const declaredForms = (graph: Graph): Map<string, Form> => {
  const forms = new Map<string, Form>();
  for (const { name, type } of [...graph.valueInfos, ...graph.inputs, ...graph.outputs]) {
    const shape = type?.shape?.map(size => (typeof size === 'number' ? size : null));
    forms.set(name, type ? { type: type.elementType, ...(shape && { shape }) } : {});
  }
  graph.initializers.forEach(tensor => forms.set(tensor.name, tensorForm(tensor)));
  return forms;
};

export const tensorForm = (tensor: TensorProto): Form => ({
  type: tensor.dataType,
  shape: tensor.dims,
  ...(tensor.dataType === INT64 && tensor.dims.length <= 1 && withValues(tensor))
});

const withValues = ({ data }: TensorProto): Pick<Form, 'values'> => {
  if (data.kind === 'int64' && data.values.length <= MOST_VALUES) {
    return { values: data.values.map(Number) };
  }
  if (data.kind !== 'raw' || data.bytes.length > 8 * MOST_VALUES || data.bytes.length % 8 !== 0) {
    return {};
  }
  const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength);
  return { values: Array.from({ length: data.bytes.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true))) };
};

/** Forms of a node's outputs from those of its inputs; what is not in the tables has the first input's type alone. */
export const inferForms = (node: Node, inputs: readonly Form[]): readonly Form[] => {
  const shaped = SHAPES.get(node.opType)?.(node, inputs) ?? {};
  const [first, ...rest] = TYPES.get(node.opType)?.(node, inputs) ?? [inputs.find(({ type }) => type)?.type];
  return node.outputs.map((_, i) => {
    const type = i === 0 ? first : (rest[i - 1] ?? first);
    return { ...(type !== undefined && { type }), ...(i === 0 || SPLITS.has(node.opType) ? shaped : {}) };
  });
};

type Types = (node: Node, inputs: readonly Form[]) => readonly (number | undefined)[];
type Shapes = (node: Node, inputs: readonly Form[]) => Form;

const SPLITS = new Set(['Split']);

const attribute = (node: Node, name: string): Attribute | undefined => node.attributes.find(a => a.name === name);
const number = (node: Node, name: string, otherwise: number): number => Number(attribute(node, name)?.i ?? otherwise);

const rows = <T>(names: string, of: T): (readonly [string, T])[] => names.split(' ').map(name => [name, of]);
const fixed =
  (...types: number[]): Types =>
  () =>
    types;
const ofInput =
  (index: number): Types =>
  (_, inputs) => [inputs[index]?.type];

const TYPES: ReadonlyMap<string, Types> = new Map<string, Types>([
  ...rows('Shape Size NonZero ArgMax ArgMin', fixed(INT64)),
  ...rows('Equal Greater GreaterOrEqual Less LessOrEqual Not And Or Xor IsNaN IsInf', fixed(BOOL)),
  ...rows('MatMulInteger ConvInteger', fixed(INT32)),
  ...rows('Where DequantizeLinear CastLike', ofInput(1)),
  ...rows('OneHot GatherBlockQuantized MatMulIntegerToFloat', ofInput(2)),
  ...rows('If Loop Scan', fixed()),
  ['Cast', node => [number(node, 'to', 0) || undefined]],
  ['DynamicQuantizeLinear', fixed(UINT8, FLOAT, UINT8)],
  ['TopK', (_, [x]) => [x.type, INT64]],
  ['EmbedLayerNormalization', (_, inputs) => [inputs[2]?.type, INT32, inputs[2]?.type]],
  ['ConstantOfShape', node => [attribute(node, 'value')?.t?.dataType ?? FLOAT]],
  ['Constant', node => [constantForm(node).type]]
]);

const constantForm = ({ attributes: [value] }: Node): Form => {
  if (value?.t) {
    return tensorForm(value.t);
  }
  const ints = value?.ints?.map(Number) ?? (value?.i === undefined ? undefined : [Number(value.i)]);
  if (value?.name.startsWith('value_int') && ints) {
    return { type: INT64, shape: value.ints ? [ints.length] : [], values: ints };
  }
  return value?.name.startsWith('value_float') ? { type: FLOAT, shape: value.floats ? [value.floats.length] : [] } : {};
};

const same: Shapes = (_, [x]) => ({ ...(x?.shape && { shape: x.shape }), ...(x?.values && { values: x.values }) });

const broadcast: Shapes = (_, inputs) => {
  const shapes = inputs.map(({ shape }) => shape);
  if (!shapes.every(shape => shape !== undefined)) {
    return {};
  }
  const rank = Math.max(0, ...shapes.map(shape => shape.length));
  const at = (axis: number): Size => {
    const sizes = shapes.map(shape => (axis < rank - shape.length ? 1 : shape[axis - rank + shape.length]));
    return sizes.find(size => size !== null && size !== 1) ?? (sizes.includes(null) ? null : 1);
  };
  return { shape: Array.from({ length: rank }, (_size, axis) => at(axis)) };
};

const matMul: Shapes = (node, [a, b]) => {
  if (!a?.shape || !b?.shape || a.shape.length < 2 || b.shape.length < 2) {
    return {};
  }
  const outer = broadcast(node, [{ shape: a.shape.slice(0, -2) }, { shape: b.shape.slice(0, -2) }]).shape ?? [];
  return { shape: [...outer, a.shape.at(-2)!, b.shape.at(-1)!] };
};

const axesOf = (node: Node, input: Form | undefined): readonly Size[] | undefined =>
  attribute(node, 'axes')?.ints?.map(Number) ?? input?.values;

const unsqueeze: Shapes = (node, [x, input]) => {
  const axes = axesOf(node, input);
  if (!x?.shape || !axes?.every(axis => axis !== null)) {
    return {};
  }
  const rank = x.shape.length + axes.length;
  const added = new Set(axes.map(axis => (axis + rank) % rank));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
  return { shape, ...(rank === 1 && x.values && { values: x.values }) };
};

const squeeze: Shapes = (node, [x, input]) => {
  const axes = axesOf(node, input);
  const rank = x?.shape?.length ?? 0;
  const all = axes?.every(axis => axis !== null) ? axes.map(axis => (axis + rank) % rank) : undefined;
  return x?.shape && all
    ? { shape: x.shape.filter((_, axis) => !all.includes(axis)), ...(x.values && { values: x.values }) }
    : {};
};

const reshape: Shapes = (_, [x, target]) => {
  const count = target?.shape?.length === 1 ? target.shape[0] : null;
  if (target?.values) {
    return { shape: target.values.map((size, i) => sizeAfter(x?.shape, target.values!, size, i)) };
  }
  return count !== null && count <= MOST_VALUES ? { shape: Array<Size>(count).fill(null) } : {};
};

/** 0 keeps the axis; −1 is what is left of the axes that no leading 0 keeps. */
const sizeAfter = (before: readonly Size[] | undefined, target: readonly Size[], size: Size, axis: number): Size => {
  if (size !== -1) {
    return size === 0 ? (before?.[axis] ?? null) : size;
  }
  const kept = target.findIndex(other => other !== 0);
  const [left, taken] = [before?.slice(kept) ?? [null], target.slice(kept).filter(other => other !== -1)];
  return left.every(other => other !== null) && taken.every(other => other !== null && other > 0)
    ? product(left) / product(taken as number[])
    : null;
};

const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);

const transpose: Shapes = (node, [x]) => {
  const perm = attribute(node, 'perm')?.ints?.map(Number);
  const shape = perm ? perm.map(axis => x?.shape?.[axis] ?? null) : x?.shape && [...x.shape].reverse();
  return shape ? { shape } : {};
};

const gather: Shapes = (node, [data, indices]) => {
  if (!data?.shape || !indices?.shape) {
    return {};
  }
  const axis = number(node, 'axis', 0);
  const at = axis < 0 ? axis + data.shape.length : axis;
  const values = data.values && indices.values?.map(i => (i === null ? null : (data.values!.at(i) ?? null)));
  return {
    shape: [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)],
    ...(values && { values })
  };
};

const concat: Shapes = (node, inputs) => {
  const shape = inputs[0]?.shape;
  if (!shape) {
    return {};
  }
  const at = (number(node, 'axis', 0) + shape.length) % shape.length;
  const sizes = inputs.map(input => input.shape?.[at] ?? null);
  const total = sizes.every(size => size !== null) ? sizes.reduce((sum, size) => sum + size, 0) : null;
  const values =
    shape.length === 1 && total !== null && total <= MOST_VALUES
      ? inputs.flatMap((input, i) => input.values ?? Array<Size>(sizes[i]!).fill(null))
      : undefined;
  return { shape: shape.map((size, axis) => (axis === at ? total : size)), ...(values && { values }) };
};

const unsized: Shapes = (_, [x]) => (x?.shape ? { shape: x.shape.map(() => null) } : {});

/** Sizes along other axes stay; starts, ends and axes are inputs. */
const slice: Shapes = (node, [x, , , axes]) => {
  const rank = x?.shape?.length ?? 0;
  return x?.shape && axes?.values
    ? {
        shape: x.shape.map((size, axis) =>
          axes.values!.some(cut => (cut ?? axis) === axis || cut === axis - rank) ? null : size
        )
      }
    : unsized(node, x ? [x] : []);
};

const split: Shapes = (node, [x]) => {
  const axis = number(node, 'axis', 0);
  return x?.shape
    ? { shape: x.shape.map((size, i) => (i === axis || i === axis + x.shape!.length ? null : size)) }
    : {};
};

const reduce: Shapes = (node, [x, input]) => {
  const axes = axesOf(node, input);
  const rank = x?.shape?.length ?? 0;
  const all = axes?.map(axis => ((axis ?? 0) + rank) % rank);
  const kept = number(node, 'keepdims', 1) === 1;
  return x?.shape && all
    ? { shape: x.shape.flatMap((size, axis) => (!all.includes(axis) ? [size] : kept ? [1] : [])) }
    : {};
};

const shapeOf: Shapes = (node, [x]) => {
  const sizes = x?.shape?.slice(number(node, 'start', 0), number(node, 'end', x.shape.length));
  return sizes ? { shape: [sizes.length], values: sizes } : { shape: [null] };
};

const rank =
  (count: number): Shapes =>
  () => ({ shape: Array<Size>(count).fill(null) });

/** The first input's shape: of operators on each element, and of norms. */
const UNARY =
  'Cast Identity Dropout Softmax LogSoftmax Tanh Sigmoid Erf Relu Gelu FastGelu QuickGelu BiasGelu Exp Log Sin Cos Abs Sqrt Reciprocal ' +
  'Neg Clip Not IsNaN CumSum Trilu LayerNormalization SimplifiedLayerNormalization RMSNormalization SkipLayerNormalization ' +
  'SkipSimplifiedLayerNormalization RotaryEmbedding Swish ScatterND';

const BINARY = 'Add Sub Mul Div Pow Where Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Max Min Mod';

const outColumns: Shapes = (node, [x]) => (x?.shape ? { shape: [...x.shape.slice(0, -1), number(node, 'N', 0)] } : {});

const SHAPES: ReadonlyMap<string, Shapes> = new Map<string, Shapes>([
  ...rows(UNARY, same),
  ...rows(BINARY, broadcast),
  ...rows('MatMul MatMulInteger', matMul),
  ['Tile', unsized],
  ['Slice', slice],
  ['Split', split],
  ...rows('ReduceMean ReduceSum ReduceMax ReduceMin', reduce),
  ...rows('MultiHeadAttention GroupQueryAttention EmbedLayerNormalization', rank(3)),
  ['Gemm', rank(2)],
  ['Flatten', rank(2)],
  ['Range', rank(1)],
  ['Unsqueeze', unsqueeze],
  ['Squeeze', squeeze],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Gather', gather],
  ['Concat', concat],
  ['Shape', shapeOf],
  ['ConstantOfShape', (node, inputs) => reshape(node, [{}, inputs[0] ?? {}])],
  ['Expand', (node, [x, target]) => broadcast(node, [x ?? {}, reshape(node, [{}, target ?? {}])])],
  ...rows('MatMulNBits MatMulBnb4', outColumns),
  ['Constant', node => constantForm(node)]
]);
