import { attend } from './attend';
import { mergeHeads, partHeads, repeatHeads, repeatHeadsLike, withPast } from './heads';
import { additive, causal, LOWEST, notLater, ofEachRow, places, withinLengths } from './masks';
import { NO_KERNEL, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

const BOOL = 9;

const AXES = 'its Q, K and V have …, …, … axes, and …, … heads';

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
  const boolean = mask !== undefined && scope.form(mask).type === BOOL;
  const keeps = [...(boolean ? [mask] : []), ...kept(call, scope, q, { k, fresh })];
  const { products, capped, scores, pattern, z } = attend(scope, {
    q,
    k: repeated(scope, k, q),
    v: repeated(scope, v, q),
    scale: call.float('scale'),
    softcap: call.float('softcap'),
    biases: [...(mask && !boolean ? [mask] : []), ...keeps.map(keep => additive(scope, keep, -Infinity, q))],
    mayBeEmpty: mask !== undefined || call.input('nonpad_kv_seqlen') !== undefined
  });
  const shown: readonly (() => string)[] = [
    () => products,
    () => capped,
    () =>
      keeps.length > 0
        ? shownScores(scope, mask && !boolean ? scope.op('Add', [capped, mask]) : capped, keeps)
        : scores,
    () => pattern
  ];
  const given = call.wants(3) ? shown[call.int('qk_matmul_output_mode') ?? 0]() : undefined;
  return [flat ? mergeHeads(scope, z) : z, k, v, given];
};

/** Before the softmax the kernel shows its lowest number where a score is masked. */
const shownScores = (scope: Scope, scores: string, keeps: readonly string[]): string =>
  scope.op('Where', [keeps.reduce((all, keep) => scope.op('And', [all, keep])), scores, scope.number(LOWEST, scores)]);

/** Keys within the row's length, and up to the query's place: the last query has that of the last key which is no padding. */
const kept = (call: Call, scope: Scope, q: string, { k, fresh }: { k: string; fresh: string }): readonly string[] => {
  const lengths = call.input('nonpad_kv_seqlen');
  const isCausal = call.int('is_causal') === 1;
  if (lengths === undefined) {
    return isCausal ? [causal(scope, q, k, fresh)] : [];
  }
  const within = withinLengths(scope, lengths, k);
  if (!isCausal) {
    return [within];
  }
  const length = scope.size(q, 2);
  const start = scope.op('Sub', [ofEachRow(scope, lengths, k), length]);
  return [within, notLater(scope, places(scope, length, scope.size(k, 2), start))];
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
    attributes: [
      'is_causal',
      'kv_num_heads',
      'q_num_heads',
      'scale',
      'softcap',
      // ONNX Runtime's kernel does not look at it.
      'softmax_precision'
    ],
    only: { qk_matmul_output_mode: [0, 1, 2, 3], left_window_size: [-1], right_window_size: [-1] },
    because: { left_window_size: NO_KERNEL, right_window_size: NO_KERNEL },
    limits: [AXES],
    rule: standard
  }
];
