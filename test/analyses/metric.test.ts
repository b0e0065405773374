import { METRICS, metricReadout, type MetricId } from '../../src/analyses/patching/metric';
import { jsonSchema } from '../../src/analyses/spec/json-schema';
import { prompts } from '../../src/analyses/spec/spec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';

const input = (length: number): { ids: number[]; labels: string[]; bos: boolean } => ({
  ids: Array<number>(length).fill(0),
  labels: [],
  bos: false
});
const weights = [
  { id: 4, weight: 2 },
  { id: 0, weight: -0.5 }
];
const prompt = { clean: input(5), corrupted: input(5), answerAt: 4, correct: [1, 2], wrong: [3], weights };
/** p = 1/16, 4/16, 2/16, 8/16, 1/16. */
const whole = Float32Array.of(0, Math.log(4), Math.log(2), Math.log(8), 0);
const read = (metric: MetricId, logits: Float32Array, reference?: Float64Array): number =>
  METRICS[metric].read(logits, prompt, reference);

describe('metrics in closed form', () => {
  test('logits: averages of a side', () => {
    expect(read('logit-diff', Float32Array.of(3, 5, 1))).toBe(3);
    expect(read('logit', Float32Array.of(3, 5))).toBe(4);
    expect(read('logits', Float32Array.of(3, 8))).toBe(2);
    expect(metricReadout('logits', [prompt])).toMatchObject({ columns: [[4, 0]] });
  });

  test('probabilities: sums of a side', () => {
    expect(read('prob-diff', whole)).toBeCloseTo(6 / 16 - 8 / 16, 6);
    expect(read('loss', whole)).toBeCloseTo(-Math.log(6 / 16), 6);
  });

  test('rank of the best correct token; ties do not count', () => {
    expect(read('rank', whole)).toBe(2);
    expect(read('rank', Float32Array.of(0, 1, 1, 1, 0))).toBe(1);
  });

  test('KL from the reference: 0 from itself, ln 5 less the entropy from the uniform', () => {
    const logs = Float64Array.of(1, 4, 2, 8, 1).map(value => Math.log(value / 16));
    expect(read('kl', whole, logs)).toBeCloseTo(0, 6);
    const entropy = -logs.reduce((sum, log) => sum + Math.exp(log) * log, 0);
    expect(read('kl', new Float32Array(5), logs)).toBeCloseTo(Math.log(5) - entropy, 6);
  });

  test('readouts: the place of the answer; the answer alone where it is enough', () => {
    expect(metricReadout('logit-diff', [prompt])).toMatchObject({ positions: [[4]], columns: [[1, 2, 3]] });
    expect(metricReadout('logit', [prompt])).toMatchObject({ columns: [[1, 2]] });
    expect(metricReadout('loss', [prompt])).not.toHaveProperty('columns');
  });
});

describe('a field of prompts', () => {
  const analysis = {
    id: 'test',
    spec: { prompts: prompts({ title: 'Prompts', description: '', default: [{ clean: 'a' }] }) }
  };
  const take = (value: unknown): unknown => validateSpec(analysis, { prompts: value });

  test('takes texts and ids; null stands for absent; what it got is left alone', () => {
    const answer = { correct: [' x', 3], weights: [{ token: ' y', weight: -1 }] };
    const given = [{ clean: 'a b', corrupted: [1, 2], corrupted2: null, answer: { ...answer, wrong: null } }];
    const taken = take(given) as { prompts: object[] };
    expect(taken).toEqual({ prompts: [{ clean: 'a b', corrupted: [1, 2], answer }] });
    expect(Object.keys(taken.prompts[0])).toEqual(['clean', 'corrupted', 'answer']);
    expect(given[0].corrupted2).toBeNull();
    expect(validateSpec(analysis, {})).toEqual({ prompts: [{ clean: 'a' }] });
  });

  test.each([
    ['a text', 'a', "field 'prompts' must be a list of 1 to 256 prompts or a set of them, got 'a'"],
    ['none', [], 'got 0 of them'],
    ['no clean text', [{ corrupted: 'a' }], "field 'prompts[0]' needs 'clean'"],
    ['an empty text', [{ clean: '' }], "field 'prompts[0].clean' must be a text of 1 to 20000 characters"],
    ['another field', [{ clean: 'a', dirty: 'b' }], "unknown field 'dirty' of 'prompts[0]'"],
    ['ids that are none', [{ clean: [1, -2] }], "field 'prompts[0].clean' must be"],
    ['no correct answer', [{ clean: 'a', answer: { wrong: ['b'] } }], "field 'prompts[0].answer' needs 'correct'"],
    [
      'a weight that is no number',
      [{ clean: 'a', answer: { weights: [{ token: 1, weight: 'x' }] } }],
      "field 'prompts[0].answer.weights[0].weight' must be a number"
    ],
    [
      'a token without its weight',
      [{ clean: 'a', answer: { weights: [{ token: 1 }] } }],
      "field 'prompts[0].answer.weights[0]' needs 'weight'"
    ],
    [
      'an answer that is no list',
      [{ clean: 'a', answer: { correct: 'b' } }],
      "field 'prompts[0].answer.correct' must be a list"
    ]
  ])('refuses %s', (_, value, message) => {
    expect(() => take(value)).toThrow(message);
  });

  test('its JSON Schema names the same fields', () => {
    const { properties } = jsonSchema(analysis.spec) as {
      properties: {
        prompts: {
          anyOf: [{ items: { properties: object; required: string[] } }, ...{ properties: object }[]];
        };
      };
    };
    const [{ items }, auto, set] = properties.prompts.anyOf;
    expect(Object.keys(items.properties)).toEqual(['clean', 'corrupted', 'corrupted2', 'answer']);
    expect(items.required).toEqual(['clean']);
    expect(Object.keys(auto.properties)).toEqual(['set', 'n', 'seed']);
    expect(Object.keys(set.properties)).toEqual(['set', 'counterfactual', 'n', 'seed']);
  });
});
