import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeNode } from '../../src/graph/build';
import { joinBytes } from '../../src/onnx/join-bytes';
import { makeTensor } from '../../src/onnx/make-tensor';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { SweepRequest } from '../../src/subject/sweep';
import { sweepWhole } from '../../src/subject/sweeps/whole';
import { MODELS, memoryFiles, quiet } from './fixture-files';
import { difference, LENGTH, patchesOf, rows } from './sweep-requests';

/** cap · tanh(logits / cap), as Gemma 2 ends. */
const capped = (model: Model, cap: number): Model => {
  const { graph } = model;
  const renamed = (names: readonly string[]): readonly string[] =>
    names.map(name => (name === 'logits' ? 'products' : name));
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [
        ...graph.nodes.map(node => ({ ...node, outputs: renamed(node.outputs) })),
        makeNode('Div', ['products', 'cap'], ['shares']),
        makeNode('Tanh', ['shares'], ['bent']),
        makeNode('Mul', ['bent', 'cap'], ['logits'])
      ],
      initializers: [
        ...graph.initializers,
        makeTensor('cap', { dims: [], type: 'float32', data: Float32Array.of(cap) })
      ]
    }
  };
};

/** Of the largest effect: the order of summation in single precision. */
const TOLERANCE = 1e-4;

test('a cap on logits holds for those that are read alone, also where the first prompt’s are too small to show it', async () => {
  const file = readModel(readFileSync(join(MODELS, 'gpt2/optimum.onnx')), 'gpt2');
  const plain = await openModel(
    memoryFiles('gpt2', { 'm.onnx': joinBytes(writeModel(file)) }),
    createNodeRuntime(),
    quiet
  );
  const base = rows(1, plain.tower.dVocab!);
  const { dims, data } = (await plain.forward({ ids: base, hooks: [], outputs: ['logits'] }, quiet)).get('logits');
  await plain.close();
  const [, length, width] = dims;
  /** Ids by the size of their logits at a prompt's last position, smallest first. */
  const bySize = (prompt: number): readonly number[] => {
    const at = ((prompt + 1) * length - 1) * width;
    const size = (id: number): number => Math.abs(Number(data[at + id]));
    return Array.from({ length: width }, (_, id) => id).sort((a, b) => size(a) - size(b));
  };
  const largest = Math.max(...Array.from(data as Float32Array, Math.abs));
  const bytes = joinBytes(writeModel(capped(file, 4 * largest)));
  const subject = await openModel(memoryFiles('capped', { 'm.onnx': bytes }), createNodeRuntime(), quiet);
  const request: SweepRequest = {
    base,
    source: { kind: 'run', ids: rows(4, width) },
    patches: patchesOf(subject, 17),
    readout: {
      positions: [[LENGTH - 1], [LENGTH - 1]],
      columns: [bySize(0).slice(0, 1), bySize(1).slice(-1)],
      value: ([logit]) => logit
    }
  };
  const found = await subject.sweep(request, quiet);
  expect(found.method).toBe('positions');
  expect(difference(found, await sweepWhole(subject, request, quiet)).off).toBeLessThan(TOLERANCE);
  await subject.close();
});
