import { float, int } from '../../../src/graph/attributes';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import type { Tensor } from '../../../src/onnx/tensor';
import { difference, draws, int32s, leftAlone, type Use } from './forms';

/** float32: sums of 4 and of 7 products in another order, then a softmax. */
const TOLERANCE = 1e-5;

/** float16 has 11 bits, 5·10⁻⁴; scores, pattern and values are rounded on the way. */
const HALF_TOLERANCE = 2e-3;

const { floats, halves } = draws(5);
const two = int('num_heads', 2);
const [q, k, v, bias] = [floats(2, 5, 8), floats(2, 5, 8), floats(2, 5, 8), floats(24)];
const [longK, longV] = [floats(2, 7, 8), floats(2, 7, 8)];
const [pastK, pastV] = [floats(2, 2, 3, 4), floats(2, 2, 3, 4)];
const once = int('unidirectional', 1);
const raw = int32s([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
const type = 'MultiHeadAttention';
const ALL = ['float32', 'float32', 'float32'] as const;

const lowest = float('mask_filter_value', -3.4028234663852886e38);
const behind = { type, attributes: [two], outputs: ALL };
/** A mask that leaves two of three. */
const thirds = (...dims: number[]): Tensor =>
  int32s(dims, ...Array.from({ length: dims.reduce((n, size) => n * size) }, (_, i) => Number(i % 3 > 0)));

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
    attributes: [two, lowest]
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
  'scores given out, unidirectional': {
    type,
    inputs: [q, k, v],
    attributes: [two, once],
    outputs: [...ALL, 'float32']
  },
  'attention bias of each row and head': {
    type,
    inputs: [q, k, v, undefined, undefined, floats(2, 2, 5, 5)],
    attributes: [two]
  },
  'attention bias for all': { type, inputs: [q, k, v, undefined, undefined, floats(1, 1, 5, 5)], attributes: [two] },
  'a scale of zero is none': { type, inputs: [q, k, v], attributes: [two, float('scale', 0)] },
  'raw mask, unidirectional': { type, inputs: [q, k, v, undefined, raw], attributes: [two, once] },
  'raw mask, a row in which all is masked': {
    type,
    inputs: [q, k, v, undefined, int32s([2, 5], 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)],
    attributes: [two, lowest]
  },
  'lengths, unidirectional': { type, inputs: [q, k, v, undefined, int32s([2], 5, 3)], attributes: [two, once] },
  'a past, raw mask': { ...behind, inputs: [q, k, v, undefined, thirds(2, 8), undefined, pastK, pastV] },
  'a past, mask of each query': { ...behind, inputs: [q, k, v, undefined, thirds(2, 5, 8), undefined, pastK, pastV] },
  'a past, lengths': { ...behind, inputs: [q, k, v, undefined, int32s([2], 8, 6), undefined, pastK, pastV] },
  'a past, attention bias': { ...behind, inputs: [q, k, v, undefined, undefined, floats(1, 2, 5, 8), pastK, pastV] },
  'a past, everything': {
    ...behind,
    inputs: [q, k, v, bias, thirds(2, 8), floats(2, 1, 5, 8), pastK, pastV],
    constant: [3],
    attributes: [two, once, float('scale', 0.3), float('mask_filter_value', -1000)]
  },
  'cross-attention, raw mask, biases': {
    type,
    inputs: [q, longK, longV, bias, thirds(2, 7)],
    constant: [3],
    attributes: [two]
  },
  'cross-attention, heads parted, raw mask, given out': {
    ...behind,
    inputs: [q, floats(2, 2, 7, 4), floats(2, 2, 7, 4), undefined, thirds(2, 7)]
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

test('float16', async () => {
  const use: Use = {
    type,
    inputs: [halves(2, 5, 8), halves(2, 5, 8), halves(2, 5, 8), undefined, raw],
    attributes: [two],
    outputs: ['float16']
  };
  expect(await difference(use)).toBeLessThan(HALF_TOLERANCE);
});

test('unidirectional with more keys than queries, of which the kernel shows all to the last query: fails when it runs', async () => {
  const use: Use = { type, inputs: [q, longK, longV], attributes: [two, once] };
  await expect(difference(use)).rejects.toThrow(/Incompatible dimensions/);
});

leftAlone('MultiHeadAttention', {
  'one tensor of all three': [
    { type, inputs: [floats(2, 5, 2, 3, 4)], attributes: [two] },
    `its queries, keys and values come in one tensor (${NO_KERNEL})`
  ],
  'keys and values in one tensor': [
    { type, inputs: [q, floats(2, 5, 2, 2, 4)], attributes: [two] },
    `its keys and values come in one tensor (${NO_KERNEL})`
  ],
  'a bias that is computed': [
    { type, inputs: [q, k, v, bias], attributes: [two] },
    "its bias 'input3' is not an initialiser of a known size"
  ],
  'a mask of four axes': [
    { type, inputs: [q, k, v, undefined, thirds(2, 1, 5, 5)], attributes: [two] },
    `its mask 'input4' has 4 axes, only 1 to 3 are understood (${NO_KERNEL})`
  ],
  'a shared cache': [
    {
      type,
      inputs: [q, k, v, undefined, undefined, undefined, pastK, pastV, int32s([1], 3)],
      attributes: [two]
    },
    "its input 'past_sequence_length' ('input8') is not understood (how much of a shared cache is filled stands in no tensor’s size)"
  ]
});
