import { intrinsicDimension } from '../../../src/analyses/geometry/intrinsic-dimension';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { lcg } from '../../maths/lcg';
import { open, run } from '../circuits/lens';
import { fakeSubject } from '../fake-subject';
import { lines, MODELS, oracle } from './oracle';

interface Dimension {
  readonly twonn: number;
  readonly likelihood: number;
  readonly points: number;
}

const { families } = oracle<{ families: Record<string, { ids: number[][]; dimension: readonly Dimension[] }> }>();

// Ratios of distances of single-precision vectors: rounding of the stream is 1e-6 of its length, ln μ is about 0.1.
const RELATIVE = 2e-4;

test.each(MODELS)('%s/%s.onnx: as scikit-dimension’s TwoNN', async (family, style) => {
  const subject = await open(family, style);
  const { ids, dimension } = families[family];
  const result = await run(intrinsicDimension, subject, { texts: lines(ids) });
  const [twonn, likelihood, points] = profileRows(result.values);
  dimension.forEach((expected, place) => {
    // Below 100 different points (here: tokens without their positions) no number is given.
    if (expected.points < 100) {
      expect([twonn[place], likelihood[place], points[place]]).toEqual([NaN, NaN, NaN]);
    } else {
      expect(points[place]).toBe(expected.points);
      expect(Math.abs(twonn[place] / expected.twonn - 1)).toBeLessThan(RELATIVE);
      expect(Math.abs(likelihood[place] / expected.likelihood - 1)).toBeLessThan(RELATIVE);
    }
  });
  expect(twonn.some(value => !Number.isNaN(value))).toBe(true);
  await subject.close();
});

/** Each text is a part of these points, all of one place. */
const cloud = (points: readonly (readonly number[])[]) =>
  fakeSubject({
    layers: 1,
    heads: 1,
    vocabulary: points.length,
    tensor: (_, ids) => ({
      dims: [ids.length, points[0].length],
      data: Float32Array.from(ids.flatMap(id => points[id]))
    })
  });

/** On a plane of `inner` dimensions. */
function plane(count: number, inner: number, outer: number): number[][] {
  const stream = lcg(5);
  const draw = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => stream.normal()));
  const [points, map] = [draw(count, inner), draw(inner, outer)];
  return points.map(row => map[0].map((_, j) => row.reduce((sum, value, i) => sum + value * map[i][j], 0)));
}

const everyId = (count: number): string =>
  lines(
    Array.from({ length: Math.ceil(count / 50) }, (_, i) =>
      Array.from({ length: Math.min(50, count - i * 50) }, (_, j) => i * 50 + j)
    )
  );

test('points of a plane of three dimensions in twelve; smaller samples say the same', async () => {
  const result = await run(intrinsicDimension, cloud(plane(800, 3, 12)), { texts: everyId(800) });
  expect(result.sizes).toEqual([800, 400, 200, 100]);
  const subsamples = Array.from(decodeTensor(result.subsamples)).filter((_, at) => at % 2 === 0);
  expect(subsamples[0]).toBe(profileRows(result.values)[0][0]);
  // The spread of the estimate is about d/√N.
  subsamples.forEach(value => expect(Math.abs(value - 3)).toBeLessThan(0.45));
});

test('points that differ by rounding count once', async () => {
  const points = plane(150, 2, 6);
  const twice = [...points, ...points.map(row => row.map(value => value * (1 + 1e-6)))];
  const [once, doubled] = await Promise.all(
    [points, twice].map(all => run(intrinsicDimension, cloud(all), { texts: everyId(all.length) }))
  );
  expect(profileRows(doubled.values)[2]).toEqual([150, 150]);
  expect(profileRows(doubled.values)[0]).toEqual(profileRows(once.values)[0]);
});

test('too few points, or too few different ones, are refused; so is a saved result of other sizes', async () => {
  const points = plane(150, 2, 6);
  await expect(run(intrinsicDimension, cloud(points), { texts: everyId(99) })).rejects.toThrow(
    'intrinsic dimension: needs at least 100 points, got 99'
  );
  const same = points.map(() => [1, 2, 3]);
  await expect(run(intrinsicDimension, cloud(same), { texts: everyId(150) })).rejects.toThrow(
    'needs 100 different points, which no place has of the 150'
  );
  const result = await run(intrinsicDimension, cloud(points), { texts: everyId(150) });
  expect(() => intrinsicDimension.validateResult({ ...result, sizes: [1, 2, 3] })).toThrow('result.subsamples sizes');
  const spec = validateSpec(intrinsicDimension, {});
  expect(intrinsicDimension.figures(result, spec)).toHaveLength(2);
  expect(intrinsicDimension.summary(result, spec)).toContain('150 tokens of 3 texts');
});
