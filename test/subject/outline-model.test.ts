import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { joinBytes } from '../../src/onnx/join-bytes';
import { makeTensor } from '../../src/onnx/make-tensor';
import { readModel } from '../../src/onnx/read-model';
import { readOutline } from '../../src/onnx/read-outline';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import type { ModelFiles } from '../../src/subject/opening/files';
import { openModel } from '../../src/subject/opening/open-model';
import { outlineModel } from '../../src/subject/opening/outline-model';
import { memoryFiles, MODELS, quiet } from './fixture-files';

/** The file with a further weight of 8 MB, filled with ones, before its own. */
function padded(family: string): Uint8Array {
  const model = readModel(readFileSync(join(MODELS, family, 'model.onnx')), 'model.onnx');
  const extra = makeTensor('extra', { dims: [2 ** 21], type: 'float32', data: new Float32Array(2 ** 21).fill(1) });
  const { graph } = model;
  return joinBytes(writeModel({ ...model, graph: { ...graph, initializers: [extra, ...graph.initializers] } }));
}

const reader = (bytes: Uint8Array) => {
  const seen = { requests: 0, bytes: 0 };
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    seen.requests++;
    seen.bytes += end - start;
    return bytes.slice(start, end);
  };
  return { seen, read };
};

describe.each(['gpt2-hub', 'bert-hub'])('%s', family => {
  const bytes = padded(family);
  const inRanges = (): ModelFiles => ({
    ...memoryFiles(family, { 'model.onnx': bytes }),
    readRange: async (_, start, end) => bytes.slice(start, end)
  });

  test('is read without its long weight, all else as it stands', async () => {
    const { seen, read } = reader(bytes);
    const outline = await readOutline(bytes.length, read, 'long');
    expect(seen.bytes).toBeLessThan(bytes.length - 2 ** 22);
    expect(seen.requests).toBeLessThan(40);
    const [graph, whole] = [outline, bytes].map(one => readModel(one, 'model.onnx').graph);
    expect(graph.nodes).toEqual(whole.nodes);
    expect(graph.initializers.slice(1)).toEqual(whole.initializers.slice(1));
    const extra = graph.initializers[0].data as unknown as { readonly bytes: Uint8Array };
    // A read takes more than it was asked for: only its beginning and end may be there.
    expect(extra.bytes.subarray(2 ** 20, 2 ** 22).every(byte => byte === 0)).toBe(true);
  });

  test('has the anatomy that it has when it is open, nothing verified', async () => {
    const outline = await outlineModel(inRanges(), quiet.signal);
    const { anatomy } = await openModel(inRanges(), createNodeRuntime(), quiet);
    expect(outline?.anatomy.towers).toEqual(anatomy.towers);
    expect(outline?.anatomy.hooks.map(({ name }) => name)).toEqual(anatomy.hooks.map(({ name }) => name));
    expect(outline?.anatomy.hooks.filter(({ status }) => status === 'verified')).toEqual([]);
    expect(outline?.bytes).toBe(bytes.length);
  });

  test('a small file, one that cannot be read in parts, and one that is cut off have none', async () => {
    const small = readFileSync(join(MODELS, family, 'model.onnx'));
    const files = (of: Uint8Array, parts = true): ModelFiles => ({
      ...memoryFiles(family, { 'model.onnx': of }),
      ...(parts && { readRange: async (_, start, end) => of.slice(start, end) })
    });
    expect(await outlineModel(files(small), quiet.signal)).toBeUndefined();
    expect(await outlineModel(files(bytes, false), quiet.signal)).toBeUndefined();
    expect(await outlineModel(files(bytes.slice(0, bytes.length - 9)), quiet.signal)).toBeUndefined();
  });
});

describe('layers of the same weights', () => {
  /** So many layers of four long weights and a short one, numbered names. */
  function layered(layers: number): Uint8Array {
    const model = readModel(readFileSync(join(MODELS, 'gpt2-hub', 'model.onnx')), 'model.onnx');
    const { graph } = model;
    const weights = Array.from({ length: layers }, (_, layer) =>
      [2 ** 18, 2 ** 17, 2 ** 19, 300, 2 ** 18].map((size, part) =>
        makeTensor(`layer.${layer}.${part}`, { dims: [size], type: 'float32', data: new Float32Array(size).fill(1) })
      )
    ).flat();
    return joinBytes(writeModel({ ...model, graph: { ...graph, initializers: [...weights, ...graph.initializers] } }));
  }

  /** All reads that wait are answered together: one round trip. */
  async function roundTrips(
    bytes: Uint8Array
  ): Promise<{ readonly trips: number; readonly outline: Uint8Array; readonly asked: number }> {
    let waiting: (() => void)[] = [];
    let [trips, asked, done] = [0, 0, false];
    const read = (start: number, end: number): Promise<Uint8Array> =>
      new Promise(resolve => {
        asked++;
        waiting.push(() => resolve(bytes.slice(start, end)));
      });
    const outline = readOutline(bytes.length, read, 'long').finally(() => (done = true));
    while (!done) {
      await new Promise(resolve => setImmediate(resolve));
      const now = waiting;
      waiting = [];
      trips += now.length > 0 ? 1 : 0;
      now.forEach(answer => answer());
    }
    return { trips, outline: await outline, asked };
  }

  test('are read several at once, all as it stands', async () => {
    const bytes = layered(14);
    const { trips, outline, asked } = await roundTrips(bytes);
    const [graph, whole] = [outline, bytes].map(one => readModel(one, 'model.onnx').graph);
    expect(graph.initializers.map(({ name, dims }) => [name, dims])).toEqual(
      whole.initializers.map(({ name, dims }) => [name, dims])
    );
    expect(graph.nodes).toEqual(whole.nodes);
    const short = (one: typeof graph) => one.initializers.filter(({ dims }) => dims[0] === 300);
    expect(short(graph)).toEqual(short(whole));
    // One after the other they are as many as the long weights, 56; each guess is right but for the first layers' and the last ones.
    expect(trips).toBeLessThan(24);
    expect(asked).toBeLessThan(56 + 2 * 6 + 8);
  });
});

describe('a file that is no outline', () => {
  test.each([
    ['ends in its middle', [0x3a, 0xff, 0xff, 0x03], 'ends behind its message'],
    ['has no number where one belongs', Array.from({ length: 30 }, () => 0xff), 'no number at byte 0'],
    ['has a field of no kind', [0x3b, 1, 2, 3], 'no field of ONNX at byte 1']
  ])('%s', async (_, bytes, message) => {
    const { read } = reader(Uint8Array.from(bytes));
    await expect(readOutline(bytes.length, read, 'long')).rejects.toThrow(message);
  });

  test('a server that sends less than was asked for', async () => {
    await expect(readOutline(100, async () => new Uint8Array(3), 'long')).rejects.toThrow('3 bytes came where 100');
  });

  test('messages that lie too deep: a graph in an attribute of a node, again and again', async () => {
    const size = 2 ** 22;
    const bytes = new Uint8Array(size);
    const graphInGraph = [0x0a, 0x2a, 0x32];
    let at = 0;
    for (let level = 0; at < 400; level++) {
      const rest = size - at - 5;
      bytes.set([level ? graphInGraph[(level - 1) % 3] : 0x3a], at);
      for (let i = 0; i < 4; i++) {
        bytes[at + 1 + i] = (Math.floor(rest / 128 ** i) % 128) | (i < 3 ? 128 : 0);
      }
      at += 5;
    }
    const { read } = reader(bytes);
    await expect(readOutline(size, read, 'long')).rejects.toThrow('more than 32 deep');
  });
});
