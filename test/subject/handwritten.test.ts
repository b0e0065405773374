import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { collectWeights } from '../../src/onnx/collect-weights';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { joinBytes } from '../../src/onnx/join-bytes';
import { readModel } from '../../src/onnx/read-model';
import { readSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { scramble } from '../fixtures/scramble';
import { memoryFiles, quiet } from './fixture-files';

const FOLDER = join(__dirname, '../fixtures/handwritten');

/** Single precision through two sharp layers, relative to the largest value: rounding is near 1e-6. */
const TOLERANCE = 2e-5;

/** What the recogniser must say of each; every hook is verified. */
const FACTS: Readonly<Record<string, { positional: string; kvHeads?: number }>> = {
  'head-by-head': { positional: 'learned' },
  'head-by-head-biased': { positional: 'learned' },
  packed: { positional: 'learned' },
  'multiplied-mask': { positional: 'learned' },
  'norm-of-all-heads': { positional: 'learned' },
  'alibi-table': { positional: 'alibi' },
  'relative-table': { positional: 'relative' },
  sinks: { positional: 'learned' },
  neighbours: { positional: 'rotary', kvHeads: 2 },
  'neighbours-normed': { positional: 'rotary', kvHeads: 2 },
  'angles-looked-up': { positional: 'rotary', kvHeads: 2 },
  'scaled-positions': { positional: 'learned' },
  'shared-keys': { positional: 'learned', kvHeads: 1 },
  'sliced-ids': { positional: 'learned' },
  'masked-stream': { positional: 'learned' },
  'encoder-pre': { positional: 'learned' },
  boxes: { positional: 'learned' },
  'encoder-post': { positional: 'learned' }
};

const files = readdirSync(FOLDER).flatMap(name => {
  const [, model, style] = /^(.+)-(torchscript|dynamo|fixed)\.onnx\.gz$/.exec(name) ?? [];
  return model ? [[model, style] as const] : [];
});

const bytesOf = (model: string, style: string): Uint8Array =>
  gunzipSync(readFileSync(join(FOLDER, `${model}-${style}.onnx.gz`)));

const bare = (bytes: Uint8Array): Uint8Array => {
  const { model, weights } = collectWeights(readModel(bytes, 'model.onnx'), new Map());
  const { model: changed, weights: stored } = scramble(model, weights, 11);
  const initializers = changed.graph.initializers.map(tensor =>
    tensor.data.kind === 'weight'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: stored.get(tensor.name)!.bytes } }
      : tensor
  );
  return joinBytes(writeModel({ ...changed, graph: { ...changed.graph, initializers } }));
};

const open = (bytes: Uint8Array): Promise<Subject> =>
  openModel(memoryFiles('model', { 'model.onnx': bytes }), createNodeRuntime(), quiet);

const deviation = (got: Tensor, want: Tensor): number => {
  const [a, b] = [toFloat64(got), toFloat64(want)];
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return b.reduce((worst, value, at) => Math.max(worst, Math.abs(value - a[at])), 0) / largest;
};

describe.each(files)('%s by %s', (name, style) => {
  const expected = readSafetensors(readFileSync(join(FOLDER, `${name}.safetensors`)), name);
  const versions = { 'as it is': (bytes: Uint8Array) => bytes, 'with its names gone': bare };

  test.each(Object.entries(versions))('%s: hooks are those of PyTorch', async (_, version) => {
    const bytes = version(bytesOf(name, style));
    const subject = await open(bytes);
    const [{ name: logits }] = readModel(bytes, 'model.onnx').graph.outputs;
    // Behind a mask on the last stream (XLM) no head is found.
    expect(subject.tower.head?.logits).toBe(name === 'masked-stream' ? undefined : logits);
    const { positional, kvHeads, heads } = subject.tower;
    const odd = subject.anatomy.hooks.filter(({ status }) => status !== 'verified');
    expect({ positional, kvHeads }).toEqual({
      positional: FACTS[name].positional,
      kvHeads: FACTS[name].kvHeads ?? heads
    });
    expect(odd.map(hook => hook.name)).toEqual([]);
    const ids = expected.get('ids')!;
    const rows = [0, 1].map(row => Array.from(toFloat64(ids).subarray(row * ids.dims[1], (row + 1) * ids.dims[1])));
    const wanted = [...expected.keys()].filter(key => key.startsWith('blocks.'));
    const masks = subject.anatomy.inputs.filter(({ role }) => role === 'attention_mask');
    expect(masks).toHaveLength(expected.has('mask') ? 1 : 0);
    const boxes = subject.anatomy.inputs.filter(({ role }) => role === 'boxes');
    expect(boxes).toHaveLength(expected.has('bbox') ? 1 : 0);
    const feeds = Object.fromEntries([
      ...masks.map(input => [input.name, expected.get('mask')!] as const),
      ...boxes.map(input => [input.name, expected.get('bbox')!] as const)
    ]);
    const cache = await subject.forward({ ids: rows, hooks: wanted, outputs: [logits], feeds }, quiet);
    for (const [hook, want] of [...expected].filter(([key]) => !['ids', 'mask', 'bbox'].includes(key))) {
      const got = cache.get(hook === 'logits' ? logits : hook)!;
      expect({ hook, dims: got.dims }).toEqual({ hook, dims: want.dims });
      expect({ hook, within: deviation(got, want) <= TOLERANCE }).toEqual({ hook, within: true });
    }
    await subject.close();
  });
});

/** What is not served says why, in the same words whatever things are called. */
const REFUSED: Readonly<Record<string, string>> = {
  'cut-ids-dynamo': 'a Slice takes only some of the ids: positions of a text are not those of the stream',
  'time-major-torchscript':
    'ids are transposed before their table: the stream is [pos, batch, d_model], positions first',
  'convolutions-between-dynamo':
    'blocks without attention beside those that have it: layers could not be numbered as the model has them',
  'shortened-keys-torchscript':
    'keys and values are of other positions than the queries, though of the same stream: the pattern is not token × token',
  'windows-fixed': 'attention within windows of an image: no pattern is between all tokens of the stream',
  'bottlenecks-dynamo': 'attention whose values read another stream than its keys'
};

test('every file that is not served has its sentence', () => {
  const refused = readdirSync(join(FOLDER, 'refused')).map(name => name.replace('.onnx.gz', ''));
  expect(refused.sort()).toEqual(Object.keys(REFUSED).sort());
});

describe.each(Object.entries(REFUSED))('%s is refused', (name, why) => {
  const bytes = gunzipSync(readFileSync(join(FOLDER, 'refused', `${name}.onnx.gz`)));
  test.each([
    ['as it is', bytes],
    ['with its names gone', bare(bytes)]
  ])('%s', async (_, version) => {
    await expect(open(version)).rejects.toThrow(why);
  });
});
