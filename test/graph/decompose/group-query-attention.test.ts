import { float, int, text } from '../../../src/graph/attributes';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import { bothForms, difference, distance, draws, int32s, int64s, leftAlone, numbers, type Use } from './forms';

/** float32: sums of 16 products in another order, then a softmax. */
const TOLERANCE = 1e-5;

const { floats, halves } = draws(6);
const halfEmpty = [halves(2, 2, 0, 16), halves(2, 2, 0, 16)];
const type = 'GroupQueryAttention';
const counts = [int('num_heads', 4), int('kv_num_heads', 2)];
const [q, k, v] = [floats(2, 5, 64), floats(2, 5, 32), floats(2, 5, 32)];
const empty = (): [ReturnType<typeof floats>, ReturnType<typeof floats>] => [floats(2, 2, 0, 16), floats(2, 2, 0, 16)];
const [last, total] = [int32s([2], 4, 4), int32s([], 5)];
const angles = Array.from({ length: 128 }, (_, i) => Math.floor(i / 8) / 3 ** (i % 8));
const tables = [numbers([16, 8], ...angles.map(Math.cos)), numbers([16, 8], ...angles.map(Math.sin))];
const ALL = ['float32', 'float32', 'float32'] as const;
const base = { type, outputs: ALL, constant: [7, 8] };
const prompt = [q, k, v, ...empty(), last, total];
const four = [undefined, undefined, undefined, undefined];
const sinks = floats(4);
/** One token behind six cached ones. */
const step = [
  floats(2, 1, 64),
  floats(2, 1, 32),
  floats(2, 1, 32),
  floats(2, 2, 6, 16),
  floats(2, 2, 6, 16),
  int32s([2], 6, 6),
  int32s([], 7)
];
const shown = { ...base, outputs: [...ALL, 'float32'] as const };
const rotary = int('do_rotary', 1);

/** Heads of 32 dims, of which the tables turn 16. */
const wide = [floats(2, 2, 0, 32), floats(2, 2, 0, 32), last, total, ...tables];
const joined = [floats(2, 5, 128), undefined, undefined, ...empty(), last, total];
const joinedStep = [floats(2, 1, 128), undefined, undefined, ...step.slice(3)];
/** Two tokens behind six cached ones. */
const two = [
  floats(1, 2, 64),
  floats(1, 2, 32),
  floats(1, 2, 32),
  floats(1, 2, 6, 16),
  floats(1, 2, 6, 16),
  int32s([1], 7),
  int32s([], 8)
];
const three = [undefined, undefined, undefined];
const turned = [...counts, rotary];
const [window, softcap, smooth] = [int('local_window_size', 2), float('softcap', 1.5), int('smooth_softmax', 1)];
const [scores, pattern] = [int('qk_output', 1), int('qk_output', 2)];

