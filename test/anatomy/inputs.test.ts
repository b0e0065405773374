import { collectFacts } from '../../src/anatomy/facts';
import { provisionalInputs } from '../../src/anatomy/inputs';
import { weightStore } from '../../src/onnx/collect-weights';
import type { Model, TensorProto } from '../../src/onnx/model';
import { intAttribute, model, node, value } from '../runtime/graphs';

const FLOAT = 1;
const INT64 = 7;
const constant = (name: string, dims: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: FLOAT,
  data: { kind: 'raw', bytes: new Uint8Array(4 * dims.reduce((size, dim) => size * dim, 1)) },
  unknown: new Uint8Array(0)
});

const PATCHES = [
  node('Cast', ['pixels'], ['floats'], [intAttribute('to', FLOAT)]),
  node('Conv', ['floats', 'kernel'], ['patches'])
];
const TOKENS = [node('Gather', ['table', 'ids'], ['embedded'])];
const IMAGE = value('pixels', FLOAT, ['batch', 'channels', 'height', 'width']);

const rolesOf = (graph: Model): Record<string, string> => {
  const inputs = provisionalInputs(collectFacts(graph, weightStore(new Map())));
  return Object.fromEntries(inputs.map(({ name, role }) => [name, role]));
};

test('an image is no past: with text beside it, and alone', () => {
  const both = model({
    nodes: [...PATCHES, ...TOKENS],
    inputs: [IMAGE, value('ids', INT64, ['batch', 'pos'])],
    outputs: [value('patches', FLOAT, ['a', 'b', 'c', 'd'])],
    initializers: [constant('kernel', [4, 3, 8, 8]), constant('table', [64, 4])]
  });
  expect(rolesOf(both)).toEqual({ pixels: 'pixels', ids: 'ids' });
  const alone = model({
    nodes: PATCHES,
    inputs: [IMAGE],
    outputs: [value('patches', FLOAT, ['a', 'b', 'c', 'd'])],
    initializers: [constant('kernel', [4, 3, 8, 8])]
  });
  expect(rolesOf(alone)).toEqual({ pixels: 'pixels' });
});

test('sound is features, no mask: nothing picks rows of a table', () => {
  const graph = model({
    nodes: [node('Conv', ['sound', 'kernel'], ['frames'])],
    inputs: [value('sound', FLOAT, ['batch', 'samples'])],
    outputs: [value('frames', FLOAT, ['a', 'b', 'c'])],
    initializers: [constant('kernel', [4, 1, 10])]
  });
  expect(rolesOf(graph)).toEqual({ sound: 'features' });
});

test('an input of which nothing but the size is read may hold anything', () => {
  const graph = model({
    nodes: [...TOKENS, node('Shape', ['types'], ['size'])],
    inputs: [value('ids', INT64, ['batch', 'pos']), value('types', INT64, ['batch', 'pos'])],
    outputs: [value('embedded', FLOAT, ['a', 'b', 'c']), value('size', INT64, [2])],
    initializers: [constant('table', [64, 4])]
  });
  expect(rolesOf(graph)).toEqual({ ids: 'ids', types: 'unused' });
});
