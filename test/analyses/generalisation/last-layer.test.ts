import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { compressionBound } from '../../../src/analyses/generalisation/compression-bound';
import { gaussNewtonTrace } from '../../../src/analyses/generalisation/gauss-newton-trace';
import { margins } from '../../../src/analyses/generalisation/margins';
import { baselineRows } from '../../../src/analyses/baseline';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { open, openFile, run } from '../circuits/lens';
import { fakeSubject, type Fake } from '../fake-subject';
import { lines } from '../geometry/oracle';

interface Oracle {
  readonly ids: number[][];
  readonly sharpness: { readonly trace: number[]; readonly fisher: number[] };
  readonly margins: { margins: number[]; distances: number[]; right: number; gamma: number };
  readonly complexity: { matrices: number; norms: number; ranks: number };
  readonly bound: { loss: number; bound: number; bits: number; at_1e10: number };
}

/** What test/fixtures/generalisation.py wrote. */
const ORACLE = JSON.parse(
  readFileSync(join(__dirname, '../../fixtures/analyses/generalisation.json'), 'utf8')
) as Readonly<Record<string, Oracle>>;

// The same weights run by ONNX Runtime and by PyTorch in single precision. A trace near 0 is what probabilities near 1 leave: its error is
// that of 1 − p, 1e-6 of the largest trace.
const RELATIVE = 2e-4;
// Logits of some tens in single precision.
const MARGIN = 2e-4;
// Spectral norms are of one number in double precision; the sum is over 15 matrices.
const EXACT = 1e-5;

const near = (found: number, expected: number, relative: number): void =>
  expect(Math.abs(found - expected)).toBeLessThan(relative * Math.max(1e-3, Math.abs(expected)));

describe.each(Object.entries(ORACLE))('%s', (family, { ids, sharpness, margins: expected, complexity, bound }) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, 'optimum');
  });
  afterAll(() => subject.close());

  test('sharpness is the trace of the exact Hessian, beside the squared gradient', async () => {
    const [trace, fisher] = profileRows((await run(gaussNewtonTrace, subject, { ids: ids[1] })).values);
    const largest = Math.max(...sharpness.trace);
    sharpness.trace.forEach((value, at) =>
      expect(Math.abs(trace[at] - value)).toBeLessThan(RELATIVE * Math.max(value, largest / 100))
    );
    sharpness.fisher.forEach((value, at) => near(fisher[at], value, RELATIVE));
    expect(fisher.at(-1)).toBeNaN();
  });

  test('margins and distances as by NumPy; norms and ranks of the maps', async () => {
    const result = await run(margins, subject, { texts: lines(ids) });
    const rows = profileRows(result.values);
    expected.margins.forEach((value, at) => expect(Math.abs(rows[0][at] - value)).toBeLessThan(MARGIN));
    expected.distances.forEach((value, at) => expect(Math.abs(rows[1][at] - value)).toBeLessThan(1e-5));
    expect([result.right, result.tokens, result.complexity.matrices]).toEqual([
      expected.right,
      66,
      complexity.matrices
    ]);
    near(result.gamma, expected.gamma, EXACT);
    near(result.complexity.norms, complexity.norms, EXACT);
    near(result.complexity.ranks, complexity.ranks, EXACT);
    // A tenth and more of these tokens are missed.
    expect(result.term).toBeNull();
    expect(margins.summary(result, validateSpec(margins, {}))).toContain('there is no bound: γ is not positive');
  });

  test('the compression bound as by NumPy', async () => {
    const sized = { ...subject, facts: { ...subject.facts, dtypes: { float32: bound.bits / 8 } } };
    const result = await run(compressionBound, sized, { texts: lines(ids) });
    near(result.loss, bound.loss, RELATIVE);
    near(result.bound, bound.bound, RELATIVE);
    near(profileRows(result.values)[0][5], bound.at_1e10, RELATIVE);
    expect([result.vacuous, result.guessing]).toEqual([true, Math.log2(96)]);
    expect(compressionBound.summary(result, validateSpec(compressionBound, {}))).toContain('Vacuous: at most');
  });
});

