import { recognise } from '../../src/anatomy/recognise';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { observe } from '../../src/surgery/observe';
import { fixtures, openModel } from '../anatomy/fixtures';
import { feedsFor, runOnce } from '../anatomy/run';

/** Of the largest output: the runtime fuses less where a tensor between two nodes is wanted, and rounds otherwise. */
const TOLERANCE = 1e-5;

describe('observing', () => {
  test.each(fixtures().map(fixture => [`${fixture.family}/${fixture.style}`, fixture] as const))(
    '%s: with every hook as an output, the model’s own outputs stay',
    async (_, { family, style, facts }) => {
      const { model, weights } = openModel(family, style);
      const anatomy = recognise(model, weights);
      const seen = observe(
        model,
        anatomy,
        anatomy.hooks.map(hook => hook.name)
      );
      const feeds = feedsFor(anatomy, facts.ids);
      const own = model.graph.outputs.map(({ name }) => name);
      const bare = await runOnce(model, weights, feeds, own);
      const observed = await runOnce(seen.model, weights, feeds);
      for (const name of own) {
        const [a, b] = [toFloat64(bare[name]), toFloat64(observed[name])];
        expect(b.length).toBe(a.length);
        const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const moved = a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i])), 0);
        expect(moved / largest).toBeLessThanOrEqual(TOLERANCE);
      }
    }
  );

  test('adds one output a tensor and no node', () => {
    const { model, weights } = openModel('gpt2', 'dynamo');
    const anatomy = recognise(model, weights);
    const names = ['blocks.0.hook_resid_post', 'blocks.1.hook_resid_pre', 'blocks.0.attn.hook_pattern'];
    const seen = observe(model, anatomy, names);
    expect(seen.outputs.map(({ hook }) => hook)).toEqual(names);
    expect(seen.model.graph.nodes).toHaveLength(model.graph.nodes.length);
    expect(seen.model.graph.outputs).toHaveLength(model.graph.outputs.length + 2);
  });

  test('a hook that is not there, or not available, is refused', () => {
    const { model, weights } = openModel('gpt2', 'dynamo');
    const anatomy = recognise(model, weights);
    expect(() => observe(model, anatomy, ['blocks.0.attn.hook_rot_q'])).toThrow(
      "hook unknown: 'blocks.0.attn.hook_rot_q'"
    );
    const hooks = anatomy.hooks.map(({ source: _, ...hook }) => ({
      ...hook,
      status: 'unavailable' as const,
      why: 'identity x fails'
    }));
    expect(() => observe(model, { ...anatomy, hooks }, ['hook_embed'])).toThrow(
      "hook unavailable: 'hook_embed', because identity x fails"
    );
  });
});
