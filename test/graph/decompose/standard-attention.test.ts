import { float, int } from '../../../src/graph/attributes';
import type { Tensor } from '../../../src/onnx/tensor';
import { difference, draws, int64s, refusals, type Use } from './forms';

/** float32: sums of 8 products in another order, then a softmax. */
const TOLERANCE = 1e-5;
/** float16 has 11 bits; scores, pattern and values are rounded on the way. */
const HALF_TOLERANCE = 5e-3;

const { floats, halves } = draws(7);
const base = { type: 'Attention', domain: '', opset: 23 };
const [q, k, v] = [floats(2, 4, 5, 8), floats(2, 4, 5, 8), floats(2, 4, 5, 8)];
const [fewK, fewV] = [floats(2, 2, 5, 8), floats(2, 2, 5, 8)];
const causal = int('is_causal', 1);
const bools = (dims: readonly number[], keep: (i: number) => boolean): Tensor => ({
  dims,
  type: 'bool',
  data: Uint8Array.from({ length: dims.reduce((n, size) => n * size, 1) }, (_, i) => Number(keep(i)))
});
const triangle = bools([5, 5], i => i % 5 <= i / 5);
const ALL = ['float32', 'float32', 'float32'] as const;
const SHOWN = ['float32', undefined, undefined, 'float32'] as const;
const past = [floats(2, 4, 3, 8), floats(2, 4, 3, 8)];

const USES: Record<string, Use> = {
  'four axes': { ...base, inputs: [q, k, v] },
  'four axes, sizes unknown': { ...base, inputs: [q, k, v], unsized: true },
  'three axes': {
    ...base,
    inputs: [floats(2, 5, 32), floats(2, 6, 32), floats(2, 6, 32)],
    attributes: [int('q_num_heads', 4), int('kv_num_heads', 4)]
  },
  causal: { ...base, inputs: [q, k, v], attributes: [causal] },
  'boolean mask': { ...base, inputs: [q, k, v, triangle] },
  'boolean mask of each row': { ...base, inputs: [q, k, v, bools([2, 1, 5, 5], i => i % 3 > 0 || i % 5 === 0)] },
  'additive mask': { ...base, inputs: [q, k, v, floats(2, 4, 5, 5)] },
  'additive mask, causal': { ...base, inputs: [q, k, v, floats(1, 1, 5, 5)], attributes: [causal] },
  'boolean mask, causal': {
    ...base,
    inputs: [q, k, v, bools([5, 5], i => i % 5 === 0 || i % 2 > 0)],
    attributes: [causal]
  },
  'fewer key/value heads': { ...base, inputs: [q, fewK, fewV], attributes: [causal] },
  'fewer key/value heads, sizes unknown': { ...base, inputs: [q, fewK, fewV], unsized: true },
  'fewer key/value heads, three axes': {
    ...base,
    inputs: [floats(2, 5, 32), floats(2, 5, 16), floats(2, 5, 16)],
    attributes: [int('q_num_heads', 4), int('kv_num_heads', 2), causal],
    unsized: true
  },
  scale: { ...base, inputs: [q, k, v], attributes: [float('scale', 0.1)] },
  softcap: { ...base, inputs: [q, k, v], attributes: [float('softcap', 0.7)] },
  'softcap, causal': { ...base, inputs: [q, k, v], attributes: [float('softcap', 0.7), causal] },
  past: { ...base, inputs: [q, k, v, undefined, ...past], outputs: ALL },
  'past, boolean mask': { ...base, inputs: [q, k, v, bools([5, 8], i => i % 8 < 4), ...past], outputs: ALL },
  'past, causal': { ...base, inputs: [q, k, v, undefined, ...past], outputs: ALL, attributes: [causal] },
  'products given out': {
    ...base,
    inputs: [q, k, v, triangle],
    outputs: SHOWN,
    attributes: [int('qk_matmul_output_mode', 0)]
  },
  'pattern given out': {
    ...base,
    inputs: [q, k, v, triangle],
    outputs: SHOWN,
    attributes: [int('qk_matmul_output_mode', 3)]
  },
  'capped scores given out': {
    ...base,
    inputs: [q, k, v, floats(5, 5)],
    outputs: SHOWN,
    attributes: [int('qk_matmul_output_mode', 1), float('softcap', 0.7)]
  },
  'masked scores given out': {
    ...base,
    inputs: [q, k, v, floats(5, 5)],
    outputs: SHOWN,
    attributes: [int('qk_matmul_output_mode', 2), float('softcap', 0.7)]
  },
  'lengths without padding': {
    ...base,
    opset: 24,
    inputs: [q, k, v, undefined, undefined, undefined, int64s([2], 5, 3)]
  },
  'lengths and a mask, grouped heads': {
    ...base,
    opset: 24,
    inputs: [q, fewK, fewV, triangle, undefined, undefined, int64s([2], 4, 2)]
  },
  'opset 24': { ...base, opset: 24, inputs: [q, fewK, fewV, triangle], attributes: [float('softcap', 0.7)] },
  'a row in which all is masked, opset 24': { ...base, opset: 24, inputs: [q, k, v, bools([5, 5], i => i >= 5)] },
  'a row in which all is masked': { ...base, inputs: [q, k, v, bools([5, 5], i => i >= 5)] }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

test('float16', async () => {
  const inputs = [halves(2, 4, 5, 8), halves(2, 4, 5, 8), halves(2, 4, 5, 8)];
  expect(await difference({ ...base, inputs, outputs: ['float16'], attributes: [causal] })).toBeLessThan(
    HALF_TOLERANCE
  );
});

test.each<[string, Use, string]>([
  [
    'lengths of a causal one',
    { ...base, opset: 24, inputs: [q, k, v, undefined, undefined, undefined, int64s([2], 5, 3)], attributes: [causal] },
    "its rows' lengths come with 'is_causal', places of its queries are not known"
  ],
  [
    'a softmax in float64',
    { ...base, inputs: [q, k, v], attributes: [int('softmax_precision', 11)] },
    "its attribute 'softmax_precision' is 11, only 0 and 1 are understood"
  ],
  [
    'three axes without heads',
    { ...base, inputs: [floats(2, 5, 32), floats(2, 5, 32), floats(2, 5, 32)] },
    'its Q, K and V have 3, 3, 3 axes, and 0, 0 heads'
  ]
])('%s is left alone', (_, use, why) => {
  expect(refusals(use)).toEqual([`Attention 'made' is not taken apart: ${why}`]);
});
