import { HEADS, INPUT, LAYERS } from '../../src/analyses/spec/fields';
import { choice, integer } from '../../src/analyses/spec/spec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';

const SPEC = {
  ...INPUT,
  layers: LAYERS,
  heads: HEADS,
  topK: integer({ title: 'k', description: 'How many.', default: 5, minimum: 1, maximum: 20 }),
  colour: choice({ title: 'Colour', description: 'By what.', options: ['probability', 'kl'], default: 'probability' })
};
const analysis = { id: 'logit-lens', spec: SPEC };
const validate = (value: unknown): unknown => validateSpec(analysis, value);

describe('validateSpec', () => {
  test('fills in the defaults', () => {
    expect(validate({})).toEqual({
      text: INPUT.text.default,
      ids: undefined,
      layers: undefined,
      heads: undefined,
      topK: 5,
      colour: 'probability'
    });
  });

  test('keeps what is given; ids displace the default text; null is absent', () => {
    expect(validate({ ids: [1, 2], layers: [0], topK: 7, colour: 'kl', heads: null })).toEqual({
      text: undefined,
      ids: [1, 2],
      layers: [0],
      heads: undefined,
      topK: 7,
      colour: 'kl'
    });
  });

  test.each([
    [{ tex: 'a' }, "unknown field 'tex' (known: text, ids, layers, heads, topK, colour)"],
    [{ topK: 'five' }, "field 'topK' must be an integer from 1 to 20, got 'five'"],
    [{ topK: 21 }, "field 'topK' must be an integer from 1 to 20, got 21"],
    [{ topK: 1.5 }, "field 'topK' must be an integer from 1 to 20, got 1.5"],
    [{ topK: NaN }, "field 'topK' must be an integer from 1 to 20, got NaN"],
    [{ text: 7 }, "field 'text' must be a text of at most 20000 characters, got 7"],
    [{ text: 'x'.repeat(20001) }, `got '${'x'.repeat(40)}…'`],
    [{ text: 'a', ids: [1] }, "fields 'text' and 'ids' exclude each other: give one"],
    [{ ids: [] }, "field 'ids' must be a list of 1 to 8192 token ids, got a list of 0"],
    [{ ids: [3, -1] }, 'got a list of 2 with -1 at 1'],
    [{ ids: new Array(1e6).fill(1) }, 'got a list of 1000000'],
    [{ layers: [1, 1] }, "field 'layers' must be a list of 1 to 4096 different indices from 0, got a list of 2"],
    [{ layers: 'all' }, "field 'layers' must be a list of 1 to 4096 different indices from 0, got 'all'"],
    [{ colour: 'toString' }, "field 'colour' must be one of 'probability', 'kl', got 'toString'"],
    [JSON.parse('{"__proto__": {"topK": 3}}'), "unknown field '__proto__'"],
    [{ constructor: 1 }, "unknown field 'constructor'"],
    [null, 'the spec must be an object of fields, got null'],
    [[1], 'the spec must be an object of fields, got a list of 1'],
    ['text', "the spec must be an object of fields, got 'text'"]
  ])('refuses %#', (value, message) => {
    expect(() => validate(value)).toThrow(message);
    expect(() => validate(value)).toThrow(/^analysis 'logit-lens': [^\n]*$/);
  });

  test('does not pollute prototypes', () => {
    expect(() => validate(JSON.parse('{"__proto__": {"polluted": 1}, "topK": 1}'))).toThrow('__proto__');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('deep nesting is an error like another, not a crash', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100000; i++) {
      deep = [deep];
    }
    expect(() => validate({ ids: deep })).toThrow("field 'ids' must be a list");
  });
});
