import { anisotropy } from '../../../src/analyses/geometry/anisotropy';
import { intrinsicDimension } from '../../../src/analyses/geometry/intrinsic-dimension';
import { lipschitzConstant } from '../../../src/analyses/geometry/lipschitz-constant';
import { participationRatio } from '../../../src/analyses/geometry/participation-ratio';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { rankCollapse } from '../../../src/analyses/geometry/rank-collapse';
import { representationSimilarity } from '../../../src/analyses/geometry/representation-similarity';
import { tokenUniformity } from '../../../src/analyses/geometry/token-uniformity';
import { linearProbe } from '../../../src/analyses/probing/linear-probe';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { weightSpectra } from '../../../src/analyses/weights/weight-spectra';
import type { Analysis } from '../../../src/analyses/analysis';
import { lcg } from '../../maths/lcg';
import { run } from '../circuits/lens';
import { fakeSubject, type Fake } from '../fake-subject';

/** Every place holds the row of each token's id. */
const holding = (rows: readonly (readonly number[])[], extra: Partial<Fake> = {}) =>
  fakeSubject({
    layers: 1,
    heads: 1,
    vocabulary: rows.length,
    tensor: (_, ids) => ({
      dims: [ids.length, rows[0].length],
      data: Float32Array.from(ids.flatMap(id => rows[id]))
    }),
    ...extra
  });

const { normal } = lcg(9);
const cloud = (count: number, width: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: width }, () => normal()));
const idsUpTo = (count: number): string => Array.from({ length: count }, (_, id) => id).join();

describe('too few, or not what was meant: refused in one sentence', () => {
  test.each<readonly [string, Analysis, ReturnType<typeof holding>, object, string]>([
    [
      'TwoNN below 100 points',
      intrinsicDimension,
      holding(cloud(99, 4)),
      { texts: idsUpTo(99) },
      'intrinsic dimension: needs at least 100 points, got 99'
    ],
    [
      'TwoNN of duplicates',
      intrinsicDimension,
      holding(cloud(99, 4)),
      { texts: `${idsUpTo(99)}\n${idsUpTo(99)}` },
      'intrinsic dimension: needs 100 different points, which no place has of the 198 (equal ones count once)'
    ],
    [
      'CCA of as many points as dimensions',
      representationSimilarity,
      holding(cloud(8, 8)),
      { texts: idsUpTo(8), cca: 'pwcca' },
      'CCA needs more points than dimensions: place 0 has 7 dimensions, 8 points were drawn'
    ],
    [
      'CCA of points that are there several times',
      representationSimilarity,
      holding(cloud(8, 20)),
      { texts: `${idsUpTo(8)}\n${idsUpTo(8)}\n${idsUpTo(8)}`, cca: 'svcca' },
      'CCA needs more points than dimensions: place 0 has 7 dimensions, 24 points were drawn, 8 of them different'
    ],
    [
      'similarity of three points',
      representationSimilarity,
      holding(cloud(3, 2)),
      { texts: idsUpTo(3) },
      'representation similarity: needs at least 4 points, got 3'
    ],
    [
      'a probe of one class',
      linearProbe,
      holding(cloud(8, 2)),
      { task: 'rows', rows: '1/A 2/A\n3/A 4/A\n5/A 6/A\n7/A 1/A' },
      'linear probe: the labels have 1 classes, it needs 2 to'
    ],
    [
      'labels that do not match tokens',
      linearProbe,
      holding(cloud(8, 2)),
      { task: 'rows', rows: '1/A two/B\n3/A 4/B' },
      "no tokenizer: row 1 of 'rows' holds 'two'"
    ],
    [
      'one text where pairs of texts are meant',
      anisotropy,
      holding(cloud(8, 2)),
      { texts: '1,2,3' },
      'anisotropy: needs tokens of at least 2 texts, got 1'
    ],
    [
      'two points of a variance',
      participationRatio,
      holding(cloud(8, 4)),
      { texts: '1,2' },
      'participation ratio: needs at least 3 points, got 2'
    ]
  ])('%s', async (_, analysis, subject, given, message) => {
    await expect(run(analysis, subject, given)).rejects.toThrow(message);
  });

  test.each([
    tokenUniformity,
    rankCollapse,
    anisotropy,
    intrinsicDimension,
    representationSimilarity,
    linearProbe
  ] as Analysis[])('a model without the needed hook: $id', analysis => {
    expect(analysis.refuses(holding(cloud(4, 2), { hooks: [] }))).toMatch(
      /^the hook 'blocks\.0\.[a-z_.]+' was not found in this graph$/
    );
  });

  test('weights that are not there', () => {
    expect(lipschitzConstant.refuses(holding(cloud(4, 2)))).toBe(
      'the weight W_Q is not stored as numbers that are understood'
    );
  });
});

describe('marked, never a bare number', () => {
  test('constant activations: no similarity, no ratio, no component', async () => {
    const same = holding(Array.from({ length: 8 }, () => [1, 2, 3, 4]));
    const texts = '0,1,2,3\n4,5,6,7';
    const similar = await run(representationSimilarity, same, { texts });
    expect(Array.from(decodeTensor(similar.values)).every(Number.isNaN)).toBe(true);
    expect(profileRows((await run(participationRatio, same, { texts, rogue: 1 })).values).flat()).toEqual(
      Array(6).fill(NaN)
    );
    const [cosine, , share] = profileRows((await run(anisotropy, same, { texts })).values);
    expect([cosine, share]).toEqual([[1, 1].map(one => expect.closeTo(one, 6)), [NaN, NaN]]);
    expect(anisotropy.summary(await run(anisotropy, same, { texts }), validateSpec(anisotropy, {}))).toContain('–');
  });

  test('zeros have no direction: the cosine is a gap, ranks are 0', async () => {
    const zeros = await run(
      tokenUniformity,
      holding([
        [0, 0],
        [0, 0]
      ]),
      { ids: [0, 1] }
    );
    expect(profileRows(zeros.values)).toEqual([
      [NaN, NaN],
      [0, 0],
      [0, 0]
    ]);
  });

  test('a tail of fewer than 30 eigenvalues is called noise', async () => {
    const data = Float32Array.from({ length: 60 * 60 }, () => normal());
    const subject = fakeSubject({
      layers: 1,
      heads: 1,
      weights: {
        names: ['W_in'],
        read: () => ({ dims: [1, 60, 60], type: 'float32', data }),
        chunks: function* () {
          yield* [];
        }
      }
    });
    const result = await run(weightSpectra, subject, {});
    const [{ fit }] = result.matrices;
    expect(fit!.tail).toBeLessThan(30);
    const words = JSON.stringify(weightSpectra.figures(result, validateSpec(weightSpectra, {})));
    expect(words).toMatch(/noise/i);
  });
});

test('a participation ratio of equal points says so in place of coordinates', async () => {
  const subject = holding([[1, 2, 3]]);
  const result = await run(participationRatio, subject, { texts: '0,0,0,0' });
  const words = participationRatio.summary(result, validateSpec(participationRatio, {}));
  expect(words).toContain('all points are the same at every place');
  expect(words).not.toContain('with their share');
  const other = await run(participationRatio, holding(cloud(9, 3)), { texts: idsUpTo(9) });
  expect(participationRatio.summary(other, validateSpec(participationRatio, {}))).toContain('with their share: ');
});
