import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeNode } from '../../src/graph/build';
import { decodeTensor, toFloat32 } from '../../src/onnx/decode-tensor';
import { joinBytes } from '../../src/onnx/join-bytes';
import { makeTensor } from '../../src/onnx/make-tensor';
import type { Model, Node, TensorProto } from '../../src/onnx/model';
import { numberToHalf } from '../../src/onnx/number-to-half';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { SweepRequest } from '../../src/subject/sweep';
import { sweepWhole } from '../../src/subject/sweeps/whole';
import { MODELS, memoryFiles, quiet } from './fixture-files';
import { difference, patchesOf, readout, rows } from './sweep-requests';

const FLOAT = 1;
const NOTHING = new Uint8Array(0);

const widened = (input: string, output: string): Node =>
  makeNode('Cast', [input], [output], [{ name: 'to', type: 2, i: FLOAT, unknown: NOTHING }]);

const halved = (tensor: TensorProto): TensorProto =>
  makeTensor(`${tensor.name}/half`, {
    dims: tensor.dims,
    type: 'float16',
    data: Uint16Array.from(toFloat32(decodeTensor(tensor)), numberToHalf)
  });

/** Matrices are stored in half precision and cast where they are read, as files with quantised weights do with their scales. */
const storedInHalf = (model: Model): Model => {
  const { nodes, initializers } = model.graph;
  const matrices = initializers.filter(({ dims, dataType }) => dataType === FLOAT && dims.length === 2);
  return {
    ...model,
    graph: {
      ...model.graph,
      nodes: [...matrices.map(({ name }) => widened(`${name}/half`, name)), ...nodes],
      initializers: [...initializers.filter(tensor => !matrices.includes(tensor)), ...matrices.map(halved)]
    }
  };
};

/** Of the largest effect: the order of summation in single precision. */
const TOLERANCE = 1e-4;

test.each(['gpt2', 'llama'])('weights in half precision that are widened are swept in pieces: %s', async family => {
  const file = readModel(readFileSync(join(MODELS, family, 'optimum.onnx')), family);
  const bytes = joinBytes(writeModel(storedInHalf(file)));
  const subject = await openModel(memoryFiles(family, { 'model.onnx': bytes }), createNodeRuntime(), quiet);
  try {
    expect(subject.facts.dtypes.float16).toBeGreaterThan(0);
    const vocabulary = subject.tower.dVocab!;
    const request: SweepRequest = {
      base: rows(1, vocabulary),
      source: { kind: 'run', ids: rows(4, vocabulary) },
      patches: patchesOf(subject, 17),
      readout
    };
    const found = await subject.sweep(request, quiet);
    expect(found.method).toBe('positions');
    expect(difference(found, await sweepWhole(subject, request, quiet)).off).toBeLessThan(TOLERANCE);
  } finally {
    await subject.close();
  }
});
