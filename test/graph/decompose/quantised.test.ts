import { float, int } from '../../../src/graph/attributes';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
import type { Tensor } from '../../../src/onnx/tensor';
import { difference, draws, int32s, numbers, refusals, type Use } from './forms';

/** float32: products of integers are exact in both forms; then sums of 4 products in another order, and a softmax or a norm. */
const TOLERANCE = 1e-5;

const { floats, below } = draws(9);
const bytes = (type: 'int8' | 'uint8', ...dims: number[]): Tensor => {
  const { data } = below(256, ...dims);
  return { dims, type, data: type === 'int8' ? Int8Array.from(data, Number) : Uint8Array.from(data, Number) };
};
const zero = (value: number, type: 'int8' | 'uint8'): Tensor => ({
  dims: [],
  type,
  data: type === 'int8' ? Int8Array.of(value) : Uint8Array.of(value)
});
const scale = (value: number): Tensor => numbers([], value);
const columns = (count: number): Tensor =>
  numbers([count], ...Array.from({ length: count }, (_, i) => 0.002 + i / 5000));

const two = int('num_heads', 2);
const attention = { type: 'QAttention', constant: [1, 2, 4, 7] };
const x = bytes('uint8', 2, 5, 8);
const [weights, bias] = [bytes('int8', 8, 24), floats(24)];
const layer = [weights, bias, scale(0.02), scale(0.01)];
const past = floats(2, 2, 2, 3, 4);

const embedding = { type: 'QEmbedLayerNormalization', constant: Array.from({ length: 16 }, (_, i) => i + 2) };
const [ids, segments] = [below(11, 2, 5), below(2, 2, 5)];
const tables = [bytes('uint8', 11, 8), bytes('uint8', 6, 8)];
const norm = [bytes('uint8', 8), bytes('uint8', 8)];
const factors = [0.02, 0.03, 0.04, 0.01, 0.02].map(scale);
const zeros = [120, 128, 100, 130, 127].map(value => zero(value, 'uint8'));

const USES: Record<string, Use> = {
  'attention, no zero points': { ...attention, inputs: [x, ...layer], attributes: [two] },
  'attention, zero points, raw mask': {
    ...attention,
    inputs: [x, ...layer, int32s([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0), zero(120, 'uint8'), zero(3, 'int8')],
    attributes: [two]
  },
  'attention, scales and zero points of columns, unidirectional, a scale': {
    ...attention,
    inputs: [
      x,
      weights,
      bias,
      scale(0.02),
      columns(24),
      undefined,
      zero(120, 'uint8'),
      { dims: [24], type: 'int8', data: Int8Array.from({ length: 24 }, (_, i) => i - 12) }
    ],
    attributes: [two, int('unidirectional', 1), float('scale', 0.3)]
  },
  'attention, a past, given out': {
    ...attention,
    inputs: [x, ...layer, undefined, zero(120, 'uint8'), zero(0, 'int8'), past],
    attributes: [two, int('unidirectional', 1)],
    outputs: ['float32', 'float32']
  },
  'attention, lengths': {
    ...attention,
    inputs: [x, ...layer, int32s([2], 5, 3), zero(120, 'uint8'), zero(0, 'int8')],
    attributes: [two]
  },
  'embedding, segments and mask': {
    ...embedding,
    inputs: [
      ids,
      segments,
      ...tables,
      bytes('uint8', 2, 8),
      ...norm,
      int32s([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
      ...factors,
      ...zeros
    ],
    constant: embedding.constant.filter(i => i !== 7),
    attributes: [float('epsilon', 1e-5)],
    outputs: ['float32', 'int32']
  },
  'embedding, no segments': {
    ...embedding,
    inputs: [
      ids,
      undefined,
      ...tables,
      undefined,
      ...norm,
      undefined,
      ...factors.map((one, i) => (i === 2 ? undefined : one)),
      ...zeros.map((one, i) => (i === 2 ? undefined : one))
    ],
    outputs: ['float32', 'int32']
  }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

test('rotation inside is left alone', () => {
  expect(refusals({ ...attention, inputs: [x, ...layer], attributes: [two, int('do_rotary', 1)] })).toEqual([
    `QAttention 'made' is not taken apart: its attribute 'do_rotary' is 1, only 0 is understood (${NO_KERNEL})`
  ]);
});