const USES: Record<string, Use> = {
  'no rotation': { ...base, inputs: prompt, attributes: counts },
  'no past': { ...base, inputs: [q, k, v, undefined, undefined, last, total, ...tables], attributes: turned },
  'lengths of two axes, a total of one': {
    ...base,
    inputs: [q, k, v, ...empty(), int32s([2, 1], 4, 4), int32s([1], 5)],
    attributes: counts
  },
  'one head each': {
    ...base,
    inputs: [q, floats(2, 5, 64), floats(2, 5, 64), floats(2, 4, 0, 16), floats(2, 4, 0, 16), last, total],
    attributes: [int('num_heads', 4), int('kv_num_heads', 4)]
  },
  scale: { ...base, inputs: prompt, attributes: [...counts, float('scale', 0.2)] },
  softcap: { ...base, inputs: prompt, attributes: [...counts, softcap] },
  'not causal': { ...base, inputs: prompt, attributes: [...counts, int('causal', 0)] },
  'not causal, a step with past': { ...base, inputs: step, attributes: [...counts, int('causal', 0)] },

  rotation: { ...base, inputs: [...prompt, ...tables], attributes: turned },
  'rotation, sizes unknown': { ...base, inputs: [...prompt, ...tables], attributes: turned, unsized: true },
  'rotation, interleaved': {
    ...base,
    inputs: [...prompt, ...tables],
    attributes: [...turned, int('rotary_interleaved', 1)]
  },
  'rotation of half the dims': {
    ...base,
    inputs: [floats(2, 5, 128), floats(2, 5, 64), floats(2, 5, 64), ...wide],
    attributes: turned
  },
  'rotation of half the dims, sizes unknown': {
    ...base,
    inputs: [floats(2, 5, 128), floats(2, 5, 64), floats(2, 5, 64), ...wide],
    attributes: turned,
    unsized: true
  },
  'rotation, a step with past': { ...base, inputs: [...step, ...tables], attributes: turned },
  'rotation, two tokens with past': { ...base, inputs: [...two, ...tables], attributes: turned },
  // At a prompt the kernel reads the first position of the first row, and counts on from it in every row.
  'positions given': {
    ...base,
    inputs: [...prompt, ...tables, int64s([2, 5], 3, 4, 5, 6, 7, 3, 4, 5, 6, 7)],
    attributes: turned
  },
  'positions given, not in a row': {
    ...base,
    inputs: [...prompt, ...tables, int64s([2, 5], 3, 3, 4, 9, 6, 0, 0, 1, 2, 3)],
    attributes: turned
  },
  'positions given, a step with past': {
    ...base,
    inputs: [...step, ...tables, int64s([2, 1], 9, 3)],
    attributes: turned
  },
  'positions given, two tokens with past': {
    ...base,
    inputs: [...two, ...tables, int64s([1, 2], 3, 9)],
    attributes: turned
  },

  packed: { ...base, inputs: joined, attributes: counts },
  'packed, rotation': { ...base, inputs: [...joined, ...tables], attributes: turned },
  'packed, rotation, sizes unknown': { ...base, inputs: [...joined, ...tables], attributes: turned, unsized: true },
  'packed, rotation, interleaved': {
    ...base,
    inputs: [...joined, ...tables],
    attributes: [...turned, int('rotary_interleaved', 1)]
  },
  'packed, rotation of half the dims': {
    ...base,
    inputs: [floats(2, 5, 256), undefined, undefined, ...wide],
    attributes: turned
  },
  'packed, rotation, no past': {
    ...base,
    inputs: [...joined.slice(0, 3), undefined, undefined, last, total, ...tables],
    attributes: turned
  },
  'packed, rotation, a step with past': { ...base, inputs: [...joinedStep, ...tables], attributes: turned },
  'packed, rotation, positions given': {
    ...base,
    inputs: [...joined, ...tables, int64s([2, 5], 3, 4, 5, 6, 7, 3, 4, 5, 6, 7)],
    attributes: turned
  },
  'packed, rotation, bias, sink, window, softcap, scale': {
    ...base,
    inputs: [...joined, ...tables, undefined, floats(2, 1, 5, 5), sinks],
    attributes: [...turned, window, softcap, float('scale', 0.2)]
  },

  'window of two': { ...base, inputs: prompt, attributes: [...counts, window] },
  'window of two, a step with past': { ...base, inputs: step, attributes: [...counts, window] },
  'a sink': { ...base, inputs: [...prompt, ...four, sinks], attributes: counts },
  'a sink, rotation, window, softcap': {
    ...base,
    inputs: [...prompt, ...tables, undefined, undefined, sinks],
    attributes: [...turned, window, softcap]
  },
  'a sink, window, a step with past': {
    ...base,
    inputs: [...step, ...four, sinks],
    attributes: [...counts, window]
  },
  'a smooth softmax': { ...base, inputs: prompt, attributes: [...counts, smooth] },
  'a smooth softmax, a step with past': { ...base, inputs: step, attributes: [...counts, smooth] },
  'a softmax that is said not to be smooth': {
    ...base,
    inputs: prompt,
    attributes: [...counts, int('smooth_softmax', -1)]
  },
  'a sink and a smooth softmax': { ...base, inputs: [...prompt, ...four, sinks], attributes: [...counts, smooth] },
  'attention bias': { ...base, inputs: [...prompt, ...three, floats(2, 1, 5, 5)], attributes: counts },
  'attention bias of each head and row': {
    ...base,
    inputs: [...prompt, ...three, floats(2, 4, 5, 5)],
    attributes: counts
  },
  'attention bias and softcap': {
    ...base,
    inputs: [...prompt, ...three, floats(1, 4, 5, 5)],
    attributes: [...counts, softcap]
  },
  'attention bias, a step with past': { ...base, inputs: [...step, ...three, floats(1, 1, 1, 7)], attributes: counts },

  'scores given out': { ...shown, inputs: prompt, attributes: [...counts, scores] },
  'scores given out, bias, softcap, window': {
    ...shown,
    inputs: [...prompt, ...three, floats(2, 1, 5, 5)],
    attributes: [...counts, scores, softcap, window]
  },
  'scores given out, window, a step with past': { ...shown, inputs: step, attributes: [...counts, scores, window] },
  'pattern given out': { ...shown, inputs: prompt, attributes: [...counts, pattern] },
  'pattern given out, window': { ...shown, inputs: prompt, attributes: [...counts, pattern, window] },
  'pattern given out, a sink': { ...shown, inputs: [...prompt, ...four, sinks], attributes: [...counts, pattern] },
  'pattern given out, a smooth softmax': { ...shown, inputs: prompt, attributes: [...counts, pattern, smooth] },
  'pattern given out, a step with past': { ...shown, inputs: step, attributes: [...counts, pattern] }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

test.each([1, 0])('a padded row, causal %s: all but what stands on padding', async causal => {
  const use: Use = {
    ...base,
    outputs: ['float32'],
    inputs: [q, k, v, ...empty(), int32s([2], 4, 2), total],
    attributes: [...counts, int('causal', causal)]
  };
  expect(await difference(use, i => i >= (5 + 3) * 64)).toBeLessThan(TOLERANCE);
});

/** float16 has 11 bits, 5·10⁻⁴; rotation, scores, pattern and values are rounded on the way. */
const HALF_TOLERANCE = 4e-3;

test.each<[string, Use]>([
  [
    'float16',
    {
      ...base,
      outputs: ['float16', 'float16', 'float16'],
      inputs: [halves(2, 5, 64), halves(2, 5, 32), halves(2, 5, 32), ...halfEmpty, last, total],
      attributes: counts
    }
  ],
  [
    'float16, packed, rotation, a sink',
    {
      ...base,
      outputs: ['float16', 'float16', 'float16'],
      inputs: [
        halves(2, 5, 128),
        undefined,
        undefined,
        ...halfEmpty,
        last,
        total,
        halves(16, 8),
        halves(16, 8),
        undefined,
        undefined,
        halves(4)
      ],
      attributes: turned
    }
  ]
])('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(HALF_TOLERANCE);
});

