import { attend } from './attend';
import { mergeHeads, partHeads, repeatHeads, withPast } from './heads';
import { additive, counted, LOWEST, notLater } from './masks';
import { pastRows, type PastRows } from './past-rows';
import { anglesAt, rotate } from './rotary';
import { MICROSOFT, NO_KERNEL, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

const INT64 = 7;

const GROUPS = 'its … heads are no multiple of its … key/value heads';
const ALONE = 'it has keys or values alone';
const BOTH_WAYS = `it has a window and is not causal (${NO_KERNEL})`;
const TABLES = 'its tables of angles are missing, or of an unknown size';

/**
 * Causal attention with rotation inside. New keys and values lie behind the whole past, whose tensor may be longer than what of it a
 * row fills: the kernel, which puts them right behind what is filled, gives them out in another order then.
 */
const groupQuery = (call: Call, scope: Scope): Outputs | Refusal => {
  const [heads, kvHeads] = [call.int('num_heads') ?? 0, call.int('kv_num_heads') ?? 0];
  if (heads < 1 || kvHeads < 1 || heads % kvHeads !== 0) {
    return call.refuse(GROUPS, heads, kvHeads);
  }
  if ((call.input('key') === undefined) !== (call.input('value') === undefined)) {
    return call.refuse(ALONE);
  }
  if (call.int('causal') === 0 && (call.int('local_window_size') ?? -1) > 0) {
    return call.refuse(BOTH_WAYS);
  }
  const [q, key, value] = projected(call, scope, heads, kvHeads);
  const rows = pastRows(call, scope, q);
  const turn = turning(call, scope, q, rows);
  if (turn !== undefined && typeof turn !== 'function') {
    return turn;
  }
  const [turnedQ, turnedK] = [q, key].map(x => (turn ? turn(x) : x));
  const k = withPast(scope, call.input('past_key'), turnedK);
  const v = withPast(scope, call.input('past_value'), value);
  const keep = kept(call, scope, rows);
  const bias = call.input('attention_bias');
  const { z, capped, pattern } = attend(scope, {
    q: turnedQ,
    k: repeatHeads(scope, k, heads, kvHeads),
    v: repeatHeads(scope, v, heads, kvHeads),
    scale: call.float('scale') || undefined,
    softcap: call.float('softcap'),
    sink: sinkOf(call, scope, q),
    biases: [...(bias ? [bias] : []), additive(scope, keep, LOWEST, q)]
  });
  const shown: Readonly<Record<number, () => string>> = {
    1: () => shownScores(scope, bias ? scope.op('Add', [capped, bias]) : capped, keep),
    2: () => pattern
  };
  return [mergeHeads(scope, z), k, v, shown[call.int('qk_output') ?? 0]?.()];
};

/** Before the softmax the kernel shows zeros where a score is masked. */
const shownScores = (scope: Scope, scores: string, keep: string): string =>
  scope.op('Where', [keep, scores, scope.number(0, scores)]);

/** A score of each head, or zero for all (a smooth softmax): [1, heads, 1, 1], or a number. */
const sinkOf = (call: Call, scope: Scope, q: string): string | undefined => {
  const sink = call.input('head_sink');
  return sink ? scope.unsqueeze(sink, [0, 2, 3]) : call.int('smooth_softmax') === 1 ? scope.number(0, q) : undefined;
};

/** [batch, heads, pos, dim] each; without keys the queries hold all three side by side, head after head. */
const projected = (call: Call, scope: Scope, heads: number, kvHeads: number): readonly string[] => {
  const [query, key, value] = ['query', 'key', 'value'].map(name => call.input(name));
  if (key && value) {
    return [partHeads(scope, query!, heads), partHeads(scope, key, kvHeads), partHeads(scope, value, kvHeads)];
  }
  const parted = scope.reshape(query!, [0, 0, heads + 2 * kvHeads, -1]);
  return scope.split(parted, 2, [heads, kvHeads, kvHeads]).map(x => scope.transpose(x, [0, 2, 1, 3]));
};

/** Positions are given, or counted on from what is filled of the past. */
const turning = (
  call: Call,
  scope: Scope,
  q: string,
  rows: PastRows
): ((x: string) => string) | undefined | Refusal => {
  if (call.int('do_rotary') !== 1) {
    return undefined;
  }
  const [cos, sin, given] = ['cos_cache', 'sin_cache', 'position_ids'].map(name => call.input(name));
  const half = cos && scope.form(cos).shape?.[1];
  if (!cos || !sin || typeof half !== 'number') {
    return call.refuse(TABLES);
  }
  const angles = anglesAt(scope, cos, sin, given ? givenPositions(call, scope, q, given) : rows.positions());
  const width = scope.form(q).shape?.[3];
  const interleaved = call.int('rotary_interleaved') === 1;
  // A slice of all dims is none; the width of a head is not always known.
  return x => rotate(scope, x, { ...angles, interleaved, dims: width === 2 * half ? 0 : 2 * half });
};

/** At a prompt the kernel reads the first position of the first row, and counts on from it in every row. */
const givenPositions = (call: Call, scope: Scope, q: string, given: string): string => {
  const [length, total] = [scope.size(q, 2), call.required('total_sequence_length')];
  const first = scope.slice(scope.slice(given, 0, 0, 1), 1, 0, 1);
  const prompt = scope.op('Add', [first, counted(scope, length)]);
  return scope.op('Where', [scope.op('Equal', [scope.cast(total, INT64), length]), prompt, given]);
};

/** Keys up to the query's place where it is causal, within the window, and filled: booleans [batch, 1, query, key]. */
const kept = (call: Call, scope: Scope, { places, filled }: PastRows): string => {
  const window = call.int('local_window_size') ?? -1;
  const tests = (call.int('causal') ?? 1) === 1 ? [notLater(scope, places)] : [];
  if (window > 0) {
    tests.push(scope.op('Greater', [places.keys, scope.op('Sub', [places.queries, scope.int(window)])]));
  }
  return [...tests, filled].reduce((all, test) => scope.op('And', [all, test]));
};

const QUANTISED_CACHE = 'keys and values of the past are rounded';

export const GROUP_QUERY: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'GroupQueryAttention',
    inputs: [
      'query',
      'key?',
      'value?',
      'past_key?',
      'past_value?',
      'seqlens_k',
      'total_sequence_length',
      'cos_cache?',
      'sin_cache?',
      'position_ids?',
      'attention_bias?',
      'head_sink?',
      'k_scale?',
      'v_scale?',
      'q_norm_weight?',
      'k_norm_weight?'
    ],
    attributes: [
      'num_heads',
      'kv_num_heads',
      'scale',
      'softcap',
      'local_window_size',
      'do_rotary',
      'rotary_interleaved',
      // Of norms that are not understood.
      'qk_norm_epsilon'
    ],
    only: {
      causal: [0, 1],
      smooth_softmax: [0, 1, -1],
      qk_output: [0, 1, 2],
      k_quant_type: ['NONE'],
      v_quant_type: ['NONE'],
      kv_cache_bit_width: [0],
      sliding_window_cache: [0]
    },
    because: {
      k_quant_type: QUANTISED_CACHE,
      v_quant_type: QUANTISED_CACHE,
      kv_cache_bit_width: QUANTISED_CACHE,
      k_scale: QUANTISED_CACHE,
      v_scale: QUANTISED_CACHE,
      sliding_window_cache: 'places in a cache that forgets are not known',
      q_norm_weight: NO_KERNEL,
      k_norm_weight: NO_KERNEL
    },
    limits: [GROUPS, ALONE, BOTH_WAYS, TABLES],
    rule: groupQuery
  }
];
