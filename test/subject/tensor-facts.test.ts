import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readModel } from '../../src/onnx/read-model';
import { tensorList } from '../../src/subject/tensor-facts';

const FILE = join(__dirname, '../fixtures/models/gpt2-hub/model.onnx');

// Names, shapes and attributes as onnx.load of the same file gives them.
describe('tensors of a graph', () => {
  const list = tensorList(readModel(new Uint8Array(readFileSync(FILE)), 'model.onnx'));

  test('a weight has its type, shape and size', () => {
    expect(list.describe('transformer.wte.weight')).toEqual({
      name: 'transformer.wte.weight',
      from: 'initialiser',
      type: 'float32',
      shape: [320, 32],
      bytes: 320 * 32 * 4
    });
  });

  test('what a node makes names the node', () => {
    const { tensors } = list.initialisers(1);
    expect(tensors[0].bytes).toBe(320 * 32 * 4);
    const facts = list.describe('logits');
    expect(facts).toMatchObject({ from: 'node', type: 'float32', node: { outputs: ['logits'] } });
    expect(facts?.node?.inputs.length).toBeGreaterThan(1);
  });

  test('an input is one, and an unknown name is nothing', () => {
    expect(list.describe('input_ids')).toMatchObject({ from: 'input', type: 'int64' });
    expect(list.describe('no such tensor')).toBeUndefined();
  });

  test('the list is cut, and says how many are left out', () => {
    const all = list.initialisers(10000);
    const some = list.initialisers(3);
    expect(all.omitted).toBe(0);
    expect(some.tensors).toEqual(all.tensors.slice(0, 3));
    expect(some.omitted).toBe(all.tensors.length - 3);
    expect(all.tensors.map(({ bytes }) => bytes)).toEqual(
      all.tensors.map(({ bytes }) => bytes).sort((a, b) => b! - a!)
    );
  });
});
