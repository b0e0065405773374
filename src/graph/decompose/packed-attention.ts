import { attend } from './attend';
import { mergeHeads, partHeads } from './heads';
import { additive, causal, LOWEST, padding } from './masks';
import { MICROSOFT, refuse, type Call, type Outputs, type Refusal, type Row } from './rule';
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
  const [q, k, v] = scope.split(joined, 2, sizes).map(x => partHeads(scope, x, heads));
  const index = call.input('mask_index');
  const mask = index === undefined ? undefined : padding(call, scope, index, k);
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

export const PACKED_ATTENTION: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'Attention',
    inputs: ['input', 'weights', 'bias?', 'mask_index?', '', 'attention_bias?'],
    attributes: ['num_heads', 'unidirectional', 'mask_filter_value', 'scale', 'qkv_hidden_sizes'],
    only: { do_rotary: [0], past_present_share_buffer: [0], rotary_embedding_dim: [0] },
    rule: packed
  }
];
