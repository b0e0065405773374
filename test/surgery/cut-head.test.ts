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
