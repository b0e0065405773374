import {
  representationSimilarity,
  type RepresentationSimilarity
} from '../../../src/analyses/geometry/representation-similarity';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { PlotlyFigure } from '../../../src/figures/figure';
import { lcg } from '../../maths/lcg';
import { open, run } from '../circuits/lens';
import { fakeSubject } from '../fake-subject';
import { lines, MODELS, oracle } from './oracle';

type Table = readonly (readonly number[])[];

const { families } = oracle<{
  families: Record<
    string,
    {
      ids: number[][];
      similarity: { cka: Table; debiased: Table; svcca: Table; pwcca: Table; kept: readonly number[] };
    }
  >;
}>();

// The stream in single precision by two runtimes, stored in single precision.
const ABSOLUTE = 2e-5;

/** [map][place · places + place] */
const maps = ({ values }: RepresentationSimilarity): number[][] => {
  const [count, places] = values.shape;
  const flat = Array.from(decodeTensor(values));
  return Array.from({ length: count }, (_, m) => flat.slice(m * places ** 2, (m + 1) * places ** 2));
};

const furthest = (found: readonly number[], expected: Table): number =>
  Math.max(...expected.flat().map((value, at) => Math.abs(value - found[at])));

test.each(MODELS)('%s/%s.onnx: CKA, debiased CKA, SVCCA and PWCCA as by numpy’s definitions', async (family, style) => {
  const subject = await open(family, style);
  const { ids, similarity } = families[family];
  const [svcca, pwcca] = await Promise.all(
    (['svcca', 'pwcca'] as const).map(cca => run(representationSimilarity, subject, { texts: lines(ids), cca }))
  );
  const found = maps(svcca);
  expect(furthest(found[0], similarity.cka)).toBeLessThan(ABSOLUTE);
  expect(furthest(found[1], similarity.debiased)).toBeLessThan(ABSOLUTE);
  expect(svcca.kept).toEqual(similarity.kept);
  expect(furthest(found[2], similarity.svcca)).toBeLessThan(ABSOLUTE);
  expect(furthest(maps(pwcca)[2], similarity.pwcca)).toBeLessThan(ABSOLUTE);
  await subject.close();
});

/** Each place holds its own function of the ids. */
const cloud = (at: (place: number, id: number) => readonly number[], shuffled = at) => {
  const fake = (of: typeof at) => ({
    layers: 1,
    heads: 1,
    vocabulary: 100,
    tensor: (name: string, ids: readonly number[]) => {
      const rows = ids.map(id => of(Number(name.includes('post')), id));
      return { dims: [ids.length, rows[0].length], data: Float32Array.from(rows.flat()) };
    }
  });
  return fakeSubject({ ...fake(at), shuffled: () => fake(shuffled) });
};

/** Normals of one stream: streams of neighbouring seeds are alike. */
const NORMALS = ((stream = lcg(12)) => Array.from({ length: 1200 * 60 }, () => stream.normal()))();
const point = (id: number, width: number): number[] => NORMALS.slice(id * 60, id * 60 + width);

const ids = (count: number): string => lines([Array.from({ length: count }, (_, i) => i)]);

test('a rotation, a scale and a shift change nothing; independent points are unlike', async () => {
  const turned = cloud(
    (place, id) => {
      const [x, y] = point(id, 2);
      return place === 0 ? [x, y] : [5 - 3 * y, 1 + 3 * x];
    },
    (_, id) => point(id + 1000, 2)
  );
  const result = await run(representationSimilarity, turned, { texts: ids(80), cca: 'pwcca', shuffled: true });
  const [plain, debiased, cca, other] = maps(result);
  [plain, debiased, cca].forEach(map => map.forEach(value => expect(value).toBeCloseTo(1, 5)));
  // Of 80 independent pairs: about 0 ± 1/80.
  other.forEach(value => expect(Math.abs(value)).toBeLessThan(0.06));
  const [figure, beside] = representationSimilarity.figures(
    result,
    validateSpec(representationSimilarity, {})
  ) as PlotlyFigure[];
  expect([figure.data.length, beside.data.length]).toEqual([3, 1]);
  expect(representationSimilarity.summary(result, validateSpec(representationSimilarity, {}))).toContain(
    'with shuffled'
  );
});

test('fewer points than dimensions: plain CKA is biased, debiased CKA is not, CCA refuses', async () => {
  const apart = cloud((place, id) => point(id + 1000 * place, 60));
  const [plain, debiased] = maps(await run(representationSimilarity, apart, { texts: ids(30) }));
  expect(plain[1]).toBeGreaterThan(0.5);
  expect(Math.abs(debiased[1])).toBeLessThan(0.15);
  await expect(run(representationSimilarity, apart, { texts: ids(30), cca: 'pwcca' })).rejects.toThrow(
    "CCA needs more points than dimensions: place 0 has 29 dimensions, 30 points were drawn (field 'texts')"
  );
});

test('a constant place is a gap; too few points and too large samples are refused', async () => {
  const constant = cloud((place, id) => (place === 0 ? [1, 2] : point(id, 2)));
  const [plain] = maps(await run(representationSimilarity, constant, { texts: ids(30), cca: 'svcca' }));
  expect(plain).toEqual([NaN, NaN, NaN, 1]);
  await expect(run(representationSimilarity, constant, { texts: ids(3) })).rejects.toThrow('at least 4 points, got 3');
  const deep = fakeSubject({ layers: 40, heads: 1, vocabulary: 5000 });
  await expect(
    run(representationSimilarity, deep, {
      texts: lines(Array.from({ length: 40 }, () => Array(100).fill(1))),
      most: 4000
    })
  ).rejects.toThrow('sample too large: similarities of 4000 points at 41 places');
});

test('a saved result whose maps do not agree is refused', async () => {
  const result = await run(
    representationSimilarity,
    cloud((place, id) => point(id + place, 2)),
    { texts: ids(20) }
  );
  expect(() => representationSimilarity.validateResult({ ...result, cca: 'svcca' })).toThrow('result.values maps');
  expect(() => representationSimilarity.validateResult({ ...result, kept: [1] })).toThrow('result.kept places');
});
