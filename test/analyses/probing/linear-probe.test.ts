import { profileRows, type Profile } from '../../../src/analyses/geometry/profile';
import { linearProbe } from '../../../src/analyses/probing/linear-probe';
import { bootstrapInterval, controlLabels, onlineCode, probe } from '../../../src/analyses/probing/probe-fit';
import { splitPoints } from '../../../src/analyses/probing/split-points';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { matrix } from '../../../src/maths/matrix';
import { codelength, portions } from '../../../src/maths/online-code';
import { lcg } from '../../maths/lcg';
import { open, run } from '../circuits/lens';
import { context, fakeSubject } from '../fake-subject';
import { MODELS, oracle } from '../geometry/oracle';

interface Expected {
  readonly rows: readonly string[];
  readonly classes: readonly string[];
  readonly places: readonly { readonly accuracy: number; readonly bits: number }[];
}

const { families } = oracle<{ families: Record<string, { probe: Expected }> }>();

const now = async (): Promise<void> => undefined;

test.each(MODELS)('%s/%s.onnx: accuracy and codelength as by scikit-learn', async (family, style) => {
  const subject = await open(family, style);
  const { rows, classes, places } = families[family].probe;
  const result = await run(linearProbe, subject, { task: 'rows', rows: rows.join('\n'), split: 'last', c: 0.1 });
  const [accuracy, low, high, , , bits, compression] = profileRows(result.values);
  expect(result.classes.map(({ label }) => label)).toEqual(classes);
  const total = result.facts.train + result.facts.test;
  places.forEach((expected, place) => {
    // No word of these stands on the boundary of two classes.
    expect(Math.abs(accuracy[place] - expected.accuracy)).toBeLessThan(1e-6);
    // Both stop where the gradient is small; the stream differs by 1e-6.
    expect(Math.abs(bits[place] / expected.bits - 1)).toBeLessThan(1e-4);
    expect(compression[place]).toBeCloseTo((total * Math.log2(classes.length)) / expected.bits, 3);
    expect(low[place] <= accuracy[place] && accuracy[place] <= high[place] && low[place] < high[place]).toBe(true);
  });
  expect(result.unconverged).toBe(0);
  await subject.close();
});

describe('online code', () => {
  test('a uniform probe costs n · log₂ K exactly', () => {
    expect(codelength(7, 8, Array(93).fill(-Math.log(8)))).toBeCloseTo(300, 10);
    expect(codelength(100, 4, [])).toBe(200);
  });

  test('portions begin where 10 labels and every class are there, and end with all', () => {
    const labels = Array.from({ length: 1000 }, (_, i) => i % 4);
    expect(portions(labels, 4)).toEqual([16, 32, 63, 125, 250, 500, 1000]);
    const late = labels.map((_, i) => Number(i > 300));
    expect(portions(late, 2)).toEqual([500, 1000]);
    expect(portions([0, 0, 0, 1], 2)).toEqual([4]);
  });

  test('labels that the points say nothing about cost about as much as uniform ones', async () => {
    const stream = lcg(4);
    const [n, classes] = [400, 4];
    const points = matrix(
      n,
      3,
      Array.from({ length: n * 3 }, () => stream.normal())
    );
    const labels = Array.from({ length: n }, () => Math.floor(stream.uniform() * classes));
    const bits = await onlineCode(points, { labels, classes }, 0.1, now);
    expect(bits / (n * 2)).toBeGreaterThan(0.97);
    expect(bits / (n * 2)).toBeLessThan(1.06);
    // Labels that are in the points cost a fraction.
    const told = matrix(
      n,
      4,
      labels.flatMap(label => [0, 1, 2, 3].map(k => Number(k === label)))
    );
    expect(await onlineCode(told, { labels, classes }, 10, now)).toBeLessThan(n * 2 * 0.25);
  });
});

describe('control task and interval', () => {
  test('a word has one label, drawn as often as labels occur', () => {
    const words = Array.from({ length: 4000 }, (_, i) => `w${i % 2000}`);
    const labels = words.map((_, i) => Number(i % 10 === 0));
    const control = controlLabels(words, labels, 3);
    expect(control.slice(0, 2000)).toEqual(control.slice(2000));
    const share = control.reduce((sum, value) => sum + value, 0) / 4000;
    // Binomial: 0.1 ± 0.0067.
    expect(Math.abs(share - 0.1)).toBeLessThan(0.027);
    expect(controlLabels(words, labels, 4)).not.toEqual(control);
  });

  test('the interval of a share over independent texts is the binomial one', () => {
    const right = Array.from({ length: 400 }, (_, i) => i % 4 !== 0);
    const [low, high] = bootstrapInterval(
      right,
      right.map((_, i) => i),
      1
    );
    // 0.75 ± 1.96 · √(0.75 · 0.25/400) = ± 0.0424.
    expect(Math.abs(low - 0.7076)).toBeLessThan(0.012);
    expect(Math.abs(high - 0.7924)).toBeLessThan(0.012);
    expect(bootstrapInterval([true, true], [0, 0], 1)).toEqual([1, 1]);
  });

  test('coordinates that do not vary in training do no harm', async () => {
    const points = matrix(4, 2, [5, 0, 5, 1, 5, 0, 9, 1]);
    const scores = await probe(points, { classes: 2, labels: [0, 1, 0, 1], train: [0, 1, 2], test: [3] }, 1);
    expect(scores).toMatchObject({ accuracy: 1, converged: true });
  });
});

