import { float, int, ints } from '../../../src/graph/attributes';
import { decompose } from '../../../src/graph/decompose/decompose';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import { weightStore } from '../../../src/onnx/collect-weights';
import { difference, draws, int32s, leftAlone, oneNode, run, type Use } from './forms';

/** float32: sums of 8 and of 4 products in another order, then a softmax. */
const TOLERANCE = 1e-5;

const NO_WEIGHTS = weightStore(new Map());
/** float16 has 11 bits, 5·10⁻⁴; the layer, scores, pattern and values are rounded on the way. */
const HALF_TOLERANCE = 4e-3;

const { floats, halves } = draws(4);
const [x, weights, bias] = [floats(2, 5, 8), floats(8, 24), floats(24)];
const two = int('num_heads', 2);
const raw = int32s([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
const square = int32s([2, 5, 5], ...Array.from({ length: 50 }, (_, i) => Number(i % 5 <= (i / 5) % 5 || i % 3 === 0)));
const lowest = float('mask_filter_value', -3.4028234663852886e38);
const once = int('unidirectional', 1);
const type = 'Attention';
const past = floats(2, 2, 2, 3, 4);
const stepped = { type, outputs: ['float32', 'float32'] as const };

const USES: Record<string, Use> = {
  'no mask': { type, inputs: [x, weights, bias], attributes: [two] },
  unidirectional: { type, inputs: [x, weights, bias], attributes: [two, once] },
  'raw mask': { type, inputs: [x, weights, bias, raw], attributes: [two] },
  'raw mask, unidirectional': { type, inputs: [x, weights, bias, raw], attributes: [two, once] },
  'raw mask, lowest': { type, inputs: [x, weights, bias, raw], attributes: [two, lowest], unsized: true },
  'raw mask, lowest, unidirectional': { type, inputs: [x, weights, bias, raw], attributes: [two, lowest, once] },
  'mask of each query': { type, inputs: [x, weights, bias, square], attributes: [two] },
  lengths: { type, inputs: [x, weights, bias, int32s([2], 5, 3)], attributes: [two] },
  'lengths, one is zero': { type, inputs: [x, weights, bias, int32s([2], 5, 0)], attributes: [two] },
  'attention bias': { type, inputs: [x, weights, bias, undefined, undefined, floats(2, 2, 5, 5)], attributes: [two] },
  'attention bias for all rows, mask': {
    type,
    inputs: [x, weights, bias, raw, undefined, floats(1, 1, 5, 5)],
    attributes: [two]
  },
  'a scale': { type, inputs: [x, weights, bias], attributes: [two, float('scale', 0.3)] },
  'values of another width': {
    type,
    inputs: [x, floats(8, 20), floats(20)],
    attributes: [two, ints('qkv_hidden_sizes', [8, 8, 4])]
  },
  'keys and values given out': {
    type,
    inputs: [x, weights, bias],
    attributes: [two, once],
    outputs: ['float32', 'float32']
  },
  'ends and starts': { type, inputs: [x, weights, bias, int32s([4], 5, 4, 0, 2)], attributes: [two] },
  'ends and starts, unidirectional, sizes unknown': {
    type,
    inputs: [x, weights, bias, int32s([4], 5, 4, 0, 1)],
    attributes: [two, once],
    unsized: true
  },
  // The kernel reads the lengths alone, which come first.
  'lengths before sums of lengths': {
    type,
    inputs: [x, weights, bias, int32s([8], 5, 3, 0, 5, 8, 0, 5, 8)],
    attributes: [two]
  },
  'a past': { ...stepped, inputs: [x, weights, bias, undefined, past], attributes: [two] },
  'a past, unidirectional': { ...stepped, inputs: [x, weights, bias, undefined, past], attributes: [two, once] },
  'a past, raw mask': {
    ...stepped,
    inputs: [x, weights, bias, int32s([2, 8], 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0), past],
    attributes: [two, once]
  },
  'a past, mask of each query': {
    ...stepped,
    inputs: [x, weights, bias, int32s([2, 5, 8], ...Array.from({ length: 80 }, (_, i) => Number(i % 3 > 0))), past],
    attributes: [two]
  },
  'a past, lengths': { ...stepped, inputs: [x, weights, bias, int32s([2], 8, 5), past], attributes: [two] },
  'a past, ends and starts': {
    ...stepped,
    inputs: [x, weights, bias, int32s([4], 8, 7, 0, 2), past],
    attributes: [two]
  },
  'an empty past': {
    ...stepped,
    inputs: [x, weights, bias, undefined, floats(2, 2, 2, 0, 4)],
    attributes: [two, once]
  },
  'attention bias of one row': {
    type,
    inputs: [x, weights, bias, undefined, undefined, floats(2, 1, 5, 5)],
    attributes: [two]
  },
  'attention bias, unidirectional': {
    type,
    inputs: [x, weights, bias, undefined, undefined, floats(1, 2, 5, 5)],
    attributes: [two, once]
  },
  'mask of each query, unidirectional': { type, inputs: [x, weights, bias, square], attributes: [two, once] },
  'mask of each query, attention bias': {
    type,
    inputs: [x, weights, bias, square, undefined, floats(1, 2, 5, 5)],
    attributes: [two]
  },
  'lengths, unidirectional': { type, inputs: [x, weights, bias, int32s([2], 5, 3)], attributes: [two, once] },
  'lengths, a small filter value': {
    type,
    inputs: [x, weights, bias, int32s([2], 5, 3)],
    attributes: [two, float('mask_filter_value', -7)]
  },
  'raw mask, a row in which all is masked': {
    type,
    inputs: [x, weights, bias, int32s([2, 5], 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)],
    attributes: [two, lowest]
  },
  'values of another width, raw mask, unidirectional': {
    type,
    inputs: [x, floats(8, 20), floats(20), raw],
    attributes: [two, once, ints('qkv_hidden_sizes', [8, 8, 4])]
  },
  'heads that are smaller than the stream': {
    type,
    inputs: [x, floats(8, 12), floats(12)],
    attributes: [two, ints('qkv_hidden_sizes', [4, 4, 4])]
  },
  'a size of rotation without one': {
    type,
    inputs: [x, weights, bias],
    attributes: [two, int('rotary_embedding_dim', 32)]
  },
  'a past, raw mask, a scale, sizes unknown': {
    ...stepped,
    inputs: [x, weights, bias, int32s([2, 8], 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0), past],
    attributes: [two, once, float('scale', 0.3)],
    unsized: true
  },
  'old opset': { type, opset: 11, inputs: [x, weights, bias, raw], attributes: [two] }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference({ ...use, constant: [1, 2] })).toBeLessThan(TOLERANCE);
});

