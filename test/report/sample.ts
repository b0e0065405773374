import { findAnalysis } from '../../src/analyses';
import { validateSpec } from '../../src/analyses/validate-spec';
import type { Payload } from '../../src/report/payload';
import { makeProvenance } from '../../src/report/provenance';
import type { Fake } from '../analyses/fake-subject';
import { context, fakeSubject } from '../analyses/fake-subject';

/** Uniform causal patterns, and logits that are ids. */
function tensor({ heads }: Fake): NonNullable<Fake['tensor']> {
  return (name, { length }) =>
    name.includes('pattern')
      ? {
          dims: [heads, length, length],
          data: Float32Array.from({ length: heads * length * length }, (_, i) => {
            const [query, key] = [Math.floor(i / length) % length, i % length];
            return key <= query ? 1 / (query + 1) : 0;
          })
        }
      : { dims: [length, 50], data: Float32Array.from({ length: length * 50 }, (_, i) => i % 50) };
}

/** A payload as a run saves it, of a fake model whose every token is called `label`. */
export async function samplePayload(
  id: string,
  spec: unknown,
  label = 'cat',
  parts: Partial<Fake> = {}
): Promise<Payload> {
  const analysis = findAnalysis(id);
  const fake: Fake = { layers: 2, heads: 3, labels: () => label, unembed: residual => residual, ...parts };
  const subject = fakeSubject({ tensor: tensor(fake), ...fake });
  const valid = validateSpec(analysis, spec);
  const result = await analysis.compute(subject, valid, context, 3);
  const created = new Date('2026-01-02T03:04:05Z');
  const provenance = makeProvenance(subject.facts, { version: '0.1.0', created, seconds: 1.23456 });
  const payload = { analysis: id, model: { path: 'models/fake' }, seed: 3, spec: valid, result, provenance };
  return JSON.parse(JSON.stringify(payload));
}
