import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { dataFile } from '../../src/cli/data-file';
import { folderFiles } from '../../src/cli/folder-files';
import { collectWeights } from '../../src/onnx/collect-weights';
import { referToFiles } from '../../src/onnx/externalise';
import { joinBytes } from '../../src/onnx/join-bytes';
import { makeTensor } from '../../src/onnx/make-tensor';
import { readModel } from '../../src/onnx/read-model';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { MODELS, quiet } from '../subject/fixture-files';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const MATRIX = join(__dirname, '../fixtures/matrix');

/** Fields before the graph that take so many bytes: a documentation string (field 6). */
const shiftedBy = (bytes: Uint8Array, by: number): Uint8Array =>
  Buffer.concat([Uint8Array.from([0x32, by - 2, ...new Uint8Array(by - 2)]), bytes]);

/** Of all outputs of a run, fed by small ids and ones, its bits. */
const bitsOf = async (bytes: Uint8Array, path: string | undefined): Promise<Record<string, Tensor>> => {
  const own = path === undefined ? undefined : await dataFile(path);
  const { model, weights } = collectWeights(readModel(bytes, 'model.onnx'), new Map(), own);
  if (own) {
    const { files, folder: mapped } = referToFiles(model, weights);
    expect([files, mapped]).toEqual([[], own.folder]);
  }
  const prepared = await createNodeRuntime().prepare(model, weights);
  try {
    const feeds = prepared.inputs.map(name => {
      const data = BigInt64Array.from({ length: 8 }, (_, i) =>
        name.includes('ids') && !name.includes('type') ? BigInt(i) : name.includes('mask') ? 1n : 0n
      );
      return [name, { dims: [1, 8], type: 'int64', data }] as const;
    });
    return await prepared.run(Object.fromEntries(feeds), prepared.outputs);
  } finally {
    await prepared.release();
  }
};

describe.each([
  ['gpt2', 'optimum'],
  ['gpt2', 'q4'],
  ['llama', 'int8'],
  ['bloom', 'fp16'],
  ['bert', 'ort'],
  ['bert', 'dynamo']
])('%s by %s', (family, style) => {
  const file = (): Uint8Array => gunzipSync(readFileSync(join(MATRIX, family, `${style}.onnx.gz`)));

  // Elements of four bytes lie at any multiple of one in an .onnx file.
  test.each([4, 5, 6, 7])('mapped from the .onnx file, moved by %d bytes, gives the same bits', async by => {
    const bytes = shiftedBy(file(), by);
    const path = join(folder, 'model.onnx');
    writeFileSync(path, bytes);
    expect(await bitsOf(new Uint8Array(bytes), path)).toEqual(await bitsOf(new Uint8Array(bytes), undefined));
  });
});

describe('a model of more than 16 MB', () => {
  const large = (): Uint8Array => {
    const model = readModel(readFileSync(join(MODELS, 'gpt2-hub', 'model.onnx')), 'model.onnx');
    const extra = makeTensor('extra', { dims: [2 ** 22], type: 'float32', data: new Float32Array(2 ** 22).fill(1) });
    const { graph } = model;
    return joinBytes(writeModel({ ...model, graph: { ...graph, initializers: [extra, ...graph.initializers] } }));
  };
  const open = async (bytes: Uint8Array) => {
    const path = join(folder, 'model.onnx');
    writeFileSync(path, bytes);
    return { path, files: await folderFiles(path) };
  };

  test('leaves its weights in its file, and is what it is when it is read whole', async () => {
    const { files } = await open(large());
    const read = jest.fn(files.read);
    const left = await openModel({ ...files, read }, createNodeRuntime(), quiet);
    expect(read.mock.calls.map(([name]) => name)).not.toContain('model.onnx');
    const { dataFile: _, ...held } = files;
    const whole = await openModel(held, createNodeRuntime(), quiet);
    expect(left.facts).toEqual(whole.facts);
    expect(left.certificate).toEqual(whole.certificate);
    expect(left.anatomy).toEqual(whole.anatomy);
  });

  test('that was written again is not read as if it were the same', async () => {
    const { path, files } = await open(large());
    const subject = await openModel(files, createNodeRuntime(), quiet);
    utimesSync(path, 1, 1);
    await expect(subject.certify({ level: 'full' }, quiet)).rejects.toThrow(
      /^file changed: '.*model\.onnx' is no longer/
    );
  });

  test('that is cut off is refused in the reader’s words', async () => {
    const bytes = large();
    const { files } = await open(bytes.subarray(0, bytes.length - 9));
    await expect(openModel(files, createNodeRuntime(), quiet)).rejects.toThrow("'model.onnx' is cut off");
  });
});
