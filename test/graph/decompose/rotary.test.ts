import { float, int } from '../../../src/graph/attributes';
import type { Tensor } from '../../../src/onnx/tensor';
import { difference, draws, int64s, numbers, refusals, type Use } from './forms';

/** float32: two products and a sum each. */
const TOLERANCE = 1e-5;

const { floats, halves } = draws(3);
const angles = Array.from({ length: 16 * 4 }, (_, i) => Math.floor(i / 4) / 10 ** (i % 4));
const table = (of: (x: number) => number, dims: readonly number[]): Tensor =>
  numbers(
    dims,
    ...angles
      .slice(
        0,
        dims.reduce((n, size) => n * size, 1)
      )
      .map(of)
  );
const tables = (...dims: number[]): [Tensor, Tensor] => [table(Math.cos, dims), table(Math.sin, dims)];

const [flat, heads] = [floats(2, 5, 24), floats(2, 3, 5, 8)];
const places = int64s([2, 5], 0, 1, 2, 3, 4, 7, 8, 9, 10, 11);
const interleaved = int('interleaved', 1);
const three = int('num_heads', 3);
const type = 'RotaryEmbedding';

const MICROSOFT: Record<string, Use> = {
  'three axes, width from the tables': { type, inputs: [flat, places, ...tables(16, 4)], constant: [2, 3] },
  'three axes, heads given': { type, inputs: [flat, places, ...tables(16, 4)], attributes: [three] },
  'four axes': { type, inputs: [heads, places, ...tables(16, 4)] },
  interleaved: { type, inputs: [heads, places, ...tables(16, 4)], attributes: [interleaved] },
  'one first position': { type, inputs: [heads, int64s([1], 3), ...tables(16, 4)], unsized: true },
  'three axes, interleaved': {
    type,
    inputs: [flat, places, ...tables(16, 4)],
    attributes: [three, interleaved]
  },
  'three axes, one first position': { type, inputs: [flat, int64s([1], 3), ...tables(16, 4)], attributes: [three] },
  'four axes, part of the dims': {
    type,
    inputs: [heads, places, ...tables(16, 2)],
    attributes: [three, int('rotary_embedding_dim', 4)]
  },
  'all of the dims, said': {
    type,
    inputs: [heads, places, ...tables(16, 4)],
    attributes: [three, int('rotary_embedding_dim', 8)]
  },
  'a scale of one': { type, inputs: [heads, places, ...tables(16, 4)], attributes: [float('scale', 1)] },
  'a packed batch': { type, inputs: [heads, places, ...tables(16, 4)], attributes: [int('is_packed_batching', 1)] },
  'a packed batch that is longer than the tables': {
    type,
    inputs: [flat, int64s([2, 5], 0, 1, 0, 1, 2, 2, 1, 0, 0, 1), ...tables(3, 4)],
    attributes: [three, int('is_packed_batching', 1)]
  },
  'part of the dims': {
    type,
    inputs: [flat, places, ...tables(16, 2)],
    attributes: [three, int('rotary_embedding_dim', 4)]
  },
  'part of the dims, interleaved, old opset': {
    type,
    opset: 12,
    inputs: [flat, places, ...tables(16, 2)],
    attributes: [three, int('rotary_embedding_dim', 4), interleaved]
  }
};

test.each(Object.entries(MICROSOFT))('com.microsoft, %s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

/** float16 has 11 bits, 5·10⁻⁴; two products and a sum are rounded. */
const HALF_TOLERANCE = 2e-3;
const half = halves(2, 3, 5, 8);
const halfTables = [halves(16, 4), halves(16, 4)];

test.each<[string, Use]>([
  ['com.microsoft', { type, inputs: [half, places, ...halfTables], outputs: ['float16'] }],
  ['ai.onnx', { type, domain: '', opset: 23, inputs: [half, ...halfTables, places], outputs: ['float16'] }]
])('%s, float16', async (_, use) => {
  expect(await difference(use)).toBeLessThan(HALF_TOLERANCE);
});

const onnx = { type, domain: '' };
const STANDARD: Record<string, Use> = {
  'three axes': { ...onnx, inputs: [flat, ...tables(16, 4), places], attributes: [three] },
  'four axes, interleaved': { ...onnx, inputs: [heads, ...tables(16, 4), places], attributes: [interleaved] },
  'angles of each position': { ...onnx, inputs: [heads, ...tables(2, 5, 4)] },
  'angles of each position, three axes': { ...onnx, inputs: [flat, ...tables(2, 5, 4)], attributes: [three] },
  'part of the dims': {
    ...onnx,
    inputs: [heads, ...tables(16, 2), places],
    attributes: [int('rotary_embedding_dim', 4), three]
  },
  'three axes, interleaved': {
    ...onnx,
    inputs: [flat, ...tables(16, 4), places],
    attributes: [three, interleaved]
  },
  'angles of each position, interleaved': { ...onnx, inputs: [heads, ...tables(2, 5, 4)], attributes: [interleaved] },
  'three axes, part of the dims, sizes unknown': {
    ...onnx,
    inputs: [flat, ...tables(16, 2), places],
    attributes: [int('rotary_embedding_dim', 4), three],
    unsized: true
  },
  'all of the dims, said': {
    ...onnx,
    inputs: [heads, ...tables(16, 4), places],
    attributes: [int('rotary_embedding_dim', 8)]
  },
  'part of the dims, interleaved': {
    ...onnx,
    inputs: [flat, ...tables(2, 5, 2)],
    attributes: [int('rotary_embedding_dim', 4), three, interleaved]
  }
};

describe.each([23, 24])('ai.onnx, opset %s', opset => {
  test.each(Object.entries(STANDARD))('%s', async (_, use) => {
    expect(await difference({ ...use, opset })).toBeLessThan(TOLERANCE);
  });
});

test('a scale is left alone', () => {
  const attributes = [float('scale', 2)];
  expect(refusals({ type, inputs: [heads, places, ...tables(16, 4)], attributes })).toEqual([
    "RotaryEmbedding 'made' is not taken apart: its attribute 'scale' is 2, only 1 is understood (the kernel of ONNX Runtime leaves it out)"
  ]);
});

test('three axes, of heads that nothing tells the number of, are left alone', () => {
  const use: Use = { type, domain: '', opset: 23, inputs: [flat, ...tables(16, 4), places] };
  expect(refusals(use)).toEqual([
    "RotaryEmbedding 'made' is not taken apart: neither its attribute 'num_heads' nor the width of its tables is known"
  ]);
});
