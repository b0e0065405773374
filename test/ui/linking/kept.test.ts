/** @jest-environment ./test/jsdom.cjs */
import { ablationOf } from '../../../src/ui/linking/ablation-of';
import { cardOf } from '../../../src/ui/linking/head-card';
import { linkBar } from '../../../src/ui/linking/link-bar';
import { Linking } from '../../../src/ui/linking/linking';
import { trans } from '../translate';

const link = () => ({ linking: new Linking(draw => draw()), keeper: {} });

describe('what is kept', () => {
  test('is said in the output that keeps it, with its card', () => {
    const own = link();
    const onOpenCard = jest.fn();
    const mine = linkBar({ ...own, trans, onOpenCard });
    const other = linkBar({ linking: own.linking, keeper: {}, trans, onOpenCard });
    expect(mine.node.classList.contains('jp-mod-empty')).toBe(true);
    own.linking.keep({ heads: [{ layer: 1, head: 3 }], tokens: [] }, own.keeper);
    expect(mine.node.querySelector('[role=status]')?.textContent).toContain('layer 1, head 3');
    expect(other.node.classList.contains('jp-mod-empty')).toBe(true);
    const [open, release] = mine.node.querySelectorAll('button');
    open.click();
    expect(onOpenCard).toHaveBeenCalledWith({ layer: 1, head: 3 });
    release.click();
    expect(own.linking.kept).toBeUndefined();
    expect(mine.node.querySelectorAll('button')).toHaveLength(0);
  });

  test('the card is asked for on the output’s own text or prompts', () => {
    const payload = { analysis: 'attention-patterns', model: { path: 'm' }, seed: 3, spec: { text: 'a b' } };
    const head = { layer: 1, head: 2 };
    expect(cardOf(payload, head)).toEqual({
      analysis: 'head-card',
      model: { path: 'm' },
      seed: 3,
      spec: { layer: 1, head: 2, prompts: [{ clean: 'a b' }] }
    });
    const prompts = [{ clean: [1, 2] }];
    expect(cardOf({ ...payload, spec: { prompts } }, head).spec).toEqual({ layer: 1, head: 2, prompts });
    expect(cardOf({ ...payload, spec: {} }, head).spec).toEqual({ layer: 1, head: 2 });
  });

  test('heads of it are ablated, one or several', () => {
    const own = link();
    const onAblate = jest.fn();
    const { node } = linkBar({ ...own, trans, onAblate });
    const heads = [
      { layer: 5, head: 1 },
      { layer: 1, head: 3 }
    ];
    own.linking.keep({ heads: heads.slice(1), tokens: [] }, own.keeper);
    expect(node.querySelector('button')?.textContent).toBe('Ablate it');
    own.linking.keep({ heads, tokens: [] }, own.keeper);
    node.querySelector('button')!.click();
    expect(onAblate).toHaveBeenCalledWith(heads);
    own.linking.keep({ heads: [], tokens: [{ position: 1, text: 'a' }] }, own.keeper);
    expect(node.textContent).not.toContain('Ablate');
  });

  test('the ablation is of the heads’ layers, on what the output read', () => {
    const payload = { analysis: 'attention-patterns', model: { path: 'm' }, seed: 3, spec: { text: 'a b' } };
    const heads = [
      { layer: 5, head: 1 },
      { layer: 1, head: 3 },
      { layer: 5, head: 0 }
    ];
    expect(ablationOf(payload, heads)).toEqual({
      analysis: 'ablation',
      model: { path: 'm' },
      seed: 3,
      spec: { prompts: [{ clean: 'a b' }], metric: 'kl', layers: [1, 5] }
    });
    const read = (spec: Record<string, unknown>) => ablationOf({ ...payload, spec }, heads.slice(0, 1)).spec;
    expect(read({ ids: [1, 2] })).toEqual({ prompts: [{ clean: [1, 2] }], metric: 'kl', layers: [5] });
    const answered = [{ clean: 'a', answer: { correct: ['b'], wrong: ['c'] } }];
    expect(read({ prompts: answered })).toEqual({ prompts: answered, layers: [5] });
    expect(read({ prompts: answered, metric: 'loss' })).toEqual({ prompts: answered, metric: 'loss', layers: [5] });
    expect(read({ prompts: [{ clean: 'a' }] })).toEqual({ prompts: [{ clean: 'a' }], metric: 'kl', layers: [5] });
    expect(read({ prompts: { set: 'ioi' } })).toEqual({ prompts: { set: 'ioi' }, layers: [5] });
    expect(read({})).toEqual({ layers: [5] });
  });
});
