import { float, int } from '../../../src/graph/attributes';
import type { Tensor } from '../../../src/onnx/tensor';
import { difference, draws, int64s, numbers, refusals, type Use } from './forms';

/** float32: two products and a sum each. */
const TOLERANCE = 1e-5;

const { floats } = draws(3);
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

const onnx = { type, domain: '', opset: 23 };
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
  'part of the dims, interleaved': {
    ...onnx,
    inputs: [flat, ...tables(2, 5, 2)],
    attributes: [int('rotary_embedding_dim', 4), three, interleaved]
  }
};

test.each(Object.entries(STANDARD))('ai.onnx, %s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

test.each([
  [
    'a scale',
    float('scale', 2),
    "its attribute 'scale' is 2, only 1 is understood (the kernel of ONNX Runtime leaves it out)"
  ],
  [
    'a packed batch',
    int('is_packed_batching', 1),
    "its attribute 'is_packed_batching' is 1, only 0 is understood (rows of unequal lengths lie in one)"
  ]
])('%s is left alone', (_, attribute, why) => {
  expect(refusals({ type, inputs: [heads, places, ...tables(16, 4)], attributes: [attribute] })).toEqual([
    `RotaryEmbedding 'made' is not taken apart: ${why}`
  ]);
});
