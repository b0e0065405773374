import { joinRows } from '../../src/subject/cache';
import type { Feedable } from '../../src/subject/inputs/feeds';
import { createSession } from '../../src/subject/session';
import { tokenTime } from '../../src/subject/token-time';
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
    chunkTokens: 1000,
    time: tokenTime()
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

describe('outputs that nobody asked for', () => {
  const made: string[] = [];
  /** Two hooks of so many bytes a position. */
  const large = createSession({
    prepared: { ...echo, outputs: ['asked', 'other'], run: async ({ ids }) => ({ asked: ids, other: ids }) },
    inputs: [{ name: 'ids', role: 'ids', type: 'int64', shape: ['b', 'n'] }],
    batches: true,
    chunkTokens: 1000,
    time: tokenTime(),
    lean: {
      bytes: (_, { rows: count, length }) => count * length * 2 ** 28,
      prepare: async outputs => {
        made.push(`made ${outputs.join()}`);
        return { ...echo, run: async ({ ids }) => ({ asked: ids }), release: async () => void made.push('released') };
      }
    }
  });

  beforeEach(() => made.splice(0));

  test('are left out of a long run, by a session that is released', async () => {
    const { tensors } = await large.run([[1, 2, 3]], ['asked'], undefined, context);
    expect(Array.from(tensors.asked[0].data, Number)).toEqual([1, 2, 3]);
    expect(made).toEqual(['made asked', 'released']);
  });

  test('stay in a short run, and where all are asked for', async () => {
    await large.run([[1, 2]], ['asked'], undefined, context);
    await large.run([[1, 2, 3]], ['asked', 'other'], undefined, context);
    expect(made).toEqual([]);
  });

  test('a session that fails is released as well', async () => {
    const stopped = { ...context, signal: AbortSignal.abort() };
    await expect(large.run([[1, 2, 3]], ['asked'], undefined, stopped)).rejects.toThrow();
    expect(made).toEqual(['made asked', 'released']);
  });
});
