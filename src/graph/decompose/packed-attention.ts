import { int } from '../attributes';
import { attend } from './attend';
import { mergeHeads, partHeads, withPast } from './heads';
import { additive, causal, LOWEST, padding } from './masks';
import { MICROSOFT, NO_KERNEL, refuse, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

/** One layer for queries, keys and values side by side, then attention by heads. */
const packed = (call: Call, scope: Scope): Outputs | Refusal => {
  const { node } = call;
  const heads = call.int('num_heads') ?? 0;
  const [weights, bias] = [call.required('weights'), call.input('bias')];
  if (bias === undefined) {
    return refuse(node, 'its bias is missing, on which ONNX Runtime 1.30 ends the process');
  }
  const total = scope.form(weights).shape?.[1] ?? scope.form(bias).shape?.[0];
  const sizes = call.ints('qkv_hidden_sizes') ?? (typeof total === 'number' ? Array<number>(3).fill(total / 3) : []);
  if (sizes.length !== 3 || !sizes.every(size => size > 0 && size % heads === 0)) {
    return refuse(
      node,
      `queries, keys and values of ${sizes.join(', ') || 'unknown'} columns are not whole heads of ${heads}`
    );
  }
  const product = scope.op('MatMul', [call.required('input'), weights]);
  const joined = scope.op('Add', [product, bias]);
  const past = call.input('past');
  if (past !== undefined && call.input('attention_bias') !== undefined) {
    return refuse(node, `it has a past and an attention bias (${NO_KERNEL})`);
  }
  const [q, ...fresh] = scope.split(joined, 2, sizes).map(x => partHeads(scope, x, heads));
  const [k, v] = fresh.map((x, side) => withPast(scope, past && pastSide(scope, past, side), x));
  const index = call.input('mask_index');
  const mask = index === undefined ? undefined : padding(call, scope, index, k, 'ends and starts');
  if (typeof mask === 'object') {
    return mask;
  }
  const future = call.int('unidirectional') === 1 ? additive(scope, causal(scope, q, k), LOWEST, q) : undefined;
  const scale = call.float('scale') || 1 / Math.sqrt(sizes[0] / heads);
  const biases = [mask, future, call.input('attention_bias')].filter(x => x !== undefined);
  const { z } = attend(scope, { q, k, v, scale, biases });
  const present = call.wants(1)
    ? scope.concat(
        [k, v].map(x => scope.unsqueeze(x, [0])),
        0
      )
    : undefined;
  return [mergeHeads(scope, z), present];
};

/** Keys (0) or values (1) of [2, batch, heads, pos, dim]. */
const pastSide = (scope: Scope, past: string, side: number): string =>
  scope.op('Gather', [past, scope.int(side)], [int('axis', 0)]);

export const PACKED_ATTENTION: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'Attention',
    inputs: ['input', 'weights', 'bias?', 'mask_index?', 'past?', 'attention_bias?', 'past_sequence_length?'],
    attributes: ['num_heads', 'unidirectional', 'mask_filter_value', 'scale', 'qkv_hidden_sizes'],
    only: { do_rotary: [0], past_present_share_buffer: [0], rotary_embedding_dim: [0] },
    because: {
      do_rotary: NO_KERNEL,
      past_present_share_buffer: NO_KERNEL,
      past_sequence_length: 'it counts what is filled of a shared cache'
    },
    rule: packed
  }
];
