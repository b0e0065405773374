import { attend } from './attend';
import { mergeHeads, partHeads, withPast } from './heads';
import { additive, LOWEST, MASK_AXES, notLater, padding, places } from './masks';
import { MICROSOFT, NO_KERNEL, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

const ALL_PACKED = `its queries, keys and values come in one tensor (${NO_KERNEL})`;
const PACKED = `its keys and values come in one tensor (${NO_KERNEL})`;
const COUNT = 'it has … heads';
const AXES = 'its query, key and value have …, …, … axes, not 3 or 4';
const COMPUTED = "its bias '…' is not an initialiser of a known size";
const PARTS = "its bias '…' of … numbers is not made of three";

/** Attention on queries, keys and values that are projected already, perhaps but for their biases. */
const multiHead = (call: Call, scope: Scope): Outputs | Refusal => {
  const heads = call.int('num_heads') ?? 0;
  const inputs = ['query', 'key', 'value'].map(name => call.input(name));
  if (!inputs.every(input => input !== undefined)) {
    return call.refuse(scope.rank(call.required('query')) === 5 ? ALL_PACKED : PACKED);
  }
  if (heads < 1) {
    return call.refuse(COUNT, heads);
  }
  const ranks = inputs.map(input => scope.rank(input));
  if (ranks[0] !== 3 || !ranks.every(rank => rank === 3 || rank === 4)) {
    return call.refuse(AXES, ...ranks);
  }
  const biases = biasesOf(call, scope);
  if ('refused' in biases) {
    return biases;
  }
  const [q, fresh, values] = inputs.map((input, i) =>
    ranks[i] === 4 ? input : partHeads(scope, biases[i] ? scope.op('Add', [input, biases[i]]) : input, heads)
  );
  const k = withPast(scope, call.input('past_key'), fresh);
  const v = withPast(scope, call.input('past_value'), values);
  const given = call.input('key_padding_mask');
  const mask = given === undefined ? undefined : padding(call, scope, given, k, 'ends');
  if (typeof mask === 'object') {
    return mask;
  }
  const future = call.int('unidirectional') === 1 ? additive(scope, earlier(call, scope, q), LOWEST, q) : undefined;
  const added = [mask, future, call.input('attention_bias')].filter(x => x !== undefined);
  const { z, scores } = attend(scope, { q, k, v, scale: call.float('scale') || undefined, biases: added });
  return [mergeHeads(scope, z), k, v, scores];
};

/**
 * Keys up to the query's place: booleans [query, past + query]. Where there are more keys the kernel shows all of them to the last
 * query alone; this fails when it runs.
 */
const earlier = (call: Call, scope: Scope, q: string): string => {
  const [length, past] = [scope.size(q, 2), call.input('past_key')];
  const start = past && scope.size(past, 2);
  return notLater(scope, places(scope, length, start ? scope.op('Add', [length, start]) : length, start));
};

/** One vector of three biases; each part an initialiser of its own, so that layers are seen whole. */
const biasesOf = (call: Call, scope: Scope): readonly string[] | Refusal => {
  const bias = call.input('bias');
  const total = bias ? scope.form(bias).shape?.[0] : 0;
  if (bias === undefined) {
    return [];
  }
  const width = scope.form(call.required('query')).shape?.[2] ?? (typeof total === 'number' ? total / 3 : undefined);
  if (typeof total !== 'number' || width === undefined || !scope.isInitialiser(bias)) {
    return call.refuse(COMPUTED, bias);
  }
  const sizes = [width, width, total - 2 * width];
  return sizes.every(size => Number.isInteger(size) && size > 0)
    ? scope.parts(bias, sizes)
    : call.refuse(PARTS, bias, total);
};

export const MULTI_HEAD: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'MultiHeadAttention',
    inputs: [
      'query',
      'key?',
      'value?',
      'bias?',
      'key_padding_mask?',
      'attention_bias?',
      'past_key?',
      'past_value?',
      'past_sequence_length?',
      'cache_indirection?'
    ],
    attributes: ['num_heads', 'unidirectional', 'mask_filter_value', 'scale'],
    because: {
      past_sequence_length: 'how much of a shared cache is filled stands in no tensor’s size',
      cache_indirection: 'beams share their keys and values'
    },
    limits: [ALL_PACKED, PACKED, COUNT, AXES, COMPUTED, PARTS, MASK_AXES],
    rule: multiHead
  }
];
