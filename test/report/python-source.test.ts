import { pythonSource } from '../../src/report/python-source';
import { validatePayload } from '../../src/report/validate-payload';

const source = (analysis: string, spec: object, more: object = {}): string | undefined =>
  pythonSource(validatePayload({ analysis, model: { path: 'models/m' }, spec, ...more }));

describe('an output as Python', () => {
  test('names what the model reads and what is not at its default, as Python has it', () => {
    expect(source('logit-lens', { text: 'a "b"\n', positions: [0, 2], topK: 3 })).toBe(
      'import jupyterlab_orrery as orrery\n\nmodel = orrery.load("models/m")\n' +
        'model.logit_lens(text="a \\"b\\"\\n", positions=[0, 2], top_k=3)'
    );
  });

  test('has a line a field where it is long, and Python’s own constants', () => {
    const prompts = [
      {
        clean: 'one long prompt of a few words',
        corrupted: 'one long prompt of some words',
        answer: { correct: [' x'] }
      }
    ];
    expect(source('activation-patching', { prompts, normalise: false }, { seed: 3 })).toContain(
      'model.activation_patching(\n    prompts=[{"clean": "one long prompt of a few words", ' +
        '"corrupted": "one long prompt of some words", "answer": {"correct": [" x"]}}],\n    normalise=False,\n    seed=3,\n)'
    );
  });

  test('a card is the model itself, and a dropped file has no path', () => {
    expect(source('model-card', {})).toMatch(/\nmodel$/);
    expect(
      pythonSource(validatePayload({ analysis: 'model-card', model: { hash: `sha256:${'0'.repeat(64)}` }, spec: {} }))
    ).toBeUndefined();
  });
});
