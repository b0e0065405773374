/** @jest-environment ./test/jsdom.cjs */
import { ablationOf } from '../../../src/ui/linking/ablation-of';
import { closerLook } from '../../../src/ui/linking/closer-look';
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

  test('what an ablation would take is said beside its button, of what is kept now', async () => {
    const own = link();
    const ablationCost = jest.fn(async (heads: readonly { readonly head: number }[]) =>
      heads[0].head === 3 ? '9 forwards.' : undefined
    );
    const { node } = linkBar({ ...own, trans, onAblate: jest.fn(), ablationCost });
    own.linking.keep({ heads: [{ layer: 1, head: 2 }], tokens: [] }, own.keeper);
    own.linking.keep({ heads: [{ layer: 1, head: 3 }], tokens: [] }, own.keeper);
    await Promise.resolve();
    await Promise.resolve();
    expect(node.textContent).toContain('Ablating: 9 forwards.');
    own.linking.keep({ heads: [{ layer: 1, head: 3 }], tokens: [] }, {});
    expect(node.textContent).not.toContain('Ablating');
    expect(ablationCost).toHaveBeenCalledTimes(2);
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

  test('a head whose tokens were put together is asked for alone, on what the output read', () => {
    const asked = (size: number, tokens: number, heads: number, source?: number) =>
      closerLook({
        analysis: 'attention-patterns',
        model: { path: 'm' },
        seed: 3,
        spec: { text: 'a b', layers: [1, 2] },
        result: {
          values: { shape: [2, heads, size, size] },
          size,
          layers: [1, 2],
          heads: Array.from({ length: heads }, (_, head) => head),
          input: { ids: Array.from({ length: tokens }, () => 1) },
          ...(source !== undefined && { source })
        }
      });
    expect(asked(32, 100, 8)?.({ layer: 2, head: 7 })).toEqual({
      analysis: 'attention-patterns',
      model: { path: 'm' },
      seed: 3,
      spec: { text: 'a b', layers: [2], heads: [7] }
    });
    expect(asked(100, 100, 8)).toBeUndefined();
    expect(asked(32, 100, 2)).toBeUndefined();
    expect(asked(50, 100, 8, 50)).toBeUndefined();
    expect(asked(32, 100, 8, 50)).toBeDefined();
    expect(closerLook({ analysis: 'logit-lens', model: {}, seed: 0, spec: {}, result: {} })).toBeUndefined();
  });

  test('a closer look is offered of one head', () => {
    const own = link();
    const onLookCloser = jest.fn();
    const { node } = linkBar({ ...own, trans, onLookCloser });
    own.linking.keep({ heads: [{ layer: 1, head: 3 }], tokens: [] }, own.keeper);
    expect(node.querySelector('button')?.textContent).toBe('See it token by token');
    node.querySelector('button')!.click();
    expect(onLookCloser).toHaveBeenCalledWith({ layer: 1, head: 3 });
  });
});
