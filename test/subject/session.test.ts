import { joinRows } from '../../src/subject/cache';
import type { Feedable } from '../../src/subject/inputs/feeds';
import { createSession } from '../../src/subject/session';
import type { Prepared } from '../../src/runtime/runtime';
import type { Tensor } from '../../src/onnx/tensor';

const context = { signal: new AbortController().signal, progress: () => undefined };

/** Gives back what it was fed. */
const echo: Prepared = {
  inputs: ['ids'],
  outputs: ['ids'],
  run: async ({ ids }) => ({ ids }),
  release: async () => undefined
};

const sessionWith = (shape: Feedable['shape']) =>
  createSession({
    prepared: echo,
    inputs: [{ name: 'ids', role: 'ids', type: 'int64', shape }],
    batches: true,
    chunkTokens: 1000
  });

const rows = [
  [1, 2, 3],
  [4, 5, 6]
];

test('a file without a batch axis runs each row by itself', async () => {
  const { rows: counts, tensors } = await sessionWith(['n']).run(rows, ['ids'], undefined, context);
  expect(counts).toEqual([1, 1]);
  expect(tensors.ids.map(({ dims, data }) => [dims, Array.from(data, Number)])).toEqual([
    [[3], [1, 2, 3]],
    [[3], [4, 5, 6]]
  ]);
});

test('one axis of a fixed size is the number of positions', async () => {
  await expect(sessionWith([4]).run(rows, ['ids'], undefined, context)).rejects.toThrow(
    'length fixed: the file takes exactly 4 positions, there are 3 ids'
  );
});

test('rows share a run where the file has a batch axis', () => {
  expect(sessionWith(['b', 'n']).plan(2, 3, undefined)).toEqual([2]);
});

test('a tensor whose first axis is not the batch is refused', () => {
  const tensor: Tensor = { dims: [7, 2, 1], type: 'float32', data: new Float32Array(14) };
  expect(() => joinRows([tensor], [2], 'hook_embed')).toThrow(
    "batch not first: 'hook_embed' has shape [7, 2, 1] in a run of 2 rows"
  );
});
