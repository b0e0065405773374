import Ajv from 'ajv/dist/2020';
import { analyses, findAnalysis } from '../../src/analyses';
import { jsonSchema } from '../../src/analyses/spec/json-schema';
import { OTHERS } from '../../src/analyses/other-models';
import { validateSpec } from '../../src/analyses/spec/validate-spec';

const HOSTILE: readonly unknown[] = [
  {},
  null,
  [],
  'text',
  { text: 'a b' },
  { text: 4 },
  { ids: [1, 2] },
  { ids: [] },
  { ids: [1.5] },
  { ids: [2 ** 31] },
  { text: 'a', ids: [1] },
  { layers: [0, 1] },
  { layers: [0, 0] },
  { heads: [-1] },
  { topK: 5 },
  { topK: 0 },
  { topK: '5' },
  { colour: 'kl' },
  { colour: 'red' },
  { batch: 3, length: 8 },
  { batch: 1e9 },
  { unknown: 1 },
  { positions: [70000] },
  { text: 'x'.repeat(20001) }
];

describe('the registry', () => {
  test('ids are unique kebab-case nouns; words are there', () => {
    expect(new Set(analyses.map(({ id }) => id)).size).toBe(analyses.length);
    for (const { id, title, description, theory } of analyses) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect([title, description, theory.statement, theory.caveat].every(words => words.length > 8)).toBe(true);
      expect(theory.references.length).toBeGreaterThan(0);
    }
  });

  test("a field 'other' names a second model, which the page then looks for: no other field has that name", () => {
    expect(analyses.filter(({ spec }) => 'other' in spec).map(({ id }) => id)).toEqual([
      'mean-attention',
      'head-comparison',
      'representation-similarity'
    ]);
  });

  test("a field 'others' names models, one a line, which the page then looks for: no other field has that name", () => {
    const named = analyses.filter(({ spec }) => 'others' in spec);
    expect(named.every(({ spec }) => spec.others === OTHERS.others)).toBe(true);
    expect(named.map(({ id }) => id)).toContain('rank-collapse');
  });

  test('an unknown id is named beside those that are known', () => {
    expect(findAnalysis('logit-lens').title).toBe('Logit lens');
    expect(() => findAnalysis('logit-lense')).toThrow(
      `unknown analysis 'logit-lense' (known: ${analyses.map(({ id }) => id).join(', ')})`
    );
  });

  test.each(analyses.map(one => [one.id, one] as const))('%s: JSON Schema and validator agree', (_, analysis) => {
    const schema = new Ajv({ strict: false }).compile(jsonSchema(analysis.spec));
    const accepted = HOSTILE.map(value => {
      try {
        validateSpec(analysis, value);
        return true;
      } catch {
        return false;
      }
    });
    expect(HOSTILE.map(value => schema(value))).toEqual(accepted);
    expect(accepted[0]).toBe(true);
  });
});
