import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { steering, type Steering } from '../../src/analyses/steering/steering';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Context } from '../../src/subject/context';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtureFiles, quiet } from '../subject/fixture-files';

/** TransformerLens's hooks on the same weights (test/fixtures/steering.py). */
interface Case {
  readonly direction: readonly number[];
  readonly directionNorm: number;
  readonly hookNorm: number;
  readonly rows: readonly {
    readonly 'logit-diff': readonly number[];
    readonly probabilities: readonly number[];
    readonly new: readonly number[];
  }[];
}
const expected = JSON.parse(readFileSync(join(__dirname, '../fixtures/analyses/steering.json'), 'utf8')) as {
  readonly families: Readonly<Record<string, readonly (Case & Readonly<Record<string, unknown>>)[]>>;
  readonly alphas: readonly number[];
  readonly texts: {
    readonly positive: readonly (readonly number[])[];
    readonly negative: readonly (readonly number[])[];
  };
  readonly prompts: readonly (readonly number[])[];
  readonly correct: number;
  readonly wrong: number;
};

const prompts = expected.prompts.map(clean => ({
  clean,
  answer: { correct: [expected.correct], wrong: [expected.wrong] }
}));
const texts = Object.fromEntries(
  Object.entries(expected.texts).map(([side, rows]) => [side, rows.map(row => row.join(', ')).join('\n')])
);
const GIVEN = ['source', 'over', 'headLayer', 'head', 'hook', 'layer', 'where'];

const run = async (subject: Subject, given: object, context: Context = quiet): Promise<Steering> => {
  const spec = validateSpec(steering, { prompts, ...texts, strength: 2, steps: 2, tokens: 6, ...given });
  return steering.validateResult(JSON.parse(JSON.stringify(await steering.compute(subject, spec, context, 0))));
};

const furthest = (a: ArrayLike<number>, b: readonly number[]): number =>
  b.reduce((most, value, at) => Math.max(most, Math.abs(value - a[at])), 0);

// Logits of up to 10 in single precision on both sides.
const TOLERANCE = 5e-5;

describe.each([
  ['gpt2', 'optimum-with-past'],
  ['gpt2', 'dynamo'],
  ['llama', 'optimum'],
  ['attn-only', 'torchscript']
])('%s/%s.onnx as in TransformerLens', (family, style) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles(family, `${style}.onnx`), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test.each(expected.families[family].map(one => [`${one.source} at ${one.hook}, ${one.where}`, one] as const))(
    '%s',
    async (_, one) => {
      const given = Object.fromEntries(GIVEN.filter(name => name in one).map(name => [name, one[name]]));
      const result = await run(subject, given);
      expect(result.alphas).toEqual(expected.alphas);
      expect(furthest(decodeTensor(result.direction), one.direction)).toBeLessThan(TOLERANCE);
      expect(result.directionNorm).toBeCloseTo(one.directionNorm, 4);
      expect(result.hookNorm).toBeCloseTo(one.hookNorm, 4);
      expect(
        furthest(
          decodeTensor(result.values),
          one.rows.flatMap(row => row['logit-diff'])
        )
      ).toBeLessThan(TOLERANCE);
      const wanted = one.rows.flatMap(row => result.tokens.ids.map(id => row.probabilities[id]));
      expect(furthest(decodeTensor(result.probabilities), wanted)).toBeLessThan(1e-5);
      const goes = [0, 2, 4].map(at => one.rows[at].new.map(id => `${id} `).join(''));
      expect(result.continuations.columns).toEqual({ alpha: [-2, 0, 2], text: goes });
    }
  );
});

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test("a result's direction is a vector for another run", async () => {
    const first = await run(subject, {});
    const again = await run(subject, { source: 'vector', vector: first.direction.data });
    expect(again.values).toEqual(first.values);
    const typed = [...decodeTensor(first.direction)].join(', ');
    expect((await run(subject, { source: 'vector', vector: typed })).values).toEqual(first.values);
  });

  test('partial results come: the ends and 0 first; figures and words of all of them', async () => {
    const seen: Steering[] = [];
    const spec = validateSpec(steering, { prompts, ...texts, steps: 3 });
    const result = await run(subject, { steps: 3 }, { ...quiet, partial: value => seen.push(value as Steering) });
    expect(seen.map(({ alphas }) => alphas.length)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(seen[2].alphas).toEqual([-2, 0, 2]);
    seen.map(steering.validateResult).forEach(part => {
      expect(steering.figures(part, spec)).toHaveLength(2);
      expect(steering.summary(part, spec)).toContain(`of 7 coefficients are not computed`);
    });
    expect(steering.figures(result, spec).map(({ title }) => title)).toEqual([
      'Dose and response: logit difference',
      'Next token',
      'How the prompt goes on'
    ]);
    expect(steering.summary(result, spec).split('\n').length).toBeLessThan(40);
    expect(steering.completion!(seen[2])).toEqual({ done: 3, total: 7 });
  });

  test('continuations stop at the model’s positions', async () => {
    const long = [{ ...prompts[0], clean: Array.from({ length: 62 }, (_, at) => at + 1) }];
    const { continuations } = await run(subject, { prompts: long });
    expect(continuations.columns.text.map(text => String(text).trim().split(' ').length)).toEqual([3, 3, 3]);
  });

  test.each<readonly [string, object, string]>([
    ['a text where ids belong', { positive: 'I love this' }, "no tokenizer: line 1 of 'positive' holds 'I'"],
    ['no texts', { negative: ' \n' }, "texts missing: field 'negative' has none"],
    [
      'no difference',
      { negative: texts.positive },
      "direction zero: 'difference' gives 32 zeros, there is nothing to add"
    ],
    ['a short vector', { source: 'vector', vector: '1, 2, 3' }, "vector wrong: 3 numbers, the model's stream has 32"],
    ['no vector', { source: 'vector' }, "vector wrong: 0 numbers, the model's stream has 32"],
    ['a layer that is not there', { layer: 2 }, "field 'layer' names 2, this model has layer 0 to 1"],
    ['a head that is not there', { source: 'head', head: 4 }, "field 'head' names 4, this model has head 0 to 3"]
  ])('refuses %s', async (_, given, message) => {
    await expect(run(subject, given)).rejects.toThrow(message);
  });
});
