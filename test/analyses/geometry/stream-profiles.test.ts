import { anisotropy } from '../../../src/analyses/geometry/anisotropy';
import { massiveActivations } from '../../../src/analyses/geometry/massive-activations';
import { participationRatio } from '../../../src/analyses/geometry/participation-ratio';
import { baselineRows, type Baseline } from '../../../src/analyses/baseline';
import { profileRows, type Profile } from '../../../src/analyses/geometry/profile';
import { encodeTensor } from '../../../src/analyses/tensor-codec';
import type { PlotlyFigure } from '../../../src/figures/figure';
import { tokenUniformity } from '../../../src/analyses/geometry/token-uniformity';
import type { Analysis } from '../../../src/analyses/analysis';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Progress } from '../../../src/subject/context';
import type { Subject } from '../../../src/subject/subject';
import { open, run } from '../circuits/lens';
import { context, fakeSubject, type Fake } from '../fake-subject';
import { lines, MODELS, oracle, relative } from './oracle';

interface FirstText {
  readonly cosine: number;
  readonly rank: number;
  readonly effective_rank: number;
  readonly largest: readonly (readonly number[])[];
  readonly median: number;
}

interface Sample {
  readonly mean_cosine: number;
  readonly self_similarity: number;
  readonly types: number;
  readonly first_component: number;
  readonly ratio: number;
  readonly ratio_without: number;
  readonly rogue: readonly number[];
  readonly rogue_share: number;
}

const { families } = oracle<{
  readonly families: Readonly<
    Record<string, { ids: number[][]; first_text: readonly FirstText[]; sample: readonly Sample[] }>
  >;
}>();

// The same weights run by ONNX Runtime and by PyTorch in single precision; results are stored in single precision.
const ABSOLUTE = 2e-5;
const RELATIVE = 2e-5;

const far = (found: readonly number[], expected: readonly number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs(found[i] - value)));

describe.each(MODELS)('%s/%s.onnx', (family, style) => {
  const { ids, first_text: one, sample } = families[family];
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  test('token uniformity as by scikit-learn and numpy', async () => {
    const [cosine, rank, effective] = profileRows((await run(tokenUniformity, subject, { ids: ids[0] })).values);
    expect(
      far(
        cosine,
        one.map(place => place.cosine)
      )
    ).toBeLessThan(ABSOLUTE);
    expect(rank).toEqual(one.map(place => place.rank));
    expect(
      relative(
        effective,
        one.map(place => place.effective_rank)
      )
    ).toBeLessThan(RELATIVE);
  });

  test('massive activations as by numpy, with token and coordinate', async () => {
    const result = await run(massiveActivations, subject, { ids: ids[0] });
    const rows = profileRows(result.values);
    [0, 1, 2].forEach(m =>
      expect(
        relative(
          rows[m],
          one.map(place => Math.abs(place.largest[m][2]))
        )
      ).toBeLessThan(RELATIVE)
    );
    expect(
      relative(
        rows[3],
        one.map(place => place.median)
      )
    ).toBeLessThan(RELATIVE);
    const { position, coordinate, value } = result.places.columns;
    const all = one.flatMap(place => place.largest);
    expect(position).toEqual(all.map(([at]) => at));
    expect(coordinate).toEqual(all.map(([, at]) => at));
    expect(
      relative(
        value as number[],
        all.map(([, , number]) => number)
      )
    ).toBeLessThan(RELATIVE);
  });

  test('anisotropy as by scikit-learn', async () => {
    const result = await run(anisotropy, subject, { texts: lines(ids) });
    const [cosine, self, first] = profileRows(result.values);
    expect(
      far(
        cosine,
        sample.map(place => place.mean_cosine)
      )
    ).toBeLessThan(ABSOLUTE);
    expect(
      far(
        self,
        sample.map(place => place.self_similarity)
      )
    ).toBeLessThan(ABSOLUTE);
    expect(
      far(
        first,
        sample.map(place => place.first_component)
      )
    ).toBeLessThan(ABSOLUTE);
    expect(result.repeated).toBe(sample[0].types);
    expect(result.sample).toEqual({ texts: ids.length, points: ids.length * ids[0].length, tokens: ids.flat().length });
  });

  test('participation ratio as by scikit-learn’s PCA, with and without rogue coordinates', async () => {
    const result = await run(participationRatio, subject, { texts: lines(ids), rogue: 3 });
    const [ratio, rest, share] = profileRows(result.values);
    expect(
      relative(
        ratio,
        sample.map(place => place.ratio)
      )
    ).toBeLessThan(RELATIVE);
    expect(
      relative(
        rest,
        sample.map(place => place.ratio_without)
      )
    ).toBeLessThan(RELATIVE);
    expect(
      far(
        share,
        sample.map(place => place.rogue_share)
      )
    ).toBeLessThan(ABSOLUTE);
    expect(result.rogue.columns.coordinate).toEqual(sample.flatMap(place => place.rogue));
  });
});