const unlike = [...step.slice(0, 5), int32s([2], 6, 4), step[6]];

/** Keys and values that are given out lie in another order: attention alone is compared. */
test.each<[string, Use]>([
  ['rows that fill six and four of the past', { ...base, inputs: unlike, attributes: counts }],
  [
    'rows that fill six and four of the past, rotation, window',
    { ...base, inputs: [...unlike, ...tables], attributes: [...turned, window] }
  ],
  [
    'a past of room for nine, six filled, rotation',
    {
      ...base,
      inputs: [...step.slice(0, 3), floats(2, 2, 9, 16), floats(2, 2, 9, 16), ...step.slice(5), ...tables],
      attributes: turned
    }
  ],
  [
    'a prompt, and a past of room for nine',
    {
      ...base,
      inputs: [q, k, v, floats(2, 2, 9, 16), floats(2, 2, 9, 16), last, total, ...tables],
      attributes: turned
    }
  ]
])('%s', async (_, use) => {
  const [fused, primitive] = await bothForms(use);
  expect(distance(fused.made, primitive.made)).toBeLessThan(TOLERANCE);
});

leftAlone('GroupQueryAttention', {
  'a window both ways': [
    { type, inputs: prompt, attributes: [...counts, int('causal', 0), window] },
    `it has a window and is not causal (${NO_KERNEL})`
  ],
  'heads that are shared unevenly': [
    { type, inputs: prompt, attributes: [int('num_heads', 4), int('kv_num_heads', 3)] },
    'its 4 heads are no multiple of its 3 key/value heads'
  ],
  'keys without values': [
    { type, inputs: [q, k, undefined, ...prompt.slice(3)], attributes: counts },
    'it has keys or values alone'
  ],
  'scales of quantised keys': [
    { type, inputs: [...prompt, ...four, undefined, floats(1)], attributes: counts },
    "its input 'k_scale' ('input12') is not understood (keys and values of the past are rounded)"
  ],
  'quantised values': [
    { type, inputs: prompt, attributes: [...counts, text('v_quant_type', 'PER_CHANNEL')] },
    "its attribute 'v_quant_type' is PER_CHANNEL, only NONE is understood (keys and values of the past are rounded)"
  ],
  'a past of few bits': [
    { type, inputs: prompt, attributes: [...counts, int('kv_cache_bit_width', 4)] },
    "its attribute 'kv_cache_bit_width' is 4, only 0 is understood (keys and values of the past are rounded)"
  ],

  'a smooth softmax of another kind': [
    { type, inputs: prompt, attributes: [...counts, int('smooth_softmax', 2)] },
    "its attribute 'smooth_softmax' is 2, only 0 and 1 and -1 are understood"
  ],
  'norms of queries and keys inside': [
    { type, inputs: [...prompt, ...four, undefined, undefined, undefined, floats(16), floats(16)], attributes: counts },
    `its input 'q_norm_weight' ('input14') is not understood (${NO_KERNEL})`
  ],
  'a cache that forgets': [
    { type, inputs: prompt, attributes: [...counts, int('sliding_window_cache', 1)] },
    "its attribute 'sliding_window_cache' is 1, only 0 is understood (places in a cache that forgets are not known)"
  ],
  'quantised keys': [
    { type, inputs: prompt, attributes: [...counts, text('k_quant_type', 'PER_TENSOR')] },
    "its attribute 'k_quant_type' is PER_TENSOR, only NONE is understood (keys and values of the past are rounded)"
  ],
  'rotation without tables': [
    { type, inputs: prompt, attributes: [...counts, rotary] },
    'its tables of angles are missing, or of an unknown size'
  ]
});
