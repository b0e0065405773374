import { recognise } from '../../src/anatomy/recognise';
import { int64Vector } from '../../src/onnx/make-tensor';
import type { Model, Node } from '../../src/onnx/model';
import { createNodeRuntime } from '../../src/runtime/node';
import { recogniseBySizes } from '../../src/subject/opening/observe-sizes';
import { certified } from './certificate';
import { openModel } from './fixtures';

/** Every size that a Reshape takes goes through an Expand to itself, whose values shape inference does not follow. */
const withHiddenSizes = (model: Model): Model => {
  const nodes = model.graph.nodes.flatMap((node): Node[] => {
    if (node.opType !== 'Reshape') {
      return [node];
    }
    const [data, sizes] = node.inputs;
    const hidden = `${node.outputs[0]} sizes`;
    return [
      { ...node, name: '', opType: 'Expand', attributes: [], inputs: [sizes, 'one'], outputs: [hidden] },
      { ...node, inputs: [data, hidden] }
    ];
  });
  const initializers = [...model.graph.initializers, int64Vector('one', [1])];
  return { ...model, graph: { ...model.graph, nodes, initializers } };
};

describe('sizes that the graph does not tell', () => {
  test.each([
    ['gpt2', 'dynamo'],
    ['llama', 'optimum-with-past'],
    ['bert', 'torchscript'],
    ['attn-only-rope', 'dynamo']
  ])('%s/%s: nothing is guessed; a run shows them', async (family, style) => {
    const { model, weights } = openModel(family, style);
    const hidden = withHiddenSizes(model);
    const before = recognise(hidden, weights);
    expect(before.towers).toEqual([]);
    expect(before.hooks).toEqual([]);
    expect(before.refusals).toEqual([]);
    expect(before.unresolved.length).toBeGreaterThan(0);
    const anatomy = await recogniseBySizes(hidden, weights, createNodeRuntime());
    const [{ heads, kvHeads, dHead }] = recognise(model, weights).towers;
    expect(anatomy.towers[0]).toMatchObject({ heads, kvHeads, dHead });
    const { certificate } = await certified(hidden, weights, anatomy);
    expect(certificate.identities.filter(({ fails }) => fails)).toEqual([]);
  });
});