test('fewer lengths than rows fail when they run', async () => {
  const use: Use = { type, inputs: [x, weights, bias, int32s([1], 5)], attributes: [two] };
  const { model, feeds } = oneNode({ ...use, constant: [1, 2] });
  await expect(run(decompose(model, NO_WEIGHTS).model, feeds)).rejects.toThrow(/Reshape/);
});

test.each([
  ['constant weights', [1, 2]],
  ['weights that are fed', []]
])('float16, %s', async (_, constant) => {
  const inputs = [halves(2, 5, 8), halves(8, 24), halves(24), raw];
  const use: Use = { type, inputs, constant, attributes: [two], outputs: ['float16'] };
  expect(await difference(use)).toBeLessThan(HALF_TOLERANCE);
});

leftAlone('Attention', {
  'keys and values of unlike width, given out': [
    {
      type,
      inputs: [x, floats(8, 20), floats(20)],
      attributes: [two, ints('qkv_hidden_sizes', [8, 8, 4])],
      outputs: ['float32', 'float32']
    },
    'its keys of 8 and values of 4 columns are given out in one tensor'
  ],
  'no bias': [
    { type, inputs: [x, weights], attributes: [two] },
    'its bias is missing, on which ONNX Runtime 1.30 ends the process'
  ],
  'a past in a shared buffer': [
    {
      type,
      inputs: [x, weights, bias, undefined, past, undefined, int32s([1], 3)],
      attributes: [two, int('past_present_share_buffer', 1)]
    },
    `its attribute 'past_present_share_buffer' is 1, only 0 is understood (${NO_KERNEL})`
  ],
  'how much of a buffer is filled': [
    { type, inputs: [x, weights, bias, undefined, past, undefined, int32s([1], 3)], attributes: [two] },
    "its input 'past_sequence_length' ('input6') is not understood (it counts what is filled of a shared cache)"
  ],
  'a past and an attention bias': [
    { type, inputs: [x, weights, bias, undefined, past, floats(2, 2, 5, 8)], attributes: [two] },
    `it has a past and an attention bias (${NO_KERNEL})`
  ],
  'rotation inside': [
    { type, inputs: [x, weights, bias], attributes: [two, int('do_rotary', 1)] },
    `its attribute 'do_rotary' is 1, only 0 is understood (${NO_KERNEL})`
  ],
  'a mask of four axes': [
    { type, inputs: [x, weights, bias, int32s([2, 1, 5, 5], ...Array<number>(50).fill(1))], attributes: [two] },
    `its mask 'input3' has 4 axes, only 1 to 3 are understood (${NO_KERNEL})`
  ],
  'heads that do not fit': [
    { type, inputs: [x, weights, bias], attributes: [int('num_heads', 3)] },
    'queries, keys and values of 8, 8, 8 columns are not whole heads of 3'
  ]
});