describe('a sample', () => {
  const texts = lines(families.gpt2.ids);
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum');
  });
  afterAll(() => subject.close());

  test('is drawn by the seed, without replacement', async () => {
    const at = (seed: number) =>
      participationRatio.compute(subject, validateSpec(participationRatio, { texts, most: 40 }), context, seed);
    const [a, b, c] = [await at(1), await at(1), await at(2)];
    expect(a).toEqual(b);
    expect(a.values.data).not.toBe(c.values.data);
    expect(a.sample).toEqual({ texts: 14, points: 40, tokens: 168 });
    expect(participationRatio.summary(a, validateSpec(participationRatio, { texts }))).toContain(
      '40 tokens of 14 texts, drawn from 168'
    );
  });

  test.each([anisotropy, participationRatio] as Analysis[])('$id: a cancel is heard between places', async analysis => {
    const control = new AbortController();
    const labels: string[] = [];
    const progress = ({ done, total, label }: Progress): void => {
      expect(done).toBeLessThan(total);
      labels.push(label);
      if (label === 'place 2 of 3') {
        setTimeout(() => control.abort());
      }
    };
    await expect(
      analysis.compute(subject, validateSpec(analysis, { texts }), { signal: control.signal, progress }, 0)
    ).rejects.toThrow(/abort/);
    expect(labels.at(-1)).toBe('place 2 of 3');
  });

  test('of last tokens, or without the first ones', async () => {
    expect((await run(anisotropy, subject, { texts, tokens: 'last' })).sample.points).toBe(14);
    expect((await run(anisotropy, subject, { texts, tokens: 'but-first' })).sample.points).toBe(14 * 11);
  });

  test.each<readonly [string, Analysis, object, string]>([
    [
      'a flood of tokens',
      anisotropy,
      { texts: Array(1000).fill(Array(40).fill(1).join(',')).join('\n') },
      "sample too large: field 'texts' has 40000 tokens, at most 32768 are read"
    ],
    ['one text', anisotropy, { texts: '1,2,3' }, 'anisotropy: needs tokens of at least 2 texts, got 1'],
    ['no text', anisotropy, { texts: ' \n ' }, 'anisotropy: needs tokens of at least 2 texts, got 0'],
    ['two points', participationRatio, { texts: '1,2' }, 'participation ratio: needs at least 3 points, got 2'],
    ['all rogue', participationRatio, { texts, rogue: 32 }, "field 'rogue' is 32, the stream has 32 coordinates"],
    ['one token', tokenUniformity, { ids: [1] }, 'token uniformity: needs at least 2 tokens, got 1']
  ])('refuses %s', async (_, analysis, given, message) => {
    await expect(run(analysis, subject, given)).rejects.toThrow(message);
  });
});

describe('closed forms', () => {
  /** Every place holds these rows. */
  const of = (rows: readonly (readonly number[])[]) =>
    fakeSubject({
      layers: 1,
      heads: 1,
      tensor: (_, { length }) => ({
        dims: [length, rows[0].length],
        data: Float32Array.from(rows.slice(0, length).flat())
      })
    });
  const identity = [0, 1, 2, 3].map(i => [0, 1, 2, 3].map(j => (i === j ? 3 : 0)));

  test('orthogonal tokens: cosine 0 and full rank; equal tokens: 1 and rank 1', async () => {
    const orthogonal = await run(tokenUniformity, of(identity), { ids: [1, 2, 3, 4] });
    expect(profileRows(orthogonal.values).map(row => row[0])).toEqual([0, 4, expect.closeTo(4, 6)]);
    const equal = await run(tokenUniformity, of(identity.map(() => [1, 2, 0, 0])), { ids: [1, 2, 3, 4] });
    expect(profileRows(equal.values).map(row => row[1])).toEqual([
      expect.closeTo(1, 6),
      1,
      // Singular values of rounding stand in the entropy.
      expect.closeTo(1, 5)
    ]);
  });

  test('what is not defined is a gap, not a zero', async () => {
    const zeros = of(identity.map(() => [0, 0, 0, 0]));
    const uniform = await run(tokenUniformity, zeros, { ids: [1, 2, 3, 4] });
    expect(profileRows(uniform.values)[0]).toEqual([NaN, NaN]);
    const same = await run(participationRatio, of(identity.map(() => [1, 2, 3, 4])), { texts: '1,2,3,4', rogue: 1 });
    expect(profileRows(same.values).flat()).toEqual(Array(6).fill(NaN));
    expect(participationRatio.summary(same, validateSpec(participationRatio, {}))).toContain('–');
    expect(participationRatio.figures(same, validateSpec(participationRatio, {}))).toHaveLength(2);
  });

  test('an even spread has the participation ratio of its dimension', async () => {
    const corners = Array.from({ length: 8 }, (_, i) => [0, 1, 2, 3].map(bit => (bit < 3 ? (i >> bit) & 1 : 7)));
    const cube = await run(participationRatio, of(corners), { texts: '1,2,3,4,5,6,7,8', rogue: 1 });
    expect(profileRows(cube.values).map(row => row[0])).toEqual([3, 2, expect.closeTo(1 / 3, 6)]);
  });

  test('a number that is not finite is named with its place', async () => {
    const broken = of([[1, 2, 3, 4], [1, NaN, 3, 4], ...identity]);
    await expect(run(tokenUniformity, broken, { ids: [1, 2] })).rejects.toThrow(
      "hook 'blocks.0.hook_resid_pre' holds NaN at position 1, where a finite number belongs"
    );
  });

  test('massive is above 100 and 1,000 times the median', async () => {
    const rows = identity.map((row, i) => row.map((_, j) => (i === 0 && j === 2 ? -500 : 0.1)));
    const result = await run(massiveActivations, of(rows), { ids: [1, 2, 3, 4] });
    expect(massiveActivations.summary(result, validateSpec(massiveActivations, {}))).toMatch(
      /massive; largest: -500 after block in, token 0 't1', coordinate 2/
    );
    const places = { columns: { ...result.places.columns, position: [9, 9, 9, 9, 9, 9] } };
    expect(() => massiveActivations.validateResult({ ...result, places })).toThrow(
      "'result.places' names position 9 of 4"
    );
  });
});

