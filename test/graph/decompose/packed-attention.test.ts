import { float, int, ints } from '../../../src/graph/attributes';
import { difference, draws, int32s, refusals, type Use } from './forms';

/** float32: sums of 8 and of 4 products in another order, then a softmax. */
const TOLERANCE = 1e-5;

const { floats } = draws(4);
const [x, weights, bias] = [floats(2, 5, 8), floats(8, 24), floats(24)];
const two = int('num_heads', 2);
const raw = int32s([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
const square = int32s([2, 5, 5], ...Array.from({ length: 50 }, (_, i) => Number(i % 5 <= (i / 5) % 5 || i % 3 === 0)));
const lowest = float('mask_filter_value', -3.4028234663852886e38);
const once = int('unidirectional', 1);
const type = 'Attention';

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
  'old opset': { type, opset: 11, inputs: [x, weights, bias, raw], attributes: [two] }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference({ ...use, constant: [1, 2] })).toBeLessThan(TOLERANCE);
});

test('lengths of start and end fail when they run, they are not taken for lengths', async () => {
  const use: Use = { type, inputs: [x, weights, bias, int32s([4], 5, 5, 0, 2)], attributes: [two] };
  await expect(difference({ ...use, constant: [1, 2] })).rejects.toThrow(/Reshape/);
});

test.each<[string, Use, string]>([
  [
    'no bias',
    { type, inputs: [x, weights], attributes: [two] },
    'its bias is missing, on which ONNX Runtime 1.30 ends the process'
  ],
  [
    'a past',
    { type, inputs: [x, weights, bias, undefined, floats(2, 2, 2, 3, 4)], attributes: [two] },
    "its input 4 ('input4') is not understood"
  ],
  [
    'rotation inside',
    { type, inputs: [x, weights, bias], attributes: [two, int('do_rotary', 1)] },
    "its attribute 'do_rotary' is 1, only 0 is understood"
  ],
  [
    'a mask of four axes',
    { type, inputs: [x, weights, bias, int32s([1, 1, 1, 1], 1)], attributes: [two] },
    "its mask 'input3' has 4 axes, only 1 to 3 are understood"
  ],
  [
    'heads that do not fit',
    { type, inputs: [x, weights, bias], attributes: [int('num_heads', 3)] },
    'queries, keys and values of 8, 8, 8 columns are not whole heads of 3'
  ]
])('%s is left alone', (_, use, why) => {
  expect(refusals(use)).toEqual([`Attention 'made' is not taken apart: ${why}`]);
});
