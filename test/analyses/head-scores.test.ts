import { diagonalScore, SCORES, uniformScore } from '../../src/analyses/attention/diagonal-scores';
import { headScores } from '../../src/analyses/attention/head-scores';
import { matrices } from '../../src/analyses/attention/head-values';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { context, fakeSubject } from './fake-subject';

/** Head 0 looks one back, head 1 at the duplicate, head 2 by induction; each leaves a tenth on itself. */
function mechanism(length: number): Float32Array {
  const weights = new Float32Array(3 * length * length);
  [1, length / 2, length / 2 - 1].forEach((back, head) => {
    for (let query = 0; query < length; query++) {
      const row = (head * length + query) * length;
      weights[row + query] += query >= back ? 0.1 : 1;
      weights[row + query - back] += query >= back ? 0.9 : 0;
    }
  });
  return weights;
}

const subjectOf = (parts: object = {}): ReturnType<typeof fakeSubject> =>
  fakeSubject({
    layers: 2,
    heads: 3,
    vocabulary: 60,
    tensor: (_, ids) => ({ dims: [3, ids.length, ids.length], data: mechanism(ids.length) }),
    ...parts
  });

const run = async (spec: object, seed = 0, parts: object = {}): ReturnType<typeof headScores.compute> =>
  headScores.compute(subjectOf(parts), validateSpec(headScores, spec), context, seed);

describe('head-scores', () => {
  test('finds each mechanism in its own head', async () => {
    const result = await run({ batch: 2, length: 10 });
    const scores = matrices(result.values);
    scores.forEach((matrix, score) =>
      matrix.forEach(row => row.forEach((value, head) => expect(value).toBeCloseTo(score === head ? 0.9 : 0, 5)))
    );
  });

  test('repeats distinct tokens, by seed', async () => {
    const ids = async (seed: number): Promise<number[]> => [
      ...decodeTensor((await run({ batch: 3, length: 20 }, seed)).ids)
    ];
    const drawn = await ids(4);
    expect(drawn).toHaveLength(60);
    expect(new Set(drawn.slice(0, 20)).size).toBe(20);
    expect(drawn.every(id => id >= 0 && id < 60)).toBe(true);
    expect(await ids(4)).toEqual(drawn);
    expect(await ids(5)).not.toEqual(drawn);
  });

  test('leaves special tokens out', async () => {
    const tokens = {
      vocabularySize: 20,
      specialIds: [0, 1, 2, 3, 4],
      label: String,
      encode: () => ({ ids: [], tokens: [] }),
      decode: () => ''
    };
    const subject = { ...subjectOf(), tokens };
    const result = await headScores.compute(subject, validateSpec(headScores, { batch: 4, length: 15 }), context, 0);
    expect([...new Set(decodeTensor(result.ids))].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 15 }, (_, i) => i + 5)
    );
  });

  test('a small vocabulary repeats tokens within a block', async () => {
    const result = await run({ batch: 1, length: 12 }, 0, { vocabulary: 5 });
    expect(result.ids.shape).toEqual([1, 12]);
  });

  test('shortens to the positions that the model has and says so', async () => {
    const result = await run({ batch: 1, length: 50 }, 0, { maxPositions: 33 });
    expect([result.length, result.asked]).toEqual([16, 50]);
    expect(headScores.summary(result, validateSpec(headScores, {}))).toContain('shortened from 50');
    expect(headScores.refuses(subjectOf({ maxPositions: 7 }))).toBe(
      'the model has 7 positions, repeated tokens need 8'
    );
  });

  test('the uniform head scores the mean of 1/(t + 1)', () => {
    const length = 8;
    const weights = Float32Array.from({ length: 64 }, (_, i) => (i % 8 <= i / 8 ? 1 / (Math.floor(i / 8) + 1) : 0));
    for (const score of SCORES) {
      const measured = diagonalScore({ row: 0, layer: 0, heads: 1, length, weights }, 0, score);
      expect(uniformScore(length, true, score)).toBeCloseTo(measured, 6);
      expect(uniformScore(length, false, score)).toBeCloseTo(1 / 8, 12);
    }
  });

  test('draws maps and a ranking', async () => {
    const result = await run({ batch: 2, length: 10 });
    const spec = validateSpec(headScores, {});
    const [maps, ranking] = headScores.figures(result, spec);
    expect(maps.kind === 'plotly' && maps.data).toHaveLength(3);
    expect(ranking).toMatchObject({ kind: 'table', rows: { length: 6 } });
    expect(headScores.summary(result, spec).split('\n').length).toBeLessThanOrEqual(40);
    expect(headScores.validateResult(JSON.parse(JSON.stringify(result)))).toEqual(result);
    const { deviations } = result;
    expect(() => headScores.validateResult({ ...result, deviations: { ...deviations, shape: [3, 3, 2] } })).toThrow(
      "'result.deviations' has shape [3, 3, 2] beside [3, 2, 3]"
    );
  });

  test.each([
    ['looks everywhere alike', 0, '-'],
    ['leans a third towards the token before', 1 / 3, '-'],
    ['gives it half of its weight', 1 / 2, 'previous-token']
  ])('a head that %s is called accordingly', async (_, lean, called) => {
    const leaning = (length: number): Float32Array =>
      Float32Array.from({ length: 3 * length * length }, (__, at) => {
        const [query, key] = [Math.floor(at / length) % length, at % length];
        return key > query ? 0 : (1 - lean) / (query + 1) + (key === Math.max(0, query - 1) ? lean : 0);
      });
    const result = await run({ batch: 1, length: 4 }, 0, {
      tensor: (__: string, ids: readonly number[]) => ({
        dims: [3, ids.length, ids.length],
        data: leaning(ids.length)
      })
    });
    const row = headScores
      .summary(result, validateSpec(headScores, {}))
      .split('\n')
      .find(line => line.includes('L0H0'));
    expect(row).toMatch(new RegExp(`L0H0 +${called} `));
  });
});
