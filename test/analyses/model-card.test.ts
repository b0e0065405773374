import { modelCard } from '../../src/analyses/model-card';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
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

  test('the full certificate is run on request, and its hooks are shown', async () => {
    const subject = fakeSubject({ layers: 1, heads: 1 });
    const full = validateSpec(modelCard, { certificate: 'full' });
    expect(modelCard.cost(subject, spec)).toEqual({ forwards: 0, bytes: 0 });
    expect(modelCard.cost(subject, full)).toMatchObject({ forwards: 9 });
    const labels: string[] = [];
    const certify = async (_: unknown, { progress }: typeof context) => {
      progress({ done: 0, total: 9, label: 'running the probe' });
      const [hook, ...hooks] = subject.anatomy.hooks;
      const failed = { ...hook, status: 'unavailable', why: "identity 'left-padding-changes-nothing' fails" } as const;
      return {
        certificate: { ...subject.certificate, level: 'full', forwards: 12 } as const,
        anatomy: { ...subject.anatomy, hooks: [failed, ...hooks] }
      };
    };
    const heard = { ...context, progress: ({ label }: { label: string }) => labels.push(label) };
    const card = await modelCard.compute({ ...subject, certify }, full, heard, 0);
    expect(labels).toEqual(['running the probe']);
    expect(card).toMatchObject({ level: 'full', forwards: 12 });
    expect(card.hooks[0]).toMatchObject({ unavailable: 1, why: "identity 'left-padding-changes-nothing' fails" });
    expect(modelCard.summary(card, full)).toContain('full certificate: 1 of 2 identities hold');
    expect(modelCard.figures(card, full)[1]).toMatchObject({
      title: 'Certificate, full',
      caption: expect.stringContaining('12 forwards') as unknown
    });
  });

  test('an identity without a number survives JSON', async () => {
    const subject = fakeSubject({ layers: 1, heads: 1 });
    const identity = { name: 'z-times-w-o', error: Infinity, tolerance: 1e-5, holds: false, why: 'no weight' };
    const certificate = { ...subject.certificate, identities: [identity] };
    const card = await modelCard.compute({ ...subject, certificate }, spec, context, 0);
    expect(() => modelCard.validateResult(JSON.parse(JSON.stringify(card)))).not.toThrow();
  });
});
