import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { folderFiles } from '../../src/cli/folder-files';
import type { Model, TensorProto } from '../../src/onnx/model';
import { joinBytes } from '../../src/onnx/join-bytes';
import type { Weights } from '../../src/onnx/weights';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { openModel as readFixture } from '../anatomy/fixtures';
import { memoryFiles, quiet } from './fixture-files';

const runtime = createNodeRuntime();
const folder = mkdtempSync(join(tmpdir(), 'orrery-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The model's weights in a file beside it, each at a multiple of 64 bytes. */
const withData = (model: Model, weights: Weights): { readonly onnx: Uint8Array; readonly data: Uint8Array } => {
  const pieces: Uint8Array[] = [];
  let at = 0;
  const initializers = model.graph.initializers.map((tensor): TensorProto => {
    const bytes = tensor.data.kind === 'weight' ? weights.get(tensor.name)!.bytes : undefined;
    if (!bytes) {
      return tensor;
    }
    const entries = Object.entries({ location: 'model.onnx_data', offset: String(at), length: String(bytes.length) });
    pieces.push(bytes, new Uint8Array((64 - (bytes.length % 64)) % 64));
    at += pieces.at(-2)!.length + pieces.at(-1)!.length;
    return { ...tensor, data: { kind: 'external', entries: entries.map(([key, value]) => ({ key, value })) } };
  });
  const graph = { ...model.graph, initializers };
  return { onnx: joinBytes(writeModel({ ...model, graph })), data: joinBytes(pieces) };
};

const IDS = [[3, 14, 15, 9, 26, 5]];

const numbers = async (subject: Subject): Promise<unknown> => {
  const served = subject.anatomy.hooks.filter(({ status }) => status === 'verified').map(({ name }) => name);
  const cache = await subject.forward({ ids: IDS, hooks: served, outputs: ['logits'] }, quiet);
  const shuffled = await subject.shuffled(3, quiet);
  const other = await shuffled.forward({ ids: IDS, hooks: ['blocks.1.attn.hook_pattern'] }, quiet);
  await shuffled.release();
  return [
    served.length,
    subject.facts.hash,
    subject.facts.bytes,
    subject.certificate.identities,
    ...[cache, other].map(one => one.names.map(name => [name, one.get(name)]))
  ];
};

// The same kernels on the same bytes: no tolerance.
test.each(['gpt2', 'llama'])(
  '%s: the same numbers whether weights are mapped from their file or given from memory',
  async family => {
    const { model, weights } = readFixture(family, 'optimum');
    const { onnx, data } = withData(model, weights);
    const place = join(folder, family);
    mkdirSync(place);
    writeFileSync(join(place, 'model.onnx'), onnx);
    // As a hub's cache has it.
    writeFileSync(join(folder, `${family}-blob`), data);
    symlinkSync(join(folder, `${family}-blob`), join(place, 'model.onnx_data'));
    const mapped = await openModel(await folderFiles(place), runtime, quiet);
    const given = await openModel(memoryFiles(family, { 'model.onnx': onnx, 'model.onnx_data': data }), runtime, quiet);
    expect(await numbers(mapped)).toEqual(await numbers(given));
    await Promise.all([mapped.close(), given.close()]);
  }
);
