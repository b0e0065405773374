import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { collectWeights } from '../../src/onnx/collect-weights';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { joinBytes } from '../../src/onnx/join-bytes';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import { readSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Facts } from '../anatomy/fixtures';
import { memoryFiles, MODELS, quiet } from './fixture-files';

/** Small files of fused operators, each with the family whose oracle it shares. */
export const FUSED = join(__dirname, '../fixtures/models-fused');

/** float32 through two layers against PyTorch's, relative to the largest value of the hook: rounding is near 1e-6. */
export const TOLERANCE = 2e-5;
/** The oracle has −∞ where masked, files have −3.4e38 or −∞. */
const MASKED = -1e30;

export const deviation = (got: Tensor, want: Tensor): number => {
  const [a, b] = [toFloat64(got), toFloat64(want)];
  const kept = (x: number, i: number): boolean => x > MASKED && a[i] > MASKED;
  const largest = b.reduce((most, x, i) => (kept(x, i) ? Math.max(most, Math.abs(x)) : most), 0);
  return b.reduce((worst, x, i) => (kept(x, i) ? Math.max(worst, Math.abs(x - a[i])) : worst), 0) / largest;
};

export const openFused = (name: string): { model: Model; weights: Weights } =>
  collectWeights(readModel(readFileSync(join(FUSED, `${name}.onnx`)), name), new Map());

interface Oracle {
  readonly facts: Facts;
  readonly expected: ReadonlyMap<string, Tensor>;
}

export const oracleOf = (name: string): Oracle => {
  const { family, ...own } = JSON.parse(readFileSync(join(FUSED, `${name}.json`), 'utf8')) as {
    family: string;
    maxPositions?: number;
  };
  const file = 'expected.safetensors';
  const facts = JSON.parse(readFileSync(join(MODELS, family, 'facts.json'), 'utf8')) as Facts;
  return {
    facts: { ...facts, tower: { ...facts.tower, ...own } },
    expected: readSafetensors(readFileSync(join(MODELS, family, file)), file)
  };
};

/** One file of a model whose weights are in a store. */
export const bytesOf = (model: Model, weights: Weights): Uint8Array => {
  const initializers = model.graph.initializers.map(tensor =>
    tensor.data.kind === 'weight'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: weights.get(tensor.name)!.bytes } }
      : tensor
  );
  return joinBytes(writeModel({ ...model, graph: { ...model.graph, initializers } }));
};

export const idsOf = (tensor: Tensor): number[][] => {
  const [rows, length] = tensor.dims;
  const flat = Array.from(toFloat64(tensor));
  return Array.from({ length: rows }, (_, row) => flat.slice(row * length, (row + 1) * length));
};

/** All identities hold, all hooks are verified, and have PyTorch's values for one text and for a batch of two. */
export const expectOracle = async (bytes: Uint8Array, { facts, expected }: Oracle): Promise<void> => {
  const subject = await openModel(memoryFiles('fused', { 'model.onnx': bytes }), createNodeRuntime(), quiet);
  expect(subject.certificate.identities.filter(({ holds }) => holds === false)).toEqual([]);
  expect(subject.anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
  expect(subject.tower).toMatchObject(facts.tower);
  const hooks = facts.hooks.filter(hook => subject.anatomy.hooks.some(served => served.name === hook));
  expect(hooks).toEqual(facts.hooks.filter(hook => hook !== 'logits'));
  for (const prefix of ['', 'batch2/']) {
    const cache = await subject.forward({ ids: idsOf(expected.get(`${prefix}ids`)!), hooks }, quiet);
    for (const hook of hooks) {
      const got = cache.get(hook);
      const want = expected.get(prefix + hook)!;
      expect({ hook, dims: got.dims }).toEqual({ hook, dims: want.dims });
      expect({ hook, within: deviation(got, want) <= TOLERANCE }).toEqual({ hook, within: true });
    }
  }
  await subject.close();
};
