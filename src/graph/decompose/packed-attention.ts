import { int } from '../attributes';
import { attend } from './attend';
import { mergeHeads, partHeads, withPast } from './heads';
import { additive, causal, LOWEST, MASK_AXES, padding } from './masks';
import { scaledProduct } from './products';
import { MICROSOFT, NO_KERNEL, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

const NO_BIAS = 'its bias is missing, on which ONNX Runtime 1.30 ends the process';
const UNEVEN = 'queries, keys and values of … columns are not whole heads of …';
const UNEVEN_PRESENT = 'its keys of … and values of … columns are given out in one tensor';
const PAST_AND_BIAS = `it has a past and an attention bias (${NO_KERNEL})`;

/** One layer for queries, keys and values side by side, then attention by heads. */
const packed = (call: Call, scope: Scope): Outputs | Refusal => {
  const [weights, bias] = [call.required('weights'), call.input('bias')];
  if (bias === undefined) {
    return call.refuse(NO_BIAS);
  }
  const product = scope.op('MatMul', [call.required('input'), weights]);
  return attended(call, scope, scope.op('Add', [product, bias]), weights);
};

/** The same with a layer of integers. */
const quantised = (call: Call, scope: Scope): Outputs | Refusal => {
  const [tensor, scale, zero] = ['input', 'input_scale', 'input_zero_point'].map(name => call.input(name));
  const [weight, weightScale, weightZero] = ['weight', 'weight_scale', 'weight_zero_point'].map(name =>
    call.input(name)
  );
  const rows = { tensor: tensor!, scale: scale!, zero };
  const layer = { tensor: weight!, scale: weightScale!, zero: weightZero };
  return attended(call, scope, scaledProduct(scope, rows, layer, call.required('bias')), weight!);
};

/** `joined` is [batch, pos, queries · keys · values]. */
const attended = (call: Call, scope: Scope, joined: string, weights: string): Outputs | Refusal => {
  const heads = call.int('num_heads') ?? 0;
  const total = scope.form(weights).shape?.[1] ?? scope.form(call.required('bias')).shape?.[0];
  const sizes = call.ints('qkv_hidden_sizes') ?? (typeof total === 'number' ? Array<number>(3).fill(total / 3) : []);
  if (sizes.length !== 3 || !sizes.every(size => size > 0 && size % heads === 0)) {
    return call.refuse(UNEVEN, sizes.join(', ') || 'unknown', heads);
  }
  const [past, added] = [call.input('past'), call.input('attention_bias')];
  if (past !== undefined && added !== undefined) {
    return call.refuse(PAST_AND_BIAS);
  }
  if (call.wants(1) && sizes[1] !== sizes[2]) {
    return call.refuse(UNEVEN_PRESENT, sizes[1], sizes[2]);
  }
  const [q, ...fresh] = scope.split(joined, 2, sizes).map(x => partHeads(scope, x, heads));
  const [k, v] = fresh.map((x, side) => withPast(scope, past && pastSide(scope, past, side), x));
  const index = call.input('mask_index');
  const mask = index === undefined ? undefined : padding(call, scope, index, k, 'ends and starts');
  if (typeof mask === 'object') {
    return mask;
  }
  const future =
    call.int('unidirectional') === 1 ? additive(scope, causal(scope, q, k, fresh[0]), LOWEST, q) : undefined;
  const scale = call.float('scale') || 1 / Math.sqrt(sizes[0] / heads);
  const { z } = attend(scope, { q, k, v, scale, biases: [mask, future, added].filter(x => x !== undefined) });
  return [mergeHeads(scope, z), call.wants(1) ? present(scope, k, v) : undefined];
};

/** Keys (0) or values (1) of [2, batch, heads, pos, dim]. */
const pastSide = (scope: Scope, past: string, side: number): string =>
  scope.op('Gather', [past, scope.int(side)], [int('axis', 0)]);

const present = (scope: Scope, k: string, v: string): string =>
  scope.concat(
    [k, v].map(x => scope.unsqueeze(x, [0])),
    0
  );

const SHARED = {
  attributes: ['num_heads', 'unidirectional', 'mask_filter_value', 'scale'],
  only: { do_rotary: [0], past_present_share_buffer: [0] },
  because: { do_rotary: NO_KERNEL, past_present_share_buffer: NO_KERNEL },
  limits: [UNEVEN, MASK_AXES]
};

export const PACKED_ATTENTION: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'Attention',
    inputs: ['input', 'weights', 'bias?', 'mask_index?', 'past?', 'attention_bias?', 'past_sequence_length?'],
    // The last is of a rotation that is not understood.
    attributes: [...SHARED.attributes, 'qkv_hidden_sizes', 'rotary_embedding_dim'],
    only: SHARED.only,
    because: { ...SHARED.because, past_sequence_length: 'it counts what is filled of a shared cache' },
    limits: [...SHARED.limits, NO_BIAS, UNEVEN_PRESENT, PAST_AND_BIAS],
    rule: packed
  },
  {
    ...SHARED,
    domains: [MICROSOFT],
    type: 'QAttention',
    inputs: [
      'input',
      'weight',
      'bias',
      'input_scale',
      'weight_scale',
      'mask_index?',
      'input_zero_point?',
      'weight_zero_point?',
      'past?'
    ],
    rule: quantised
  }
];