describe('splits', () => {
  const rows = {
    texts: Array.from({ length: 30 }, () => ({ ids: [1], labels: ['a'], bos: false })),
    points: Array.from({ length: 90 }, (_, i) => ({
      row: Math.floor(i / 3),
      position: i % 3,
      label: String(i % 2),
      word: `w${i % 15}`
    }))
  };

  test('by texts: a third of them, all of a text on one side; by words: none of the test is trained on', () => {
    for (const split of ['random', 'last', 'words'] as const) {
      const { order, test: tested } = splitPoints(rows, split, 4);
      expect([...order].sort((a, b) => a - b)).toEqual(rows.points.map((_, at) => at));
      expect(tested.filter(Boolean).length).toBe(30);
      const side = (wanted: boolean, of: 'row' | 'word') =>
        new Set(order.filter((_, at) => tested[at] === wanted).map(at => rows.points[at][of]));
      const key = split === 'words' ? 'word' : 'row';
      side(true, key).forEach(one => expect(side(false, key).has(one as never)).toBe(false));
    }
    expect(splitPoints(rows, 'words', 4)).toEqual(splitPoints(rows, 'words', 4));
    expect(splitPoints(rows, 'words', 5)).not.toEqual(splitPoints(rows, 'words', 4));
    expect(splitPoints(rows, 'last', 4).order).toEqual(rows.points.map((_, at) => at));
  });
});

test('more points than can be held are refused before anything runs', async () => {
  const wide = fakeSubject({ layers: 1, heads: 1 });
  const subject = { ...wide, tower: { ...wide.tower, dModel: 2 ** 27 } };
  await expect(run(linearProbe, subject, { task: 'rows', rows: '1/A 2/B' })).rejects.toThrow(
    'sample too large: 2 points of 2 places'
  );
});

describe('refusals', () => {
  const subject = fakeSubject({
    layers: 1,
    heads: 1,
    tensor: (_, ids) => ({ dims: [ids.length, 2], data: Float32Array.from(ids.flatMap(id => [id, 1])) })
  });
  test.each([
    ['1/A 2/A\n3/A', 'the labels have 1 classes, it needs 2 to 32'],
    ['1/A 2/A\n3/A\n4/B', 'the 3 training words have 1 of 2 labels, and there are 1 test words'],
    ['1/A 2/B', 'there are 0 test words; give more texts']
  ])('%j', async (rows, message) => {
    await expect(run(linearProbe, subject, { task: 'rows', rows, split: 'last' })).rejects.toThrow(message);
  });
});

test('a run on a fixture: selectivity is accuracy less control; seeds draw splits; a cancel is heard', async () => {
  const subject = await open('gpt2', 'optimum');
  const rows = families.gpt2.probe.rows.join('\n');
  const at = async (seed: number) =>
    (await linearProbe.compute(
      subject,
      validateSpec(linearProbe, { task: 'rows', rows, codelength: false }),
      context,
      seed
    )) as { values: Profile };
  const [a, b, c] = [await at(1), await at(1), await at(2)];
  expect(a).toEqual(b);
  expect(a.values.data).not.toBe(c.values.data);
  const [accuracy, , , control, selectivity, bits] = profileRows(a.values);
  accuracy.forEach((value, i) => expect(selectivity[i]).toBeCloseTo(value - control[i], 6));
  expect(bits.every(Number.isNaN)).toBe(true);
  const stop = new AbortController();
  const progress = ({ label }: { label: string }): void =>
    void (label === 'place 2 of 3' && setTimeout(() => stop.abort()));
  await expect(
    linearProbe.compute(
      subject,
      validateSpec(linearProbe, { task: 'rows', rows }),
      { signal: stop.signal, progress },
      0
    )
  ).rejects.toThrow(/abort/);
  await subject.close();
});

test('what the sample strains is said: dependent points, few for the width, a control of unknown words', async () => {
  const subject = await open('gpt2', 'optimum');
  const { rows } = families.gpt2.probe;
  const breaks = async (given: object): Promise<readonly string[] | undefined> =>
    (await run(linearProbe, subject, { task: 'rows', codelength: false, ...given })).breaks;
  const all = await breaks({ rows: rows.join('\n') });
  expect(all?.[0]).toMatch(/^\d+ points of \d+ texts are not independent$/);
  expect(all?.some(one => one.includes('the control can only guess'))).toBe(false);
  const words = await breaks({ rows: rows.join('\n'), split: 'words' });
  expect(words).toContain('no word of the test was trained on, so that the control can only guess');
  const few = await breaks({ rows: rows.slice(0, 3).join('\n') });
  expect(few?.some(one => / training points in \d+ dimensions: many probes fit/.test(one))).toBe(true);
  await subject.close();
});
