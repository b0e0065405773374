import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { joinBytes } from '../../src/onnx/join-bytes';
import { readModel } from '../../src/onnx/read-model';
import { writeSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { ModelFiles } from '../../src/subject/opening/files';
import { ModelClient } from '../../src/worker/client';
import { serve } from '../../src/worker/serve';
import { fixtureFiles, memoryFiles } from '../subject/fixture-files';
import { FakeWorker } from './port';

const FIXTURES = join(__dirname, '../fixtures');
const WIDTH = 24;

const embeds = (): ModelFiles =>
  memoryFiles('gpt2-embeds', {
    'model.onnx': gunzipSync(readFileSync(join(FIXTURES, 'matrix/gpt2-embeds/torchscript.onnx.gz')))
  });

/** The projection to queries, keys and values of the second layer holds NaN alone. */
const notANumber = (): ModelFiles => {
  const model = readModel(readFileSync(join(FIXTURES, 'models/gpt2/optimum.onnx')), 'gpt2');
  const initializers = model.graph.initializers.map(tensor =>
    tensor.name === 'transformer.h.1.attn.c_attn.weight' && tensor.data.kind === 'raw'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: new Uint8Array(tensor.data.bytes.length).fill(0xff) } }
      : tensor
  );
  return memoryFiles('nan', {
    'model.onnx': joinBytes(writeModel({ ...model, graph: { ...model.graph, initializers } }))
  });
};

const hub = (): ModelFiles => fixtureFiles('gpt2-hub');

/** As a cell runs it: `tensors` lie in a file beside the notebook. */
const runCell = async (
  files: ModelFiles,
  spec: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, Tensor>> = {}
): Promise<unknown> => {
  const seen = writeSafetensors(new Map(Object.entries(tensors)));
  const source = { label: files.label, files: [], headers: {} };
  const client = new ModelClient({
    createWorker: () =>
      new FakeWorker(send =>
        serve({
          send,
          heapBytes: () => 4096,
          read: async () => seen,
          open: (_, __, context) => openModel(files, createNodeRuntime(), context)
        })
      ),
    assets: { wasm: '', mjs: '' },
    source: async () => source,
    onChange: () => undefined
  });
  return client.run('attention-patterns', spec, 0, { seen: async () => source });
};

const numbers = (dims: readonly number[]): Tensor => ({
  dims,
  type: 'float32',
  data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)).fill(0.1)
});
const mask = (values: readonly number[], dims: readonly number[] = [1, values.length]): Tensor => ({
  dims,
  type: 'int64',
  data: BigInt64Array.from(values, BigInt)
});

const FILE = { tensors: 'in.safetensors' };
const EMBEDDED = numbers([1, 3, WIDTH]);

type Row = readonly [
  what: string,
  files: () => ModelFiles,
  spec: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, Tensor>>,
  message: RegExp
];

const ROWS: readonly Row[] = [
  [
    'a tensor of the wrong type',
    embeds,
    FILE,
    { inputs_embeds: { ...EMBEDDED, type: 'float64', data: new Float64Array(3 * WIDTH) } },
    /^input type wrong: 'inputs_embeds' is float64, the file takes float32$/
  ],
  [
    'a tensor of the wrong rank',
    embeds,
    FILE,
    { inputs_embeds: numbers([3, WIDTH]) },
    /^input shape wrong: 'inputs_embeds' is \[3, 24\], the file takes \[.*\] here$/
  ],
  [
    'a tensor of the wrong width',
    embeds,
    FILE,
    { inputs_embeds: numbers([1, 3, WIDTH + 1]) },
    /^input shape wrong: 'inputs_embeds' is \[1, 3, 25\], the file takes \[.*\] here$/
  ],
  [
    'a mask of zeros',
    embeds,
    FILE,
    { inputs_embeds: EMBEDDED, attention_mask: mask([0, 0, 0]) },
    /^mask empty: 'attention_mask' hides every token of row 0$/
  ],
  [
    'a mask of the wrong rank',
    embeds,
    FILE,
    { inputs_embeds: EMBEDDED, attention_mask: mask([1, 1, 1], [3]) },
    /^input shape wrong: 'attention_mask' is \[3\], the file takes \[1, 3\] here$/
  ],
  [
    'ids beyond the vocabulary',
    hub,
    { ids: [1, 999] },
    {},
    /^id out of vocabulary: 999 at position 1, the model's ids are 0 to 319$/
  ],
  [
    'a text longer than the positions',
    hub,
    { text: 'the '.repeat(200) },
    {},
    /^text too long: text has \d+ tokens, the model has 64 positions$/
  ],
  [
    'NaN weights',
    notANumber,
    { ids: [1, 2], layers: [1] },
    {},
    /^attention-patterns is not possible on 'nan': the hook '.*' is unavailable: identity '[a-z-]+' fails at .*$/
  ]
];

test.each(ROWS)('%s: the cell says so in one sentence', async (_, files, spec, tensors, message) => {
  const failed = await runCell(files(), spec, tensors).then(
    () => 'no refusal',
    (error: unknown) => (error as Error).message
  );
  expect(failed).toMatch(message);
});

test('what is refused above is taken where it is right', async () => {
  const { result } = (await runCell(embeds(), FILE, {
    inputs_embeds: EMBEDDED,
    attention_mask: mask([1, 1, 1])
  })) as { result: object };
  expect(result).toBeDefined();
});
