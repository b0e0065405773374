import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { int } from '../../src/graph/attributes';
import { decompose } from '../../src/graph/decompose/decompose';
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
import { fixtures, openModel as readFixture, type Facts } from '../anatomy/fixtures';
import { scramble } from '../fixtures/scramble';
import { memoryFiles, MODELS, quiet } from './fixture-files';

const FUSED = join(__dirname, '../fixtures/models-fused');
const names = readdirSync(FUSED).flatMap(file => (file.endsWith('.onnx') ? [file.slice(0, -'.onnx'.length)] : []));

/** float32 through two layers against PyTorch's, relative to the largest value of the hook: rounding is near 1e-6. */
const TOLERANCE = 2e-5;
/** The oracle has −∞ where masked, files have −3.4e38 or −∞. */
const MASKED = -1e30;

const deviation = (got: Tensor, want: Tensor): number => {
  const [a, b] = [toFloat64(got), toFloat64(want)];
  const kept = (x: number, i: number): boolean => x > MASKED && a[i] > MASKED;
  const largest = b.reduce((most, x, i) => (kept(x, i) ? Math.max(most, Math.abs(x)) : most), 0);
  return b.reduce((worst, x, i) => (kept(x, i) ? Math.max(worst, Math.abs(x - a[i])) : worst), 0) / largest;
};

const open = (name: string): { model: Model; weights: Weights } =>
  collectWeights(readModel(readFileSync(join(FUSED, `${name}.onnx`)), name), new Map());

const oracle = (name: string): { facts: Facts; expected: ReadonlyMap<string, Tensor> } => {
  const { family } = JSON.parse(readFileSync(join(FUSED, `${name}.json`), 'utf8')) as { family: string };
  const file = 'expected.safetensors';
  return {
    facts: JSON.parse(readFileSync(join(MODELS, family, 'facts.json'), 'utf8')) as Facts,
    expected: readSafetensors(readFileSync(join(MODELS, family, file)), file)
  };
};

/** One file of a model whose weights are in a store. */
const bytesOf = (model: Model, weights: Weights): Uint8Array => {
  const initializers = model.graph.initializers.map(tensor =>
    tensor.data.kind === 'weight'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: weights.get(tensor.name)!.bytes } }
      : tensor
  );
  return joinBytes(writeModel({ ...model, graph: { ...model.graph, initializers } }));
};

const idsOf = (tensor: Tensor): number[][] => {
  const [rows, length] = tensor.dims;
  const flat = Array.from(toFloat64(tensor));
  return Array.from({ length: rows }, (_, row) => flat.slice(row * length, (row + 1) * length));
};

describe.each(names)('%s', name => {
  const plain = open(name);
  const scrambled = scramble(plain.model, plain.weights, 7);
  const { facts, expected } = oracle(name);

  test.each([
    ['as written', plain.model, plain.weights],
    ['names randomised, nodes re-ordered', scrambled.model, scrambled.weights]
  ])('%s: every hook is verified and has the oracle’s values', async (_, model, weights) => {
    const files = memoryFiles(name, { 'model.onnx': bytesOf(model, weights) });
    const subject = await openModel(files, createNodeRuntime(), quiet);
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
        expect({ hook, within: deviation(got, want) <= TOLERANCE }).toEqual({
          hook,
          within: true
        });
      }
    }
    await subject.close();
  });

  test('the logits are compared with those of the fused file', async () => {
    const prepared: number[] = [];
    const runtime = createNodeRuntime();
    const counted: typeof runtime = {
      ...runtime,
      prepare: (model, weights) => {
        prepared.push(model.graph.nodes.filter(({ opType }) => FUSED_OPERATORS.test(opType)).length);
        return runtime.prepare(model, weights);
      }
    };
    const subject = await openModel(
      memoryFiles(name, { 'model.onnx': bytesOf(plain.model, plain.weights) }),
      counted,
      quiet
    );
    const fused = plain.model.graph.nodes.filter(({ opType }) => FUSED_OPERATORS.test(opType)).length;
    expect(fused).toBeGreaterThan(0);
    expect(prepared.filter(count => count > 0)).toEqual([fused]);
    expect(
      subject.certificate.identities.find(identity => identity.name === 'logits-unchanged-by-surgery')?.holds
    ).toBe(true);
    await subject.close();
  });
});

const FUSED_OPERATORS = /Attention|Skip|Embed|Simplified|RMSNorm|Gelu|RotaryEmbedding/;

test('what is not taken apart is named when the file is refused', async () => {
  const { model, weights } = open('bert-ort');
  const rotated = int('do_rotary', 1);
  const nodes = model.graph.nodes.map(node =>
    node.opType === 'Attention' ? { ...node, attributes: [...node.attributes, rotated] } : node
  );
  const files = memoryFiles('rotated', {
    'model.onnx': bytesOf({ ...model, graph: { ...model.graph, nodes } }, weights)
  });
  await expect(openModel(files, createNodeRuntime(), quiet)).rejects.toThrow(
    "model refused: 'model.onnx': Attention 'Attention_0' at offset 655 is not taken apart: its attribute 'do_rotary' is 1, only 0 is understood (ONNX Runtime has no kernel for it on the CPU), and 1 more of the kind"
  );
});

test('a file without fused operators stays the same object', () => {
  for (const { family, style } of fixtures()) {
    const { model, weights } = readFixture(family, style);
    const taken = decompose(model, weights);
    expect({ family, style, same: taken.model === model, refused: taken.refused }).toEqual({
      family,
      style,
      same: true,
      refused: []
    });
  }
});
