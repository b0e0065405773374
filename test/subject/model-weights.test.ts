import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { matrixReader } from '../../src/anatomy/certificate/layer-maths';
import { createNodeRuntime } from '../../src/runtime/node';
import { modelWeights, type ModelWeights } from '../../src/subject/weights/model-weights';
import { recogniseBySizes } from '../../src/subject/opening/observe-sizes';
import { openModel as openSubject } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import type { WeightName } from '../../src/subject/weights/weight-table';
import { fixtures, openModel } from '../anatomy/fixtures';
import { scramble } from '../fixtures/scramble';
import { fixtureFiles, quiet } from './fixture-files';

type Numbers = Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>>;

/** TransformerLens's own conversion of the checkpoints (test/fixtures/weights.py). */
const EXPECTED = JSON.parse(readFileSync(join(__dirname, '../fixtures/weights.json'), 'utf8')) as Readonly<
  Record<string, Numbers>
>;
const runtime = createNodeRuntime();

/** This style keeps its table of tokens divided by √24 and multiplies behind it. */
const TABLE_SCALES: Readonly<Record<string, number>> = { 'lens/packed-torchscript': Math.sqrt(24) };

const compare = (weights: ModelWeights, expected: Numbers, tableScale: number): void => {
  const wanted = Object.keys(expected) as WeightName[];
  expect([...weights.names].filter(name => wanted.includes(name)).sort()).toEqual([...wanted].sort());
  for (const name of wanted) {
    const { shape, values } = expected[name];
    const { dims, data } = weights.read(name);
    expect([name, dims]).toEqual([name, shape]);
    const scale = name === 'W_E' ? tableScale : 1;
    values.forEach((value, i) => {
      // Copied, not computed: a table that is scaled differs by one rounding.
      expect(Math.abs(Number(data[(i * 7919 + 3) % data.length]) * scale - value)).toBeLessThan(1e-6);
    });
  }
};

const CASES = fixtures().filter(({ family }) => family in EXPECTED);

describe.each(CASES.map(({ family, style }) => [`${family}/${style}`, family, style] as const))(
  '%s',
  (label, family, style) => {
    test("weights are TransformerLens's, with names as they are and randomised", async () => {
      const plain = openModel(family, style);
      for (const { model, weights } of [plain, scramble(plain.model, plain.weights, 11)]) {
        const anatomy = await recogniseBySizes(model, weights, runtime);
        const certificate = { level: 'quick', identities: [], probe: [], forwards: 0 } as const;
        const [tower] = anatomy.towers;
        const read = matrixReader(model, weights);
        compare(modelWeights({ tower, certificate, read, label }), EXPECTED[family], TABLE_SCALES[label] ?? 1);
      }
    });
  }
);

describe('of a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openSubject(fixtureFiles('llama', 'optimum.onnx'), runtime, quiet);
  });
  afterAll(() => subject.close());

  test('layers and heads in the order asked for', () => {
    const all = subject.weights.read('W_K');
    const some = subject.weights.read('W_K', { layers: [1], heads: [1, 0] });
    expect(some.dims).toEqual([1, 2, 32, 8]);
    const [head, layer] = [32 * 8, 2 * 32 * 8];
    expect(some.data.slice(0, head)).toEqual(all.data.slice(layer + head, layer + 2 * head));
    expect(some.data.slice(head)).toEqual(all.data.slice(layer, layer + head));
  });

  test.each(['W_E', 'W_U', 'ln_final.w', 'W_O'] as const)('%s in chunks is the whole of it', name => {
    const whole = subject.weights.read(name);
    const chunks = [...subject.weights.chunks(name, 2000)];
    expect(chunks.length).toBeGreaterThan(1 - Number(name === 'ln_final.w'));
    const columns = name === 'W_U';
    for (const { range, layers, tensor } of chunks) {
      const [start, end] = range ?? [layers![0], layers![0] + 1];
      const each = whole.data.length / whole.dims[columns ? 1 : 0];
      for (let i = start; i < end; i++) {
        for (let j = 0; j < each; j++) {
          const [at, from] = columns
            ? [j * (end - start) + i - start, j * 96 + i]
            : [(i - start) * each + j, i * each + j];
          expect(tensor.data[at]).toBe(whole.data[from]);
        }
      }
    }
  });

  test('refusals', () => {
    const { weights } = subject;
    expect(() => weights.read('W_X' as WeightName)).toThrow("weight unknown: 'W_X' is none of W_Q, b_Q");
    expect(() => weights.read('b_Q')).toThrow("weight missing: 'b_Q' of 'llama', layer 0 has none");
    expect(() => weights.read('W_K', { heads: [2] })).toThrow("head out of range: 2 of 'W_K', which has 2");
    expect(() => weights.read('W_E', { range: [90, 97] })).toThrow(
      "range out of bounds: 90 to 97 of 'W_E', which has 96"
    );
    expect(() => weights.read('W_E', { heads: [0] })).toThrow("selection not understood: 'W_E' has no heads");
  });

  test('a weight whose identity fails is not served', () => {
    const { tower } = subject;
    const failing = { name: 'weights-reproduce-q', error: 1, tolerance: 1e-5, holds: false, at: 'blocks.1' };
    const certificate = { ...subject.certificate, identities: [failing] };
    const weights = modelWeights({ tower, certificate, read: () => undefined, label: 'a' });
    expect(() => weights.read('W_Q')).toThrow(
      "weight not served: 'W_Q' of 'a', the identity weights-reproduce-q fails at blocks.1"
    );
  });
});
