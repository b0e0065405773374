import { resolveHooks } from '../../src/anatomy/aliases';
import { recognise } from '../../src/anatomy/recognise';
import { openModel } from './fixtures';

const anatomyOf = (family: string) => {
  const { model, weights } = openModel(family, 'dynamo');
  return recognise(model, weights);
};

describe('names of hooks', () => {
  test.each([
    ['blocks.0.hook_in', 'blocks.0.hook_resid_pre'],
    ['blocks.1.hook_out', 'blocks.1.hook_resid_post'],
    ['blocks.1.attn.q.hook_out', 'blocks.1.attn.hook_q'],
    ['blocks.1.attn.hook_out', 'blocks.1.hook_attn_out'],
    ['blocks.0.mlp.hook_out', 'blocks.0.hook_mlp_out'],
    ['blocks.0.mlp.gate.hook_out', 'blocks.0.mlp.hook_pre'],
    ['blocks.0.mlp.in.hook_out', 'blocks.0.mlp.hook_pre_linear'],
    ['embed.hook_out', 'hook_embed']
  ])('TransformerLens 3’s %s is %s', (alias, name) => {
    expect(resolveHooks(anatomyOf('llama'), [alias])).toEqual([name]);
  });

  test('without a gate the MLP’s input layer is hook_pre', () => {
    expect(resolveHooks(anatomyOf('gpt2'), ['blocks.0.mlp.in.hook_out'])).toEqual(['blocks.0.mlp.hook_pre']);
  });

  test('a star stands for anything but a dot, in aliases too; the order is the anatomy’s', () => {
    const anatomy = anatomyOf('gpt2');
    const patterns = ['blocks.0.attn.hook_pattern', 'blocks.1.attn.hook_pattern'];
    expect(resolveHooks(anatomy, ['blocks.*.attn.hook_pattern'])).toEqual(patterns);
    expect(resolveHooks(anatomy, ['blocks.*.hook_in'])).toEqual(['blocks.0.hook_resid_pre', 'blocks.1.hook_resid_pre']);
    expect(resolveHooks(anatomy, ['*embed'])).toEqual(['hook_embed', 'hook_pos_embed']);
    expect(resolveHooks(anatomy, [patterns[1], patterns[0], patterns[1]])).toEqual(patterns);
  });

  test('a name that is no hook is refused', () => {
    expect(() => resolveHooks(anatomyOf('gpt2'), ['blocks.7.attn.hook_pattern'])).toThrow(
      "hook unknown: no hook of the model is called 'blocks.7.attn.hook_pattern'"
    );
  });

  test('a pattern of many stars takes no time', () => {
    const start = performance.now();
    expect(() => resolveHooks(anatomyOf('gpt2'), [`${'*o'.repeat(5000)}!`])).toThrow('hook unknown');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
