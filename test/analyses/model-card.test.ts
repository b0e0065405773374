import { modelCard } from '../../src/analyses/model-card';
import { validateSpec } from '../../src/analyses/validate-spec';
import type { TableFigure } from '../../src/figures/figure';
import { context, fakeSubject } from './fake-subject';

describe('model-card', () => {
  const spec = validateSpec(modelCard, {});

  test('says what was found, what was checked and what was not understood', async () => {
    const card = await modelCard.compute(fakeSubject({ layers: 3, heads: 2 }), spec, context, 0);
    expect(card.hooks[0]).toEqual({
      name: 'blocks.{l}.attn.hook_pattern',
      dims: [],
      verified: 3,
      unverified: 0,
      unavailable: 0
    });
    const words = modelCard.summary(card, spec);
    expect(words).toContain('certificate: 1 of 2 identities hold');
    expect(words).toContain('fails: residual-adds-up, error 2.0e-1 at blocks.1');
    expect(words).toContain('not understood: layer 7: not attention (<b>node)');
    expect(words.split('\n').length).toBeLessThanOrEqual(40);
    const figures = modelCard.figures(card, spec) as TableFigure[];
    expect(figures.map(({ title }) => title)).toEqual(['Anatomy', 'Certificate', 'Hooks']);
    expect(modelCard.validateResult(JSON.parse(JSON.stringify(card)))).toEqual(card);
  });

  test('an identity without a number survives JSON', async () => {
    const subject = fakeSubject({ layers: 1, heads: 1 });
    const identity = { name: 'z-times-w-o', error: Infinity, tolerance: 1e-5, holds: false, why: 'no weight' };
    const certificate = { ...subject.certificate, identities: [identity] };
    const card = await modelCard.compute({ ...subject, certificate }, spec, context, 0);
    expect(() => modelCard.validateResult(JSON.parse(JSON.stringify(card)))).not.toThrow();
  });
});
