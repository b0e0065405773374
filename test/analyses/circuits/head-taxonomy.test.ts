import { HEAD_KINDS } from '../../../src/analyses/circuits/kinds/head-kinds';
import { headTaxonomy } from '../../../src/analyses/circuits/kinds/head-taxonomy';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { uniformAttention } from '../../../src/analyses/circuits/kinds/uniform-attention';
import { context, fakeSubject } from '../fake-subject';
import { furthest, MODELS, open, oracle, run } from './lens';

type Scores = Readonly<Record<'mul' | 'abs', readonly (readonly (readonly number[])[])[]>>;
interface Case {
  readonly taxonomy: {
    readonly plain: Scores;
    readonly excluded: Scores;
    readonly copying: readonly (readonly number[])[];
  };
}
const { repeated, window, families } = oracle<{
  readonly repeated: readonly number[];
  readonly window: number;
  readonly families: Readonly<Record<string, Case>>;
}>();

// Shares of weights in single precision. detect_head rounds what it takes from 1 to three digits: half of the last one, which some of 48 scores come near, and single precision.
const TOLERANCE = { mul: 2e-6, abs: 5e-4 + 1e-6 };
// Up to 3 logits in single precision on the oracle's side.
const COPYING = 1e-5;

const GIVEN = { on: 'text', ids: repeated, window };

describe.each(MODELS)('%s/%s.onnx as in TransformerLens’s detect_head', (family, style) => {
  const wanted = families[family].taxonomy;
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  test('mul, abs and copying', async () => {
    const result = await run(headTaxonomy, subject, GIVEN);
    (['mul', 'abs'] as const).forEach(measure =>
      expect(furthest(decodeTensor(result[measure]), wanted.plain[measure].flat(2))).toBeLessThan(TOLERANCE[measure])
    );
    expect(furthest(decodeTensor(result.copying.scores!), wanted.copying.flat())).toBeLessThan(COPYING);
  });

  test('mul and abs without the first and the current token', async () => {
    const result = await run(headTaxonomy, subject, { ...GIVEN, exclude_first: true, exclude_current: true });
    (['mul', 'abs'] as const).forEach(measure =>
      expect(furthest(decodeTensor(result[measure]), wanted.excluded[measure].flat(2))).toBeLessThan(TOLERANCE[measure])
    );
    // Nothing of what is left can lie on what was left out.
    const [, layers, heads] = result.values.shape;
    HEAD_KINDS.forEach(({ id }, kind) => {
      const own = decodeTensor(result.values).subarray(kind * layers * heads, (kind + 1) * layers * heads);
      expect(own.every(Number.isNaN)).toBe(id === 'current-token' || id === 'first-token');
    });
  });
});

describe('other inputs', () => {
  test('random tokens: the weight of rows with a place is the mean over the second half, as in head-scores', async () => {
    const subject = await open('gpt2', 'optimum');
    const spec = validateSpec(headTaxonomy, { batch: 2, length: 8 });
    const result = await run(headTaxonomy, subject, spec);
    const [weight, mul] = [decodeTensor(result.values), decodeTensor(result.mul)];
    const induction = HEAD_KINDS.findIndex(({ id }) => id === 'induction') * 8;
    // Half of the rows of 2 × 8 tokens have a place.
    Array.from({ length: 8 }, (_, at) => expect(weight[induction + at]).toBeCloseTo(2 * mul[induction + at], 5));
    const titles = headTaxonomy.figures(result, spec).map(({ title }) => title);
    expect(titles).toEqual([
      'Kinds of heads: what they look for',
      'Kinds of heads: sinks, distance, copying',
      'Heads by kind'
    ]);
    const words = headTaxonomy.summary(result, spec);
    expect(words).toContain('2 sequences of 8 random tokens');
    expect(words.split('\n').length).toBeLessThan(40);
    await subject.close();
  });

  test('an encoder without unembedding: everything but copying, on both sides', async () => {
    const subject = await open('bert-model', 'optimum');
    const spec = validateSpec(headTaxonomy, GIVEN);
    const result = await run(headTaxonomy, subject, spec);
    expect(result.copying.scores).toBeNull();
    expect(headTaxonomy.summary(result, spec)).toContain('copying is not measured: the model has no unembedding');
    expect(Math.max(...decodeTensor(result.values))).toBeGreaterThan(0.2);
    await subject.close();
  });

  test('a text without repetitions has no place for duplicate and induction heads', async () => {
    const subject = await open('gpt2', 'optimum');
    const spec = validateSpec(headTaxonomy, { on: 'text', ids: [1, 2, 3, 4] });
    const result = await run(headTaxonomy, subject, spec);
    expect(result.baselines.slice(1, 3)).toEqual([null, null]);
    expect(headTaxonomy.summary(result, spec)).toContain('no such place');
    await expect(run(headTaxonomy, subject, { on: 'text', ids: [1, 2] })).rejects.toThrow(
      'a text of 2 tokens tells nothing of heads'
    );
    const half = { ...result.positional, shape: [1, 4], data: result.positional.data.slice(0, 24) };
    expect(() => headTaxonomy.validateResult({ ...result, positional: half })).toThrow(/'result/);
    await subject.close();
  });

  test.each([true, false])('a head that looks everywhere alike is of no kind, causal: %s', async causal => {
    const ids = [1, 2, 3, 4, 5];
    const subject = fakeSubject({
      layers: 1,
      heads: 1,
      head: false,
      causal,
      tensor: (_: string, row: readonly number[]) => ({
        dims: [1, row.length, row.length],
        data: uniformAttention(row.length, causal)
      })
    });
    const spec = validateSpec(headTaxonomy, { on: 'text', ids, window: 3 });
    const result = await headTaxonomy.compute(subject, spec, context, 0);
    expect(decodeTensor(result.positional)[0]).toBeGreaterThan(0.9);
    expect(headTaxonomy.summary(result, spec)).toContain('called: none');
  });
});