describe('closed forms', () => {
  /** h and z are what a position holds; the unembedding is the identity. */
  const of = (logits: readonly (readonly number[])[], extra: Partial<Fake> = {}) =>
    fakeSubject({
      layers: 1,
      heads: 1,
      vocabulary: logits[0].length,
      tensor: (_, { length }) => ({
        dims: [length, logits[0].length],
        data: Float32Array.from(Array.from({ length }, (__, at) => logits[at % logits.length]).flat())
      }),
      weights: {
        names: ['W_U'],
        read: (_, { range = [0, 1] } = {}) => ({
          dims: [logits[0].length, 1],
          type: 'float32',
          data: Float32Array.from(logits[0], (__, i) => Number(i === range[0]))
        }),
        chunks: function* () {
          const data = Float32Array.from({ length: logits[0].length ** 2 }, (_, at) =>
            Number(at % (logits[0].length + 1) === 0)
          );
          yield {
            range: [0, logits[0].length] as const,
            tensor: { dims: [logits[0].length, logits[0].length], type: 'float32' as const, data }
          };
        }
      },
      ...extra
    });

  test('a uniform prediction has trace ‖h‖²(1 − 1/V); a certain one none', async () => {
    const [uniform] = profileRows((await run(gaussNewtonTrace, of([[2, 2, 2, 2]]), { ids: [0, 1] })).values);
    expect(uniform[0]).toBeCloseTo(16 * (1 - 1 / 4), 5);
    const [certain] = profileRows((await run(gaussNewtonTrace, of([[90, 0, 0, 0]]), { ids: [0, 1] })).values);
    expect(certain[0]).toBeLessThan(1e-20);
  });

  test('a margin of 3 between tokens √2 apart; the bound’s term of one matrix of ones on the diagonal', async () => {
    const ids = Array.from({ length: 24 }, () => 1).join();
    const result = await run(margins, of([[0, 3, 0, 0]]), { texts: ids });
    expect(profileRows(result.values)).toEqual([
      Array(21).fill(3),
      Array(21).fill(expect.closeTo(3 / (Math.SQRT2 * 3), 6))
    ]);
    expect(result.complexity).toMatchObject({ matrices: 1, norms: expect.closeTo(0, 9) });
    expect(result.term).toBeCloseTo(Math.log(4) - 2 * Math.log(3), 6);
  });

  test('a bound that says something: few bits, many documents', async () => {
    const small = of([[0, 30, 0, 0]]);
    const facts = { ...small.facts, dtypes: { float32: 1 } };
    const texts = Array(900).fill('1,1').join('\n');
    const result = await run(compressionBound, { ...small, facts }, { texts });
    expect([result.documents, result.vacuous]).toEqual([900, false]);
    expect(result.bound).toBeLessThan(2);
    expect(result.needed).toBeLessThanOrEqual(900);
    expect(() => compressionBound.validateResult({ ...result, vacuous: true })).toThrow("'result.vacuous' is true");
  });

  test.each([
    ['one token', { texts: '1,2,3\n4' }, "text too short: line 2 of 'texts' is 1 token, two are needed for a next one"],
    ['no text', { texts: '\n' }, "texts missing: field 'texts' is empty, give one a line"],
    ['a flood', { texts: Array(700).fill(Array(50).fill(1).join()).join('\n') }, "field 'texts' has 35000 tokens"]
  ])('refuses %s', async (_, given, message) => {
    await expect(run(margins, of([[0, 3, 0, 0]]), given)).rejects.toThrow(message);
    await expect(run(compressionBound, of([[0, 3, 0, 0]]), given)).rejects.toThrow(message);
  });

  test('refuses few tokens, a token without a logit, and an unembedding that is not linear', async () => {
    await expect(run(margins, of([[0, 3, 0, 0]]), { texts: '1,2,3' })).rejects.toThrow(
      "margins: need at least 20 tokens that follow another, got 2 (field 'texts')"
    );
    const beyond = Array(24).fill(7).join();
    await expect(run(compressionBound, of([[0, 3, 0, 0]]), { texts: beyond })).rejects.toThrow(
      'token 7 follows position 0, the model has logits of 4 tokens'
    );
    const capped = of([[0, 3, 0, 0]], {
      tensor: (name: string, { length }: readonly number[]) => ({
        dims: [length, 4],
        data: Float32Array.from({ length: 4 * length }, (_, at) => (at % 4 === 1 ? (name === 'logits' ? 2 : 3) : 0))
      })
    });
    await expect(run(margins, capped, { texts: Array(24).fill(1).join() })).rejects.toThrow(
      'unembedding not linear: token 1 at position 0 has logit 2.000, h·W_U + b_U gives 3.000'
    );
  });

  test('refuses a model without unembedding, and a bidirectional one where the next token is asked for', () => {
    const bare = of([[1, 2]], { head: false });
    [margins, gaussNewtonTrace, compressionBound].forEach(one =>
      expect(one.refuses(bare)).toMatch(/^model without unembedding/)
    );
    const both = of([[1, 2]], { causal: false });
    [margins, compressionBound].forEach(one => expect(one.refuses(both)).toMatch(/^bidirectional model/));
    expect(gaussNewtonTrace.refuses(both)).toBeUndefined();
  });
});

test('the baseline of margins reads the shuffled model’s own unembedding', async () => {
  const subject = await open('gpt2', 'optimum');
  const texts = lines(ORACLE.gpt2.ids);
  const result = await margins.compute(subject, validateSpec(margins, { texts, baseline: 1 }), CONTEXT, 5);
  const shuffled = await subject.shuffled(5, CONTEXT);
  const model = { ...subject, forward: shuffled.forward, weights: await shuffled.weights(CONTEXT) };
  const alone = await margins.compute(model, validateSpec(margins, { texts }), CONTEXT, 5);
  expect(baselineRows(result.baseline).map(row => row.map(([one]) => one))).toEqual(profileRows(alone.values));
  expect(alone.complexity.norms).not.toBeCloseTo(result.complexity.norms, 2);
  await shuffled.release();
  await subject.close();
});

const CONTEXT = { signal: new AbortController().signal, progress: () => undefined };

// Capped, scaled and divided logits.
test.each(['gemma2', 'cohere', 'granite'])('%s has no such curvature', async family => {
  const subject = await openFile(family, 'optimum');
  await expect(run(gaussNewtonTrace, subject, { ids: [5, 6, 7, 8] })).rejects.toThrow('unembedding not linear: token');
  await subject.close();
});
