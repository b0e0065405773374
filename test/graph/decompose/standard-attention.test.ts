import { float, int } from '../../../src/graph/attributes';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import type { Attribute } from '../../../src/onnx/model';
import { bools, difference, draws, int64s, leftAlone, numbers, type Use } from './forms';

/** float32: sums of 8 products in another order, then a softmax. */
const TOLERANCE = 1e-5;
/** float16 has 11 bits; scores, pattern and values are rounded on the way. */
const HALF_TOLERANCE = 5e-3;

const { floats, halves } = draws(7);
const base = { type: 'Attention', domain: '', opset: 23 };
const [q, k, v] = [floats(2, 4, 5, 8), floats(2, 4, 5, 8), floats(2, 4, 5, 8)];
const [fewK, fewV] = [floats(2, 2, 5, 8), floats(2, 2, 5, 8)];
const causal = int('is_causal', 1);
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

const [longK, longV] = [floats(2, 4, 7, 8), floats(2, 4, 7, 8)];
const capped = float('softcap', 0.7);
const all = bools([5, 8], i => i % 8 === 0 || i % 3 > 0);

/** The same under each opset that has the operator. */
const BOTH: Record<string, Omit<Use, 'type'>> = {
  'causal, more keys than queries': { inputs: [q, longK, longV], attributes: [causal] },
  'causal, fewer keys than queries': {
    inputs: [q, floats(2, 4, 3, 8), floats(2, 4, 3, 8)],
    attributes: [causal]
  },
  'causal, more keys, sizes unknown': { inputs: [q, longK, longV], attributes: [causal], unsized: true },
  'values of another width': { inputs: [q, k, floats(2, 4, 5, 6)] },
  'values of another width, three axes': {
    inputs: [floats(2, 5, 32), floats(2, 5, 32), floats(2, 5, 24)],
    attributes: [int('q_num_heads', 4), int('kv_num_heads', 4)]
  },
  'additive mask of three axes': { inputs: [q, k, v, floats(4, 5, 5)] },
  'boolean mask of three axes': { inputs: [q, k, v, bools([1, 5, 5], i => i % 3 > 0)] },
  'additive mask of each row': { inputs: [q, k, v, floats(2, 1, 5, 5)] },
  'additive mask of each head': { inputs: [q, k, v, floats(1, 4, 5, 5)] },
  'additive mask of −∞ in all of a row': {
    inputs: [q, k, v, numbers([5, 5], ...Array.from({ length: 25 }, (_, i) => (i < 5 ? -Infinity : 0)))]
  },
  'a row in which all is masked by both': {
    inputs: [q, k, v, bools([5, 5], i => i % 5 > 0)],
    attributes: [causal]
  },
  'past, boolean mask, causal, softcap, scale': {
    inputs: [q, k, v, all, ...past],
    outputs: ALL,
    attributes: [causal, capped, float('scale', 0.2)]
  },
  'past, fewer key/value heads, three axes': {
    inputs: [floats(2, 5, 32), floats(2, 5, 16), floats(2, 5, 16), undefined, floats(2, 2, 3, 8), floats(2, 2, 3, 8)],
    outputs: ALL,
    attributes: [int('q_num_heads', 4), int('kv_num_heads', 2), causal]
  },
  // The kernel does not look at it.
  ...Object.fromEntries(
    [0, 1, 10, 11, 16].map(type => [
      `softmax_precision ${type}`,
      { inputs: [q, k, v], attributes: [int('softmax_precision', type)] }
    ])
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3].flatMap(mode => {
      const attributes = [int('qk_matmul_output_mode', mode), capped];
      const row = (inputs: Use['inputs'], ...more: Attribute[]) => ({
        inputs,
        outputs: SHOWN,
        attributes: [...attributes, ...more]
      });
      return [
        [`output 3, mode ${mode}, additive mask, causal`, row([q, k, v, floats(5, 5)], causal)],
        [`output 3, mode ${mode}, boolean mask, causal`, row([q, k, v, bools([5, 5], i => i % 3 < 2)], causal)],
        [`output 3, mode ${mode}, causal`, row([q, k, v], causal)],
        [
          `output 3, mode ${mode}, past, boolean mask`,
          { ...row([q, k, v, all, ...past]), outputs: [...ALL, 'float32'] }
        ]
      ] as const;
    })
  )
};

describe.each([23, 24])('opset %s', opset => {
  test.each(Object.entries(BOTH))('%s', async (_, use) => {
    expect(await difference({ ...base, opset, ...use })).toBeLessThan(TOLERANCE);
  });
});

/** Queries are the last of those that are no padding. */
const LENGTHS: Record<string, Omit<Use, 'type'>> = {
  'none, and all': { inputs: [q, k, v, undefined, undefined, undefined, int64s([2], 5, 0)] },
  causal: { inputs: [q, k, v, undefined, undefined, undefined, int64s([2], 5, 3)], attributes: [causal] },
  'causal, fewer queries': {
    inputs: [floats(2, 4, 2, 8), k, v, undefined, undefined, undefined, int64s([2], 5, 1)],
    attributes: [causal]
  },
  ...Object.fromEntries(
    [0, 1, 2, 3].map(mode => [
      `output 3, mode ${mode}, additive mask, causal, grouped heads`,
      {
        inputs: [q, fewK, fewV, floats(5, 5), undefined, undefined, int64s([2], 5, 3)],
        outputs: SHOWN,
        attributes: [causal, int('qk_matmul_output_mode', mode)]
      }
    ])
  )
};

test.each(Object.entries(LENGTHS))('lengths without padding: %s', async (_, use) => {
  expect(await difference({ ...base, opset: 24, ...use })).toBeLessThan(TOLERANCE);
});

test('float16', async () => {
  const inputs = [halves(2, 4, 5, 8), halves(2, 4, 5, 8), halves(2, 4, 5, 8)];
  expect(await difference({ ...base, inputs, outputs: ['float16'], attributes: [causal] })).toBeLessThan(
    HALF_TOLERANCE
  );
});

test('float16, past, boolean mask, grouped heads, softcap', async () => {
  const inputs = [
    halves(2, 4, 5, 8),
    halves(2, 2, 5, 8),
    halves(2, 2, 5, 8),
    all,
    halves(2, 2, 3, 8),
    halves(2, 2, 3, 8)
  ];
  const outputs = ['float16', 'float16', 'float16'] as const;
  expect(await difference({ ...base, inputs, outputs, attributes: [causal, capped] })).toBeLessThan(HALF_TOLERANCE);
});

leftAlone('Attention', {
  'a window': [
    { ...base, opset: 24, inputs: [q, k, v], attributes: [int('left_window_size', 2)] },
    `its attribute 'left_window_size' is 2, only -1 is understood (${NO_KERNEL})`
  ],
  'a mode of output that is not specified': [
    { ...base, inputs: [q, k, v], outputs: SHOWN, attributes: [int('qk_matmul_output_mode', 4)] },
    "its attribute 'qk_matmul_output_mode' is 4, only 0 and 1 and 2 and 3 are understood"
  ],
  'three axes without heads': [
    { ...base, inputs: [floats(2, 5, 32), floats(2, 5, 32), floats(2, 5, 32)] },
    'its Q, K and V have 3, 3, 3 axes, and 0, 0 heads'
  ]
});
