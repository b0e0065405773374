import { int, tensorValue } from '../src/graph/attributes';
import type { Builder } from '../src/graph/build';
import { makeTensor } from '../src/onnx/make-tensor';

/** [1, 1, context, context], true where the key is not after the query. */
export const causalTriangle = (b: Builder, context: number): string => {
  const data = Uint8Array.from({ length: context * context }, (_, i) => Number(i % context <= Math.floor(i / context)));
  return b.tensor('bias', { dims: [1, 1, context, context], type: 'bool', data });
};

/** [batch, pos, width] → [batch, pos, head, d_head]. */
export const splitHeads = (b: Builder, x: string, heads: number, dHead: number): string =>
  b.node('Reshape', [x, shape(b, [size(b, x, 0), size(b, x, 1), heads, dHead])]);

/** Scores [batch, head, query, key], those of later keys far below. */
export const masked = (b: Builder, triangle: string, scores: string, queries: string): string => {
  const length = b.node('Unsqueeze', [size(b, queries, 2), b.ints([0])]);
  const rows = b.node('Slice', [triangle, b.ints([0]), length, b.ints([2]), b.ints([1])]);
  const square = b.node('Slice', [rows, b.ints([0]), length, b.ints([3]), b.ints([1])]);
  return b.node('Where', [square, scores, constantNumber(b, -3.4028234663852886e38)]);
};

/** One size of a tensor at run time, a scalar. */
export const size = (b: Builder, x: string, axis: number): string =>
  b.node('Gather', [b.node('Shape', [x]), scalar(b, axis)], [int('axis', 0)]);

export const shape = (b: Builder, dims: readonly (string | number)[]): string =>
  b.node(
    'Concat',
    dims.map(dim => (typeof dim === 'number' ? b.ints([dim]) : b.node('Unsqueeze', [dim, b.ints([0])]))),
    [int('axis', 0)]
  );

export const scalar = (b: Builder, value: number): string =>
  constant(b, { dims: [], type: 'int64', data: BigInt64Array.of(BigInt(value)) });

export const constantNumber = (b: Builder, value: number): string =>
  constant(b, { dims: [], type: 'float32', data: Float32Array.of(value) });

const constant = (b: Builder, value: Parameters<typeof makeTensor>[1]): string =>
  b.node('Constant', [], [tensorValue('value', makeTensor('', value))]);
