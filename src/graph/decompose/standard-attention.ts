import { attend } from './attend';
import { mergeHeads, partHeads, repeatHeads, repeatHeadsLike, withPast } from './heads';
import { additive, causal, withinLengths } from './masks';
import type { Call, Outputs, Refusal, Row } from './rule';
import type { Scope } from './scope';

const BOOL = 9;

const AXES = 'its Q, K and V have …, …, … axes, and …, … heads';
const CAUSAL_LENGTHS = "its rows' lengths come with 'is_causal', places of its queries are not known";

/** ai.onnx 23 and 24. Inputs are [batch, heads, pos, dim], or [batch, pos, heads · dim] with the numbers of heads given. */
const standard = (call: Call, scope: Scope): Outputs | Refusal => {
  const inputs = ['Q', 'K', 'V'].map(name => call.required(name));
  const ranks = inputs.map(input => scope.rank(input));
  const counts = ['q_num_heads', 'kv_num_heads'].map(name => call.int(name) ?? 0);
  const flat = ranks[0] === 3;
  if (
    !ranks.every(rank => rank === ranks[0]) ||
    (ranks[0] !== 3 && ranks[0] !== 4) ||
    (flat && !counts.every(Boolean))
  ) {
    return call.refuse(AXES, ...ranks, ...counts);
  }
  const [q, fresh, values] = flat ? inputs.map((x, i) => partHeads(scope, x, counts[i === 0 ? 0 : 1])) : inputs;
  const k = withPast(scope, call.input('past_key'), fresh);
  const v = withPast(scope, call.input('past_value'), values);
  const mask = call.input('attn_mask');
  const lengths = call.input('nonpad_kv_seqlen');
  if (lengths !== undefined && call.int('is_causal') === 1) {
    return call.refuse(CAUSAL_LENGTHS);
  }
  const boolean = mask !== undefined && scope.form(mask).type === BOOL;
  const biases = [
    ...(mask ? [boolean ? additive(scope, mask, -Infinity, q) : mask] : []),
    ...(lengths ? [additive(scope, withinLengths(scope, lengths, k), -Infinity, q)] : []),
    ...(call.int('is_causal') === 1 ? [additive(scope, causal(scope, q, k), -Infinity, q)] : [])
  ];
  const { products, capped, scores, pattern, z } = attend(scope, {
    q,
    k: repeated(scope, k, q),
    v: repeated(scope, v, q),
    scale: call.float('scale'),
    softcap: call.float('softcap'),
    biases,
    mayBeEmpty: mask !== undefined || lengths !== undefined
  });
  const shown = [products, capped, scores, pattern][call.int('qk_matmul_output_mode') ?? 0];
  return [flat ? mergeHeads(scope, z) : z, k, v, shown];
};

const repeated = (scope: Scope, x: string, q: string): string => {
  const [heads, kvHeads] = [q, x].map(tensor => scope.form(tensor).shape?.[1]);
  return typeof heads === 'number' && typeof kvHeads === 'number' && heads % kvHeads === 0
    ? repeatHeads(scope, x, heads, kvHeads)
    : repeatHeadsLike(scope, x, q);
};

export const STANDARD_ATTENTION: readonly Row[] = [
  {
    domains: [''],
    type: 'Attention',
    inputs: ['Q', 'K', 'V', 'attn_mask?', 'past_key?', 'past_value?', 'nonpad_kv_seqlen?'],
    attributes: ['is_causal', 'kv_num_heads', 'q_num_heads', 'qk_matmul_output_mode', 'scale', 'softcap'],
    only: { softmax_precision: [0, 1], left_window_size: [-1], right_window_size: [-1] },
    limits: [AXES, CAUSAL_LENGTHS],
    rule: standard
  }
];
