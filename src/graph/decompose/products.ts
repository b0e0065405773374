import { float, int } from '../attributes';
import { FLOAT } from './form';
import { MICROSOFT, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

const NO_BATCH = 'its operands of … and … axes have no batch to transpose';
const UNKNOWN_AXES = 'the number of axes of a transposed operand is not known';
const ACTIVATION = "its attribute 'activation' is '…', neither Relu, Tanh, Sigmoid nor LeakyRelu";

/** α · A·B, each perhaps with its last two axes swapped, or its first axis moved behind those of the batch. */
const fusedMatMul = (call: Call, scope: Scope): Outputs | Refusal => {
  const ranks = ['A', 'B'].map(name => scope.rank(call.required(name)));
  const batches = ['transBatchA', 'transBatchB'].some(name => call.int(name));
  if (batches && (ranks[0] !== ranks[1] || (ranks[0] ?? 0) < 3)) {
    return call.refuse(NO_BATCH, ...ranks);
  }
  const operands = ['A', 'B'].map(side => turned(call, scope, side));
  if (!operands.every(operand => operand !== undefined)) {
    return call.refuse(UNKNOWN_AXES);
  }
  const product = scope.op('MatMul', operands);
  const alpha = call.float('alpha') ?? 1;
  return [alpha === 1 ? product : scope.op('Mul', [product, scope.number(alpha, product)])];
};

/** Batches are transposed first: [rows, …, columns] → […, rows, columns]. */
const turned = (call: Call, scope: Scope, side: string): string | undefined => {
  const x = call.required(side);
  const [batch, swap] = ['transBatch', 'trans'].map(name => Boolean(call.int(name + side)));
  const rank = scope.rank(x);
  if (rank === undefined) {
    return batch || swap ? undefined : x;
  }
  const axes = Array.from({ length: rank }, (_, i) => i);
  const moved = batch ? [...axes.slice(1, -1), 0, rank - 1] : axes;
  const perm = swap && rank > 1 ? [...moved.slice(0, -2), moved[rank - 1], moved[rank - 2]] : moved;
  return perm.every((axis, i) => axis === i) ? x : scope.transpose(x, perm);
};

const PLAIN = new Set(['Relu', 'Tanh', 'Sigmoid']);

/** Gemm, then an activation function. */
const fusedGemm = (call: Call, scope: Scope): Outputs | Refusal => {
  const inputs = ['A', 'B', 'C'].flatMap(name => call.input(name) ?? []);
  const activation = call.text('activation') ?? '';
  if (!PLAIN.has(activation) && activation !== 'LeakyRelu') {
    return call.refuse(ACTIVATION, activation);
  }
  const product = scope.op('Gemm', inputs, [
    ...['alpha', 'beta'].map(name => float(name, call.float(name) ?? 1)),
    ...['transA', 'transB'].map(name => int(name, call.int(name) ?? 0))
  ]);
  const slope = activation === 'LeakyRelu' ? [float('alpha', call.float('activation_alpha') ?? 0.01)] : [];
  return [scope.op(activation, [product], slope)];
};

export interface Quantised {
  readonly tensor: string;
  readonly scale: string;
  readonly zero?: string;
}

/** (A − a₀)·(B − b₀) in integers, times both scales, plus the bias. */
export const scaledProduct = (scope: Scope, a: Quantised, b: Quantised, bias: string | undefined): string => {
  const zeros = [a.zero ?? '', b.zero ?? ''];
  const given = zeros[1] ? zeros : zeros[0] ? [zeros[0]] : [];
  const product = scope.cast(scope.op('MatMulInteger', [a.tensor, b.tensor, ...given]), FLOAT);
  const scale = scope.op('Mul', [a.scale, b.scale]);
  const scaled = scope.op('Mul', [product, scale]);
  return bias ? scope.op('Add', [scaled, bias]) : scaled;
};

const storedWeight = (call: Call): Quantised => ({
  tensor: call.required('B'),
  scale: call.required('b_scale'),
  zero: call.input('b_zero_point')
});

const integerToFloat = (call: Call, scope: Scope): Outputs => {
  const a = { tensor: call.required('A'), scale: call.required('a_scale'), zero: call.input('a_zero_point') };
  return [scaledProduct(scope, a, storedWeight(call), call.input('bias'))];
};

/** A is rounded to eight bits first, with one scale for all of it. */
const dynamicQuantized = (call: Call, scope: Scope): Outputs => {
  const [tensor, scale, zero] = scope.ops('DynamicQuantizeLinear', [call.required('A')], 3);
  return [scaledProduct(scope, { tensor, scale, zero }, storedWeight(call), call.input('bias'))];
};

export const PRODUCTS: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'FusedMatMul',
    inputs: ['A', 'B'],
    attributes: ['alpha', 'transA', 'transB', 'transBatchA', 'transBatchB'],
    limits: [NO_BATCH, UNKNOWN_AXES],
    rule: fusedMatMul
  },
  {
    domains: [MICROSOFT],
    type: 'FusedGemm',
    inputs: ['A', 'B', 'C?'],
    attributes: ['alpha', 'beta', 'transA', 'transB', 'activation', 'activation_alpha'],
    only: { activation_beta: [0], activation_gamma: [0] },
    limits: [ACTIVATION],
    rule: fusedGemm
  },
  {
    domains: [MICROSOFT],
    type: 'MatMulIntegerToFloat',
    inputs: ['A', 'B', 'a_scale', 'b_scale', 'a_zero_point?', 'b_zero_point?', 'bias?'],
    attributes: [],
    rule: integerToFloat
  },
  {
    domains: [MICROSOFT],
    type: 'DynamicQuantizeMatMul',
    inputs: ['A', 'B', 'b_scale', 'b_zero_point?', 'bias?'],
    attributes: [],
    rule: dynamicQuantized
  }
];
