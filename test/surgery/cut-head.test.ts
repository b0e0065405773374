import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { recognise } from '../../src/anatomy/recognise';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { readSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { cutHead } from '../../src/surgery/cut-head';
import { scramble } from '../fixtures/scramble';
import { fixtures, openModel } from '../anatomy/fixtures';
import { feedsFor, runOnce } from '../anatomy/run';

/** float32 through a norm and one product against PyTorch's, relative to the largest logit. */
const TOLERANCE = 2e-5;

const expectedOf = (family: string): Map<string, Tensor> =>
  readSafetensors(readFileSync(join(__dirname, '../fixtures/models', family, 'expected.safetensors')), 'expected');

describe('the unembedding alone', () => {
  const withLogits = fixtures().filter(({ facts }) => facts.tower.dVocab !== null);
  test.each(withLogits.map(fixture => [`${fixture.family}/${fixture.style}`, fixture] as const))(
    '%s: gives the oracle’s logits for the oracle’s residual, names randomised',
    async (_, { family, style, facts }) => {
      const opened = openModel(family, style);
      const { model, weights } = scramble(opened.model, opened.weights, 3);
      const anatomy = recognise(model, weights);
      const [tower] = anatomy.towers;
      const cut = cutHead(model, anatomy, tower);
      const expected = expectedOf(family);
      const feeds = feedsFor(anatomy, facts.ids);
      const own = Object.fromEntries(cut.inputs.map(name => [name, feeds[name]]));
      const results = await runOnce(cut.model, weights, { ...own, [cut.residual]: expected.get(tower.head!.hook)! });
      const [got, want] = [toFloat64(results[cut.logits]), toFloat64(expected.get('logits')!)];
      const largest = want.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(got.length).toBe(want.length);
      expect(want.reduce((worst, x, i) => Math.max(worst, Math.abs(x - got[i])), 0) / largest).toBeLessThanOrEqual(
        TOLERANCE
      );
      expect(cut.model.graph.nodes.length).toBeLessThan(model.graph.nodes.length / 4);
    }
  );

  test('a norm whose weight is stored as fp16 behind a Cast takes the stream as the Cast gives it', () => {
    const { model, weights } = openModel('attn-only', 'dynamo');
    const [tower] = recognise(model, weights).towers;
    const name = tower.head!.norm!.weight!;
    const half = `${name}_fp16`;
    const { graph } = model;
    const cast = {
      ...graph.nodes[0],
      name: 'cast',
      opType: 'Cast',
      inputs: [half],
      outputs: [name],
      attributes: [{ name: 'to', type: 2, i: 1, unknown: new Uint8Array() }]
    };
    const initializers = graph.initializers.map(tensor =>
      tensor.name === name
        ? {
            ...tensor,
            name: half,
            dataType: 10,
            data: { kind: 'raw' as const, bytes: new Uint8Array(2 * tensor.dims[0]).fill(60) }
          }
        : tensor
    );
    const stored = { ...model, graph: { ...graph, nodes: [cast, ...graph.nodes], initializers } };
    const anatomy = recognise(stored, weights);
    const cut = cutHead(stored, anatomy, anatomy.towers[0]);
    expect(anatomy.towers[0].head!.norm!.weight).toBe(half);
    expect(cut.model.graph.inputs[0].type?.elementType).toBe(1);
  });

  test('a model without one is refused', () => {
    const { model, weights } = openModel('bert-model', 'optimum');
    const anatomy = recognise(model, weights);
    expect(() => cutHead(model, anatomy, anatomy.towers[0])).toThrow(
      "unembedding missing: tower 'encoder' of graph 'main_graph' has none"
    );
  });

  test('one that reads the blocks past the stream is refused', () => {
    const { model, weights } = openModel('gpt2', 'optimum');
    const anatomy = recognise(model, weights);
    const [tower] = anatomy.towers;
    const elsewhere = { ...tower, head: { ...tower.head!, input: tower.blocks[0].attention.z } };
    expect(() => cutHead(model, anatomy, elsewhere)).toThrow(
      /^unembedding cannot be cut off: 'logits' depends on the blocks/
    );
  });
});
