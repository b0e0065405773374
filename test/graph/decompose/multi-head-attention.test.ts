import { float, int } from '../../../src/graph/attributes';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import { difference, draws, int32s, refusals, type Use } from './forms';

/** float32: sums of 4 and of 7 products in another order, then a softmax. */
const TOLERANCE = 1e-5;

const { floats } = draws(5);
const two = int('num_heads', 2);
const [q, k, v, bias] = [floats(2, 5, 8), floats(2, 5, 8), floats(2, 5, 8), floats(24)];
const [longK, longV] = [floats(2, 7, 8), floats(2, 7, 8)];
const [pastK, pastV] = [floats(2, 2, 3, 4), floats(2, 2, 3, 4)];
const once = int('unidirectional', 1);
const raw = int32s([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
const type = 'MultiHeadAttention';
const ALL = ['float32', 'float32', 'float32'] as const;

const USES: Record<string, Use> = {
  plain: { type, inputs: [q, k, v], attributes: [two] },
  biases: { type, inputs: [q, k, v, bias], constant: [3], attributes: [two] },
  'biases, sizes unknown': { type, inputs: [q, k, v, bias], constant: [3], attributes: [two], unsized: true },
  unidirectional: { type, inputs: [q, k, v, bias], constant: [3], attributes: [two, once] },
  'cross-attention': { type, inputs: [q, longK, longV], attributes: [two] },
  'cross-attention, heads parted': { type, inputs: [q, floats(2, 2, 7, 4), floats(2, 2, 7, 4)], attributes: [two] },
  'values of another width, biases': {
    type,
    inputs: [q, k, floats(2, 5, 6), floats(22)],
    constant: [3],
    attributes: [two]
  },
  'raw mask': { type, inputs: [q, k, v, undefined, raw], attributes: [two] },
  'raw mask, lowest': {
    type,
    inputs: [q, k, v, undefined, raw],
    attributes: [two, float('mask_filter_value', -3.4028234663852886e38)]
  },
  'mask of each query': {
    type,
    inputs: [q, k, v, undefined, int32s([2, 5, 5], ...Array.from({ length: 50 }, (_, i) => Number(i % 3 > 0)))],
    attributes: [two]
  },
  lengths: { type, inputs: [q, k, v, undefined, int32s([2], 5, 3)], attributes: [two] },
  'attention bias': {
    type,
    inputs: [q, k, v, undefined, undefined, floats(1, 2, 5, 5)],
    attributes: [two, float('scale', 0.4)]
  },
  'a past': { type, inputs: [q, k, v, undefined, undefined, undefined, pastK, pastV], attributes: [two], outputs: ALL },
  'a past, unidirectional': {
    type,
    inputs: [q, k, v, bias, undefined, undefined, pastK, pastV],
    constant: [3],
    attributes: [two, once],
    outputs: ALL
  },
  'lengths before sums of lengths': {
    type,
    inputs: [q, k, v, undefined, int32s([8], 5, 3, 0, 5, 8, 0, 5, 8)],
    attributes: [two]
  },
  // Keys that are parted into heads get no bias from the kernel, nor do their values.
  'cross-attention, heads parted, biases': {
    type,
    inputs: [q, floats(2, 2, 7, 4), floats(2, 2, 7, 4), bias],
    constant: [3],
    attributes: [two]
  },
  'scores given out, mask, bias': {
    type,
    inputs: [q, k, v, bias, raw, floats(1, 2, 5, 5)],
    constant: [3],
    // Near the scores, so that the difference is seen relative to them.
    attributes: [two, float('mask_filter_value', -7)],
    outputs: [...ALL, 'float32']
  },
  'scores given out, a past': {
    type,
    inputs: [q, k, v, undefined, undefined, undefined, pastK, pastV],
    attributes: [two],
    outputs: [...ALL, 'float32']
  },
  'an empty past': {
    type,
    inputs: [q, k, v, undefined, undefined, undefined, floats(2, 2, 0, 4), floats(2, 2, 0, 4)],
    attributes: [two, once],
    outputs: ALL
  }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

test.each<[string, Use, string]>([
  [
    'one tensor of all three',
    { type, inputs: [floats(2, 5, 2, 3, 4)], attributes: [two] },
    `its queries, keys and values come in one tensor (${NO_KERNEL})`
  ],
  [
    'keys and values in one tensor',
    { type, inputs: [q, floats(2, 5, 2, 2, 4)], attributes: [two] },
    `its keys and values come in one tensor (${NO_KERNEL})`
  ],
  [
    'a bias that is computed',
    { type, inputs: [q, k, v, bias], attributes: [two] },
    "its bias 'input3' is not an initialiser of a known size"
  ],
  [
    'a mask of four axes',
    { type, inputs: [q, k, v, undefined, int32s([1, 1, 1, 1], 1)], attributes: [two] },
    `its mask 'input4' has 4 axes, only 1 to 3 are understood (${NO_KERNEL})`
  ],
  [
    'a shared cache',
    {
      type,
      inputs: [q, k, v, undefined, undefined, undefined, pastK, pastV, int32s([1], 3)],
      attributes: [two]
    },
    "its input 'past_sequence_length' ('input8') is not understood (how much of a shared cache is filled stands in no tensor’s size)"
  ]
])('%s is left alone', (_, use, why) => {
  expect(refusals(use)).toEqual([`MultiHeadAttention 'made' is not taken apart: ${why}`]);
});
