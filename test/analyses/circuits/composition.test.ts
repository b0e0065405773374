import { composition } from '../../../src/analyses/circuits/composition/composition';
import { MODES } from '../../../src/analyses/circuits/composition/composition-scores';
import { listed, pairScores } from '../../../src/analyses/circuits/composition/composition-table';
import { randomComposition } from '../../../src/analyses/circuits/composition/random-composition';
import { decodeTensor, encodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { linearAlgebra } from '../../../src/maths/linear-algebra';
import { random } from '../../../src/maths/random';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import { headWeights } from './head-weights';
import { furthest, MODELS, open, run } from './lens';

const oracle = headWeights();
// Ratios of up to 0.5, from weights of single precision, kept in single precision.
const TOLERANCE = 1e-6;

describe.each(MODELS)('%s/%s.onnx as in TransformerLens', (family, style) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  test('Q-, K- and V-composition of all pairs', async () => {
    const result = await run(composition, subject, {});
    const { heads } = subject.tower;
    const values = decodeTensor(result.values);
    const pairs = heads * heads;
    MODES.forEach((mode, at) => {
      // Of two layers: senders of the first, receivers of the second.
      const wanted = oracle.families[family].composition[mode].filter(value => value !== 0);
      expect(furthest(values.subarray(at * pairs, (at + 1) * pairs), wanted)).toBeLessThan(TOLERANCE);
    });
    expect(result.rotary).toBe(subject.tower.positional === 'rotary');
  });
});

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum');
  });
  afterAll(() => subject.close());

  test('figures and words', async () => {
    const spec = validateSpec(composition, {});
    const result = await run(composition, subject, spec);
    const [figure] = composition.figures(result, spec);
    expect(figure.title).toBe('Composition of heads');
    expect(figure.table?.rows.length).toBe(48);
    // Heads of the last layer write for none, those of the first read from none.
    const of = (layer: number): string[] => [0, 1, 2, 3].map(head => `L${layer}H${head}`);
    expect(figure.kind === 'plotly' && figure.labels).toEqual({ rows: of(0), columns: of(1) });
    const words = composition.summary(result, spec);
    expect(words).toContain('L0H');
    expect(words.split('\n').length).toBeLessThan(41);
  });

  test('a cancelled run goes on where it was', async () => {
    const whole = await run(composition, subject, {});
    const values = decodeTensor(whole.values).fill(NaN);
    const { dims, shape } = whole.values;
    const earlier = { ...whole, values: encodeTensor({ dims, shape }, values), done: 0 };
    const again = await composition.compute(subject, validateSpec(composition, {}), { ...quiet, earlier }, 0);
    expect(decodeTensor(again.values)).toEqual(decodeTensor(whole.values));
    expect(composition.completion!(again)).toEqual({ done: 1, total: 1 });
    const kept = await composition.compute(subject, validateSpec(composition, {}), { ...quiet, earlier: whole }, 0);
    expect(decodeTensor(kept.values)).toEqual(decodeTensor(whole.values));
  });

  test('a cancel is heard', async () => {
    const controller = new AbortController();
    controller.abort();
    const context = { ...quiet, signal: controller.signal };
    await expect(composition.compute(subject, validateSpec(composition, {}), context, 0)).rejects.toThrow('abort');
  });

  test('refuses one layer, and a result whose parts disagree', async () => {
    await expect(run(composition, subject, { layers: [1] })).rejects.toThrow(
      "field 'layers' names 1 layer, composition needs at least 2"
    );
    const result = await run(composition, subject, {});
    expect(() => composition.validateResult({ ...result, heads: 3 })).toThrow(
      "'result.values' has shape [3, 16] where [3, 9] belongs"
    );
    expect(() => composition.validateResult({ ...result, done: 2 })).toThrow(
      "'result.done': 2 of 2 layers with 4 heads"
    );
  });
});

test('random matrices score 1/√d_model, and equal seeds give equal baselines', async () => {
  const algebra = await linearAlgebra();
  const shape = { dModel: 48, left: 12, right: 12 };
  const made = randomComposition(shape, 200, random(7), algebra);
  // Elhage et al.'s closed form E‖AB‖² = E‖A‖²E‖B‖²/d; 200 pairs of rank 12 by NumPy gave 0.144 ± 0.011.
  expect(Math.abs(made.mean - 1 / Math.sqrt(48))).toBeLessThan(3 * (made.deviation / Math.sqrt(200)) + 1e-3);
  expect(made.deviation).toBeGreaterThan(0.008);
  expect(made.deviation).toBeLessThan(0.014);
  expect(randomComposition(shape, 200, random(7), algebra)).toEqual(made);
  expect(randomComposition(shape, 200, random(8), algebra)).not.toEqual(made);
});

test('many heads: the largest of two layers, and the largest pairs, also where it goes on', () => {
  const [layers, heads] = [20, 10];
  const block = (size: number): number[][] =>
    Array.from({ length: heads }, (_, row) =>
      Array.from({ length: heads }, (__, column) => size - row / 10 - column / 100)
    );
  const first = pairScores(layers, heads);
  first.put(0, 0, 1, block(2));
  const found = pairScores(layers, heads, first.scored());
  found.put(0, 3, 7, block(3));
  const { values, top, pairs } = found.scored();
  expect(values.shape).toEqual([3, layers, layers]);
  const flat = decodeTensor(values);
  expect([flat[1], flat[3 * layers + 7], flat.filter(value => !Number.isNaN(value)).length]).toEqual([2, 3, 2]);
  expect(pairs).toBe(200);
  expect(listed(top, 0).slice(0, 2)).toEqual([
    { from: 30, to: 70, score: 3 },
    { from: 30, to: 71, score: 2.99 }
  ]);
});
