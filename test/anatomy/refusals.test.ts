import { recognise } from '../../src/anatomy/recognise';
import type { Model } from '../../src/onnx/model';
import { openModel } from './fixtures';

describe('networks that are no transformers are refused in one sentence', () => {
  test.each([
    ['mlp-only', /^no attention in the graph: none of its \d+ nodes is a Softmax$/],
    ['cnn', /^no attention in the graph: /],
    ['lstm', /^no attention in the graph: /],
    [
      'softmax-head',
      /^no attention in the graph: its Softmax is not between a product of queries and keys and a product with values$/
    ],
    ['pooling', /^no attention in the graph: its Softmax is not between /],
    [
      'head-by-head',
      /^the heads of a layer are computed one by one and joined, so that no tensor holds them together$/
    ],
    ['training', /^dropout is active, because the file was exported in training mode$/]
  ])('%s', (style, why) => {
    const { model, weights } = openModel('refusals', style);
    const { towers, hooks, unresolved, refusals } = recognise(model, weights);
    expect({ towers, hooks, unresolved, count: refusals.length }).toEqual({
      towers: [],
      hooks: [],
      unresolved: [],
      count: 1
    });
    expect(refusals[0].why).toMatch(why);
  });
});

const withOperator = (opType: string): Model => {
  const { model } = openModel('bert', 'dynamo');
  const nodes = model.graph.nodes.map(node => (node.opType === 'Softmax' ? { ...node, opType } : node));
  return { ...model, graph: { ...model.graph, nodes } };
};

describe('operators that hide attention are named', () => {
  test.each([
    ['Attention', "attention is one fused operator 'Attention', whose parts are not in the graph"],
    ['GroupQueryAttention', "attention is one fused operator 'GroupQueryAttention', whose parts are not in the graph"],
    ['SkipLayerNormalization', "the residual stream runs through the fused operator 'SkipLayerNormalization'"]
  ])('%s', (opType, why) => {
    const { weights } = openModel('bert', 'dynamo');
    const { towers, refusals } = recognise(withOperator(opType), weights);
    expect(towers).toEqual([]);
    expect(refusals.map(refusal => refusal.why)).toEqual([why, why]);
  });

  test.each(['QLinearMatMul', 'QuantizeLinear'])('static quantisation: %s', opType => {
    const { model, weights } = openModel('bert', 'dynamo');
    const nodes = model.graph.nodes.map(node => (node.opType === 'MatMul' ? { ...node, opType } : node));
    const { towers, refusals } = recognise({ ...model, graph: { ...model.graph, nodes } }, weights);
    expect(towers).toEqual([]);
    expect(refusals.map(refusal => refusal.why)).toEqual([
      `activations are rounded between operators ('${opType}', static quantisation), so that attention is not seen through it`
    ]);
  });

  test('a local function', () => {
    const { model, weights } = openModel('bert', 'dynamo');
    const [softmax] = model.graph.nodes.filter(({ opType }) => opType === 'Softmax');
    const local = {
      name: 'Softmax',
      domain: softmax.domain,
      inputs: [],
      outputs: [],
      attributeNames: [],
      attributeDefaults: [],
      nodes: [],
      opsets: [],
      unknown: new Uint8Array(0)
    };
    const { refusals } = recognise({ ...model, functions: [local] }, weights);
    expect(refusals[0].why).toBe("the graph calls the local function 'Softmax', which is not inlined");
  });
});
