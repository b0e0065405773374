import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { recognise } from '../../src/anatomy/recognise';
import { int, text } from '../../src/graph/attributes';
import { createBuilder, makeNode } from '../../src/graph/build';
import { takenNames } from '../../src/graph/decompose/taken-names';
import { applyEdits } from '../../src/graph/edit';
import { collectWeights } from '../../src/onnx/collect-weights';
import { joinBytes } from '../../src/onnx/join-bytes';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { memoryFiles, MODELS, quiet } from './fixture-files';

const [EXPERTS, WIDTH, INNER] = [3, 32, 64];

/** A Llama whose MLPs are ONNX Runtime's operator for a mixture of experts. */
const withExperts = (): Uint8Array => {
  const file = readModel(readFileSync(join(MODELS, 'llama/torchscript.onnx')), 'llama');
  const { model, weights } = collectWeights(file, new Map());
  const builder = createBuilder(takenNames(file.graph));
  const random = (hint: string, dims: readonly number[]): string => {
    const count = dims.reduce((a, b) => a * b, 1);
    return builder.tensor(hint, {
      dims,
      type: 'float32',
      data: Float32Array.from({ length: count }, (_, i) => 0.2 * Math.sin(i * i))
    });
  };
  const [{ blocks }] = recognise(model, weights).towers;
  const replaced = blocks.flatMap(({ mlp, norms }) => {
    const read = norms.find(({ role }) => role === 'ln2')!.output;
    const scores = builder.node('MatMul', [read, random('router', [WIDTH, EXPERTS])]);
    const rows = builder.node('Reshape', [scores, builder.ints([-1, EXPERTS])]);
    const weightsOf = [random('in', [EXPERTS, INNER, WIDTH]), '', random('out', [EXPERTS, WIDTH, INNER])];
    const attributes = [int('k', 2), text('activation_type', 'silu')];
    const node = makeNode('MoE', [read, rows, ...weightsOf], [mlp!.output], attributes, 'com.microsoft');
    return [{ op: 'remove-node', tensor: mlp!.output } as const, { op: 'add-node', node } as const];
  });
  const graph = applyEdits(file.graph, [...builder.edits(), ...replaced]);
  const opsets = [...file.opsets, { ...file.opsets[0], domain: 'com.microsoft', version: 1 }];
  return joinBytes(writeModel({ ...file, graph, opsets }));
};

test('a mixture of experts in one operator: attention and what it adds to the stream are served', async () => {
  const files = memoryFiles('experts', { 'model.onnx': withExperts() });
  const subject = await openModel(files, createNodeRuntime(), quiet);
  const odd = subject.anatomy.hooks.filter(({ status }) => status !== 'verified').map(({ name }) => name);
  expect(odd).toEqual([0, 1].flatMap(layer => [`blocks.${layer}.mlp.hook_pre`, `blocks.${layer}.mlp.hook_post`]));
  expect(subject.anatomy.hooks.map(({ name }) => name)).toContain('blocks.1.hook_mlp_out');
  await subject.close();
});
