import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { joinHeads } from '../../../src/graph/decompose/join-heads';
import { collectWeights } from '../../../src/onnx/collect-weights';
import type { Model, Node } from '../../../src/onnx/model';
import { readModel } from '../../../src/onnx/read-model';
import type { Weights } from '../../../src/onnx/weights';

const open = (): { model: Model; weights: Weights } => {
  const bytes = gunzipSync(
    readFileSync(join(__dirname, '../../fixtures/handwritten/head-by-head-torchscript.onnx.gz'))
  );
  return collectWeights(readModel(bytes, 'model.onnx'), new Map());
};

const count = ({ graph }: Model, opType: string): number => graph.nodes.filter(node => node.opType === opType).length;

/** The file with one node of the first layer's second head changed. */
const withNode = (model: Model, opType: string, change: (node: Node) => Node): Model => {
  const second = model.graph.nodes.filter(node => node.opType === opType)[1];
  const nodes = model.graph.nodes.map(node => (node === second ? change(node) : node));
  return { ...model, graph: { ...model.graph, nodes } };
};

test('four heads a layer become one attention a layer', () => {
  const { model, weights } = open();
  expect(count(model, 'Softmax')).toBe(8);
  expect(count(joinHeads(model, weights), 'Softmax')).toBe(2);
});

test('a layer whose branches differ in more than their weights is left as it is', () => {
  const { model, weights } = open();
  const odd = withNode(model, 'Where', node => ({ ...node, inputs: [node.inputs[0], node.inputs[2], node.inputs[1]] }));
  expect(count(joinHeads(odd, weights), 'Softmax')).toBe(5);
});

test('a branch that divides where the others multiply is another computation', () => {
  const { model, weights } = open();
  const odd = withNode(model, 'Mul', node => ({ ...node, opType: 'Div' }));
  expect(count(joinHeads(odd, weights), 'Softmax')).toBe(5);
});

test('branches that meet again and again are compared once each: no hang', () => {
  const { model, weights } = open();
  // Each head's scale is doubled 50 times, x + x, between its Pow and the product: 2⁵⁰ ways back.
  const nodes = model.graph.nodes.flatMap(node => {
    if (node.opType !== 'Pow') {
      return [node];
    }
    const [output] = node.outputs;
    const at = (step: number): string => (step === 50 ? output : `${output}_${step}`);
    const doubled = Array.from({ length: 50 }, (_, step) => ({
      ...node,
      name: at(step + 1),
      opType: 'Add',
      inputs: [at(step), at(step)],
      outputs: [at(step + 1)]
    }));
    return [{ ...node, outputs: [at(0)] }, ...doubled];
  });
  const deep = { ...model, graph: { ...model.graph, nodes } };
  expect(count(joinHeads(deep, weights), 'Softmax')).toBe(2);
});

test('a graph without such a loop is given back as the same object', () => {
  const { model, weights } = open();
  const joined = joinHeads(model, weights);
  expect(joinHeads(joined, weights)).toBe(joined);
});
