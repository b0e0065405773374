import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { chooseBranch } from '../../../src/graph/decompose/choose-branch';
import { readModel } from '../../../src/onnx/read-model';
import { readSafetensors } from '../../../src/onnx/safetensors';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import { fixtures } from '../../anatomy/fixtures';
import { memoryFiles, MODELS, quiet } from '../../subject/fixture-files';

const bytesOf = (family: string): Uint8Array => readFileSync(join(__dirname, `../../fixtures/merged/${family}.onnx`));

describe.each(['gpt2', 'llama'])('%s with and without past in one file', family => {
  test('the branch for a prompt has the hooks of PyTorch, and all are verified', async () => {
    const { facts } = fixtures().find(one => one.family === family)!;
    const expected = readSafetensors(readFileSync(join(MODELS, family, 'expected.safetensors')), family);
    const files = memoryFiles(family, { 'model.onnx': bytesOf(family) });
    const subject = await openModel(files, createNodeRuntime(), quiet);
    expect(subject.anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
    const names = facts.hooks.filter(name => subject.anatomy.hooks.some(hook => hook.name === name));
    const cache = await subject.forward({ ids: facts.ids, hooks: names, outputs: ['logits'] }, quiet);
    expect(names.length).toBeGreaterThan(facts.hooks.length - 2);
    for (const name of [...names, 'logits'].filter(one => !one.endsWith('attn_scores'))) {
      const [want, got] = [expected.get(name)!.data, cache.get(name).data];
      const most = Array.from(want as Float32Array).reduce((a, x) => Math.max(a, Math.abs(x)), 1e-3);
      // Some hundred roundings in single precision.
      want.forEach((value, at) => expect(Math.abs(Number(value) - Number(got[at]))).toBeLessThan(1e-4 * most));
    }
    await subject.close();
  });

  test('what an input chooses is in no graph any more; both models have the same inputs', () => {
    const { model, asFiled } = chooseBranch(readModel(bytesOf(family), family));
    expect(model.graph.nodes.some(({ opType }) => opType === 'If')).toBe(false);
    expect(asFiled.graph.nodes.map(({ opType }) => opType)).toEqual(['If']);
    const inputs = ['input_ids', 'attention_mask', 'position_ids'];
    for (const { graph } of [model, asFiled]) {
      expect(graph.inputs.map(({ name }) => name).sort()).toEqual([...inputs].sort());
    }
  });
});

test('a file without such an input stays the same object', () => {
  const model = readModel(readFileSync(join(MODELS, 'gpt2/optimum-with-past.onnx')), 'gpt2');
  expect(chooseBranch(model).model).toBe(model);
});

test('branches that read equally many inputs are left alone', () => {
  const model = readModel(bytesOf('gpt2'), 'gpt2');
  const [node] = model.graph.nodes;
  const [one, other] = node.attributes;
  const twice = { ...node, attributes: [one, { ...one, name: other.name }] };
  const changed = { ...model, graph: { ...model.graph, nodes: [twice] } };
  expect(chooseBranch(changed).model).toBe(changed);
});
