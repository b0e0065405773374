import { intAttribute } from '../attributes';
import { conv } from './conv-shape';
import { broadcast } from './dims';
import { equationOf } from '../../graph/einsum-equation';
import { elementwise, isWhole, UNKNOWN, type Infer } from './known';
import {
  concat,
  expand,
  flatten,
  gather,
  reduce,
  reshape,
  slice,
  split,
  squeeze,
  tile,
  transpose,
  unsqueeze
} from './layout-shapes';
import { cast, constantOfShape, divide, equal, multiply, NUMBERS, range, shapeOf, where } from './value-shapes';

/** Shapes and small values of a node's outputs. An operator that is not in the table gives nothing. */
export const inferNode: Infer = (node, inputs) => {
  // A broken file may leave out what its operator needs; the runtime says so.
  if (inputs.length < (LEAST_INPUTS.get(node.opType) ?? 1)) {
    return [];
  }
  const results = (TABLE.get(node.opType)?.(node, inputs) ?? []).map(result =>
    (result.shape?.length ?? 0) > MOST_AXES ? UNKNOWN : result
  );
  const whole = isWhole(node, inputs);
  return whole ? results.map(result => ({ ...result, whole })) : results;
};

/** A broken file may ask for any number of axes. */
const MOST_AXES = 32;

const LEAST_INPUTS: ReadonlyMap<string, number> = new Map([
  ...'MatMul FusedMatMul MatMulInteger DynamicQuantizeMatMul Gemm Conv Gather GatherElements Reshape Expand Tile Div Mul Equal'
    .split(' ')
    .map((name): [string, number] => [name, 2]),
  ...'Where Range'.split(' ').map((name): [string, number] => [name, 3])
]);

const same: Infer = (_, [x]) => [{ shape: x.shape }];

/** The first output has the first input's shape, the elements are the same too. */
const copy: Infer = (_, [{ shape, values }]) => [{ shape, values }];

const matMul: Infer = (_, [a, b]) => {
  if (!a.shape || !b.shape || a.shape.length < 2 || b.shape.length < 2) {
    return [UNKNOWN];
  }
  const outer = broadcast([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  return [{ shape: [...outer, a.shape.at(-2)!, b.shape.at(-1)!] }];
};

const einsum: Infer = (node, [a, b]) => {
  const equation = equationOf(node);
  if (!equation || !a.shape || !b?.shape) {
    return [UNKNOWN];
  }
  const sizes = new Map([...equation.right.map((letter, i) => [letter, b.shape![i]] as const)]);
  equation.left.forEach((letter, i) => sizes.set(letter, a.shape![i]));
  return [{ shape: equation.out.map(letter => sizes.get(letter) ?? null) }];
};

const gemm: Infer = (node, [a, b]) => {
  if (!a.shape || !b.shape) {
    return [UNKNOWN];
  }
  const rows = a.shape[intAttribute(node, 'transA') ? 1 : 0];
  return [{ shape: [rows, b.shape[intAttribute(node, 'transB') ? 0 : 1]] }];
};

const matMulBits: Infer = (node, [x]) => [
  { shape: x.shape && [...x.shape.slice(0, -1), intAttribute(node, 'N') ?? null] }
];

const SAME =
  'Softmax LogSoftmax Tanh Sigmoid Erf Relu Gelu FastGelu QuickGelu Exp Log Sin Cos Abs Clip Not IsNaN IsInf Floor Ceil Round Sign Softplus HardSwish Swish Elu Selu LeakyRelu LayerNormalization SimplifiedLayerNormalization RMSNormalization Trilu CumSum ScatterND ScatterElements DequantizeLinear DynamicQuantizeLinear RotaryEmbedding MoE QMoE';

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
  ['DynamicQuantizeMatMul', matMul],
  ['Gemm', gemm],
  ['Einsum', einsum],
  ...rows('MatMulNBits MatMulBnb4', matMulBits),
  ['Range', range],
  ['ConstantOfShape', constantOfShape],
  ['Flatten', flatten],
  ['Conv', conv],
  ['DynamicQuantizeConv', conv]
]);
