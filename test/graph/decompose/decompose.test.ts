import { createBuilder, makeModel, makeNode, untyped, valueInfo } from '../../../src/graph/build';
import { decompose } from '../../../src/graph/decompose/decompose';
import { weightStore } from '../../../src/onnx/collect-weights';
import type { Model } from '../../../src/onnx/model';
import { draws, refusals } from './forms';

const NO_WEIGHTS = weightStore(new Map());
const { floats } = draws(8);

const fusedChain = (count: number): Model => {
  const builder = createBuilder();
  let at = builder.input('x', 'float32', [2, 8]);
  for (let i = 0; i < count; i++) {
    at = builder.node('FastGelu', [at], [], { domain: 'com.microsoft', hint: 'gelu' });
  }
  builder.output(valueInfo(at, 'float32'));
  return makeModel(builder.graph('chain'), 17);
};

test('a missing input is named', () => {
  expect(refusals({ type: 'SkipLayerNormalization', inputs: [floats(1, 2, 8), floats(1, 2, 8)] })).toEqual([
    "SkipLayerNormalization 'made' is not taken apart: its input 'gamma' is missing"
  ]);
});

test('an element type that nobody tells is not guessed', () => {
  const model = fusedChain(1);
  const graph = { ...model.graph, inputs: [untyped('x')] };
  expect(decompose({ ...model, graph }, NO_WEIGHTS).refused).toEqual([
    "FastGelu 'gelu' is not taken apart: the element type of 'x' is not known, or not understood"
  ]);
});

test('new names are not taken by any tensor', () => {
  const { nodes, ...graph } = fusedChain(1).graph;
  const other = makeNode('Relu', ['x'], ['gelu/Tanh']);
  const model = makeModel({ ...graph, nodes: [...nodes, other] }, 17);
  const names = decompose(model, NO_WEIGHTS).model.graph.nodes.flatMap(({ outputs }) => outputs);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('gelu/Tanh_1');
});

test('outputs keep their names, other nodes are the same objects', () => {
  const { nodes, ...graph } = fusedChain(1).graph;
  const other = makeNode('Relu', ['gelu'], ['y']);
  const model = makeModel({ ...graph, nodes: [...nodes, other], outputs: [untyped('y')] }, 17);
  const taken = decompose(model, NO_WEIGHTS).model;
  expect(taken.graph.nodes.at(-1)).toBe(other);
  expect(taken.graph.nodes.filter(({ outputs }) => outputs.includes('gelu'))).toHaveLength(1);
  expect(taken.opsets).toBe(model.opsets);
});

/** Four times the nodes in about four times the time; sixteen times would be quadratic. */
test('time grows with the number of nodes', () => {
  const time = (count: number): number => {
    const model = fusedChain(count);
    const start = performance.now();
    decompose(model, NO_WEIGHTS);
    return performance.now() - start;
  };
  time(500);
  expect(time(8000)).toBeLessThan(8 * Math.max(time(2000), 20));
});
