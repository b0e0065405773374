import { float, int, text } from '../../../src/graph/attributes';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import { difference, draws, int32s, int64s, numbers, refusals, type Use } from './forms';

/** float32: sums of 16 products in another order, then a softmax. */
const TOLERANCE = 1e-5;

const { floats } = draws(6);
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

const USES: Record<string, Use> = {
  'no rotation': { ...base, inputs: prompt, attributes: counts },
  rotation: { ...base, inputs: [...prompt, ...tables], attributes: [...counts, rotary] },
  'rotation, sizes unknown': {
    ...base,
    inputs: [...prompt, ...tables],
    attributes: [...counts, rotary],
    unsized: true
  },
  'rotation, interleaved': {
    ...base,
    inputs: [...prompt, ...tables],
    attributes: [...counts, rotary, int('rotary_interleaved', 1)]
  },
  'rotation of half the dims': {
    ...base,
    inputs: [
      floats(2, 5, 128),
      floats(2, 5, 64),
      floats(2, 5, 64),
      floats(2, 2, 0, 32),
      floats(2, 2, 0, 32),
      last,
      total,
      ...tables
    ],
    attributes: [...counts, rotary]
  },
  'rotation of half the dims, sizes unknown': {
    ...base,
    inputs: [
      floats(2, 5, 128),
      floats(2, 5, 64),
      floats(2, 5, 64),
      floats(2, 2, 0, 32),
      floats(2, 2, 0, 32),
      last,
      total,
      ...tables
    ],
    attributes: [...counts, rotary],
    unsized: true
  },
  // At a prompt the kernel reads the first position of the first row, and counts on from it in every row.
  'positions given': {
    ...base,
    inputs: [...prompt, ...tables, int64s([2, 5], 3, 4, 5, 6, 7, 3, 4, 5, 6, 7)],
    attributes: [...counts, rotary]
  },
  packed: {
    ...base,
    inputs: [floats(2, 5, 128), undefined, undefined, ...empty(), last, total, ...tables],
    attributes: [...counts, rotary]
  },
  'no past': {
    ...base,
    inputs: [q, k, v, undefined, undefined, last, total, ...tables],
    attributes: [...counts, rotary]
  },
  'a step with past': {
    ...base,
    inputs: [
      floats(2, 1, 64),
      floats(2, 1, 32),
      floats(2, 1, 32),
      floats(2, 2, 6, 16),
      floats(2, 2, 6, 16),
      int32s([2], 6, 6),
      int32s([], 7),
      ...tables
    ],
    attributes: [...counts, rotary]
  },
  'two tokens with past': {
    ...base,
    inputs: [
      floats(1, 2, 64),
      floats(1, 2, 32),
      floats(1, 2, 32),
      floats(1, 2, 6, 16),
      floats(1, 2, 6, 16),
      int32s([1], 7),
      int32s([], 8),
      ...tables
    ],
    attributes: [...counts, rotary]
  },
  'window of two': { ...base, inputs: prompt, attributes: [...counts, int('local_window_size', 2)] },
  'window of two, past': {
    ...base,
    inputs: step,
    attributes: [...counts, int('local_window_size', 2)]
  },
  'a sink': { ...base, inputs: [...prompt, ...four, sinks], attributes: counts },
  'a sink, rotation, window, softcap': {
    ...base,
    inputs: [...prompt, ...tables, undefined, undefined, sinks],
    attributes: [...counts, rotary, int('local_window_size', 2), float('softcap', 1.5)]
  },
  'a smooth softmax': { ...base, inputs: prompt, attributes: [...counts, int('smooth_softmax', 1)] },
  'a sink and a smooth softmax': {
    ...base,
    inputs: [...prompt, ...four, sinks],
    attributes: [...counts, int('smooth_softmax', 1)]
  },
  'not causal': { ...base, inputs: prompt, attributes: [...counts, int('causal', 0)] },
  'scores given out': { ...shown, inputs: prompt, attributes: [...counts, int('qk_output', 1)] },
  'scores given out, bias, softcap, window': {
    ...shown,
    inputs: [...prompt, undefined, undefined, undefined, floats(2, 1, 5, 5)],
    attributes: [...counts, int('qk_output', 1), float('softcap', 1.5), int('local_window_size', 2)]
  },
  'pattern given out': { ...shown, inputs: prompt, attributes: [...counts, int('qk_output', 2)] },
  'pattern given out, a sink': {
    ...shown,
    inputs: [...prompt, ...four, sinks],
    attributes: [...counts, int('qk_output', 2)]
  },
  'pattern given out, a step with past': {
    ...shown,
    inputs: step,
    attributes: [...counts, int('qk_output', 2)]
  },
  softcap: { ...base, inputs: prompt, attributes: [...counts, float('softcap', 1.5)] },
  scale: { ...base, inputs: prompt, attributes: [...counts, float('scale', 0.2)] },
  'attention bias': {
    ...base,
    inputs: [...prompt, undefined, undefined, undefined, floats(2, 1, 5, 5)],
    attributes: counts
  },
  'attention bias and softcap': {
    ...base,
    inputs: [...prompt, undefined, undefined, undefined, floats(1, 4, 5, 5)],
    attributes: [...counts, float('softcap', 1.5)]
  },
  'one head each': {
    ...base,
    inputs: [q, floats(2, 5, 64), floats(2, 5, 64), floats(2, 4, 0, 16), floats(2, 4, 0, 16), last, total],
    attributes: [int('num_heads', 4), int('kv_num_heads', 4)]
  }
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

test.each<[string, Use, string]>([
  [
    'a smooth softmax of another kind',
    { type, inputs: prompt, attributes: [...counts, int('smooth_softmax', 2)] },
    "its attribute 'smooth_softmax' is 2, only 0 and 1 and -1 are understood"
  ],
  [
    'norms of queries and keys inside',
    { type, inputs: [...prompt, ...four, undefined, undefined, undefined, floats(16), floats(16)], attributes: counts },
    `its input 'q_norm_weight' ('input14') is not understood (${NO_KERNEL})`
  ],
  [
    'a cache that forgets',
    { type, inputs: prompt, attributes: [...counts, int('sliding_window_cache', 1)] },
    "its attribute 'sliding_window_cache' is 1, only 0 is understood (places in a cache that forgets are not known)"
  ],
  [
    'quantised keys',
    { type, inputs: prompt, attributes: [...counts, text('k_quant_type', 'PER_TENSOR')] },
    "its attribute 'k_quant_type' is PER_TENSOR, only NONE is understood (keys and values of the past are rounded)"
  ],
  [
    'rotation without tables',
    { type, inputs: prompt, attributes: [...counts, rotary] },
    'its tables of angles are missing, or of an unknown size'
  ]
])('%s is left alone', (_, use, why) => {
  expect(refusals(use)).toEqual([`GroupQueryAttention 'made' is not taken apart: ${why}`]);
});