describe('the baseline of shuffled models', () => {
  const rows = [0, 1, 2, 3].map(i => [0, 1, 2, 3].map(j => (i === j ? 3 : 0)));
  const stream =
    (all: readonly (readonly number[])[]): Fake['tensor'] =>
    () => ({ dims: [4, 4], data: Float32Array.from(all.flat()) });
  const equal = rows.map((_, i) => [1, 2, i === 0 ? 1e-3 : 0, 0]);
  const subject = fakeSubject({
    layers: 1,
    heads: 1,
    tensor: stream(rows),
    shuffled: seed => ({ tensor: stream(seed === 0 ? rows : equal) })
  });

  test('holds each model’s own numbers; the figure has them beside', async () => {
    const result = await run(tokenUniformity, subject, { ids: [1, 2, 3, 4], baseline: 2 });
    expect(baselineRows(result.baseline)[0]).toEqual([0, 1].map(() => [0, expect.closeTo(1, 5)]));
    const [figure] = tokenUniformity.figures(result, validateSpec(tokenUniformity, { ids: [1], baseline: 2 }));
    const beside = (figure as PlotlyFigure).data.at(-1) as Record<string, unknown>;
    expect(beside).toMatchObject({
      legendgroup: 'series 0',
      name: 'mean cosine, shuffled',
      y: [0.5, 0.5].map(one => expect.closeTo(one, 5))
    });
    expect(beside.error_y).toMatchObject({
      array: [0.5, 0.5].map(one => expect.closeTo(one, 5)),
      arrayminus: [0.5, 0.5].map(one => expect.closeTo(one, 5))
    });
    expect(figure.caption).toContain('mean of 2 copies');
    expect(figure.table?.columns).toEqual(['after block', 'mean cosine (−1 to 1)', 'mean cosine, shuffled']);
    expect(tokenUniformity.cost(subject, validateSpec(tokenUniformity, { ids: [1, 2], baseline: 2 }))).toMatchObject({
      forwards: 3,
      session: 4000
    });
  });

  test('a saved one of another size is refused', async () => {
    const result = await run(tokenUniformity, subject, { ids: [1, 2, 3, 4], baseline: 1 });
    const wrong = encodeTensor({ dims: ['model', 'measure', 'place'], shape: [1, 3, 3] }, new Float32Array(9));
    const many = encodeTensor({ dims: ['model', 'measure', 'place'], shape: [6, 3, 2] }, new Float32Array(36));
    expect(() => tokenUniformity.validateResult({ ...result, baseline: wrong })).toThrow(
      "'result.baseline places': 3 where 2 belong"
    );
    expect(() => tokenUniformity.validateResult({ ...result, baseline: many })).toThrow(
      "'result.baseline' has 6 models"
    );
  });

  test.each([tokenUniformity, massiveActivations, anisotropy, participationRatio] as Analysis[])(
    '$id on a fixture: as if the shuffled model were measured itself',
    async one => {
      const model = await open('gpt2', 'optimum');
      const given = one.spec.texts ? { texts: lines(families.gpt2.ids) } : { ids: families.gpt2.ids[0] };
      const spec = validateSpec(one, { ...given, baseline: 2 });
      const steps: number[] = [];
      const progress = ({ done, total }: Progress): void => void steps.push(done / total);
      const result = (await one.compute(model, spec, { ...context, progress }, 7)) as { baseline: Baseline };
      const drawn = await model.shuffled(8, context);
      const alone = (await one.compute({ ...model, forward: drawn.forward }, validateSpec(one, given), context, 7)) as {
        values: Profile;
        baseline: Baseline;
      };
      expect(alone.baseline).toBeNull();
      expect(baselineRows(result.baseline).map(row => row.map(place => place[1]))).toEqual(profileRows(alone.values));
      expect(steps.every((step, i) => i === 0 || step >= steps[i - 1])).toBe(true);
      await drawn.release();
      await model.close();
    }
  );
});

test('a stream whose hooks are not there is refused by name', async () => {
  const subject = fakeSubject({ layers: 1, heads: 1, hooks: [] });
  expect(tokenUniformity.refuses(subject)).toBe("the hook 'blocks.0.hook_resid_pre' was not found in this graph");
});
