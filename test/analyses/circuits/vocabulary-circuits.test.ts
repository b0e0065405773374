import type { Analysis } from '../../../src/analyses/analysis';
import type { CircuitResult } from '../../../src/analyses/circuits/vocabulary/circuit-result';
import { ovCircuit } from '../../../src/analyses/circuits/vocabulary/ov-circuit';
import { qkCircuit } from '../../../src/analyses/circuits/vocabulary/qk-circuit';
import { findCircuit, type CircuitFindings } from '../../../src/analyses/circuits/vocabulary/vocabulary-circuit';
import type { VocabularySide } from '../../../src/analyses/circuits/vocabulary/vocabulary-side';
import type { SpecFields } from '../../../src/analyses/spec/spec';
import { decodeTensor, encodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { gaussian } from '../../../src/maths/gaussian';
import { linearAlgebra } from '../../../src/maths/linear-algebra';
import { matrix, type Matrix } from '../../../src/maths/matrix';
import { random } from '../../../src/maths/random';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import { headWeights } from './head-weights';
import { furthest, MODELS, open, run } from './lens';

const { chosen, tokens, families } = headWeights();
const [layer, head] = chosen;
// Scores of −1 to 1 and singular values of up to 3, from weights of single precision.
const TOLERANCE = 2e-5;
// Entries of up to 40, the same.
const VALUES = 1e-4;
const ASKED = { layer, head, shares: 8, sources: 96, ids: tokens, topK: 4 };

const CIRCUITS = [
  ['ov', ovCircuit],
  ['qk', qkCircuit]
] as const;

describe.each(MODELS)('%s/%s.onnx as in TransformerLens', (family, style) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  test.each(CIRCUITS)('%s: eigenvalues, shares, singular values and tokens', async (id, analysis) => {
    const wanted = families[family][id];
    const result = await run<SpecFields, CircuitResult>(
      analysis as Analysis<SpecFields, CircuitResult>,
      subject,
      ASKED
    );
    expect(furthest(decodeTensor(result.scores), wanted.eigenvalue)).toBeLessThan(TOLERANCE);
    expect(furthest(decodeTensor(result.shares), [...wanted.top1, ...wanted.top5])).toBeLessThan(TOLERANCE);
    expect([result.sources, result.vocabulary, result.layer, result.head]).toEqual([96, 96, layer, head]);
    expect(furthest(result.singular, wanted.singular)).toBeLessThan(TOLERANCE);
    expect(result.directions.columns.id).toEqual(wanted.directions.flat(3));
    expect(result.rows.columns.id).toEqual(wanted.tokens.flat());
    expect(furthest(result.rows.columns.value as number[], wanted.values.flat())).toBeLessThan(VALUES);
  });
});

test('blocks of the vocabulary change nothing', async () => {
  const algebra = await linearAlgebra();
  const next = gaussian(random(5));
  const table = (rows: number, columns: number): Matrix =>
    matrix(rows, columns, Array.from({ length: rows * columns }, next));
  const [left, right, a, b] = [table(50, 9), table(50, 9), table(9, 3), table(3, 9)];
  const side = ({ columns, data }: Matrix, block: number): VocabularySide => ({
    size: 50,
    chunks: function* () {
      for (let start = 0; start < 50; start += block) {
        const part = data.subarray(start * columns, Math.min(50, start + block) * columns);
        yield { start, rows: matrix(part.length / columns, columns, part.slice()) };
      }
    },
    rows: ids =>
      matrix(
        ids.length,
        columns,
        ids.flatMap(id => [...data.subarray(id * columns, (id + 1) * columns)])
      )
  });
  const found = (block: number) =>
    findCircuit(
      { left: side(left, block), right: side(right, block), layers: 1, heads: 1, head: () => [{ a, b }] },
      { shares: 1, sources: 20, directions: 3, topK: 5, tokens: [3, 44] },
      { algebra, random: random(2), context: quiet }
    );
  const [whole, blocks] = [await found(50), await found(7)];
  expect(blocks.eigenvalue[0]).toBeCloseTo(whole.eigenvalue[0], 6);
  expect([blocks.top1, blocks.top5]).toEqual([whole.top1, whole.top5]);
  const names = ({ directions, rows }: CircuitFindings) => [
    directions.map(({ plus, minus }) =>
      [plus, minus].map(end => [end.left, end.right].map(all => all.map(({ id }) => id)))
    ),
    rows.map(row => row.map(({ id }) => id))
  ];
  expect(names(blocks)).toEqual(names(whole));
});

test('a cancel is heard', async () => {
  const subject = await open('gpt2', 'optimum');
  const controller = new AbortController();
  const context = { signal: controller.signal, progress: () => controller.abort() };
  await expect(ovCircuit.compute(subject, validateSpec(ovCircuit, {}), context, 0)).rejects.toThrow('abort');
  await subject.close();
});

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum');
  });
  afterAll(() => subject.close());

  test('the head of the largest score, when none is named', async () => {
    const result = await run(ovCircuit, subject, { shares: 2 });
    const scores = families.gpt2.ov.eigenvalue;
    expect(result.layer * 4 + result.head).toBe(scores.indexOf(Math.max(...scores)));
    expect(decodeTensor(result.shares).filter(value => !Number.isNaN(value)).length).toBe(4);
    expect(result.rows.columns.id).toEqual([]);
  });

  test('positions where they are added', async () => {
    const result = await run(qkCircuit, subject, { ...ASKED, positions: 8 });
    const wanted = families.gpt2.positions!;
    const seen = wanted.flatMap((row, query) => row.map((value, key) => (key > query ? NaN : value)));
    const found = decodeTensor(result.positions!);
    expect(Array.from(found, Number.isNaN)).toEqual(seen.map(Number.isNaN));
    expect(
      furthest(
        found.map(value => (Number.isNaN(value) ? 0 : value)),
        seen.map(value => value || 0)
      )
    ).toBeLessThan(VALUES);
  });

  test('the head that is taken apart is listed, whatever its score', async () => {
    const result = await run(ovCircuit, subject, { layer: 1, head: 3, shares: 0 });
    const shape = [8, 8];
    const falling = Float32Array.from({ length: 64 }, (_, at) => 1 - at / 40);
    const scores = { ...encodeTensor({ dims: ['layer', 'head'], shape }, falling), dtype: 'float32' as const };
    const none = new Float32Array(128).fill(NaN);
    const dims = ['rank', 'layer', 'head'];
    const shares = { ...encodeTensor({ dims, shape: [2, ...shape] }, none), dtype: 'float32' as const };
    const last = { ...result, scores, shares, layer: 7, head: 7 };
    const rows = ovCircuit.summary(last, validateSpec(ovCircuit, {})).match(/^L\dH\d .*$/gm)!;
    expect(rows.length).toBe(13);
    expect(rows[12]).toMatch(/^L7H7 +−0\.5750/);
    const [maps] = ovCircuit.figures(last, validateSpec(ovCircuit, {}));
    expect(maps.kind === 'plotly' && maps.table!.rows.length + maps.table!.omitted).toBe(64);
  });

  test('figures and words', async () => {
    const spec = validateSpec(qkCircuit, { ...ASKED, positions: 8 });
    const result = await run(qkCircuit, subject, spec);
    const titles = qkCircuit.figures(result, spec).map(({ title }) => title);
    expect(titles).toEqual(['QK circuits', 'Singular directions of L1H2', 'Tokens of L1H2', 'Positions of L1H2']);
    const words = qkCircuit.summary(result, spec);
    expect(words).toContain('L1H2: asks as -> looks for');
    expect(words.split('\n').length).toBeLessThan(41);
  });

  test('a result whose parts disagree is refused', async () => {
    const result = await run(ovCircuit, subject, {});
    expect(() => ovCircuit.validateResult({ ...result, head: 4 })).toThrow("'result.head': ");
    expect(() => ovCircuit.validateResult({ ...result, shares: result.scores })).toThrow("'result.shares'");
  });

  test.each<readonly [string, object, string]>([
    ['a layer that is not there', { layer: 2, head: 0 }, "field 'layer' names 2, this model has layers 0 to 1"],
    ['half a head', { layer: 1 }, "field 'head' is −1 where the other names a head: give both"],
    ['a text without a tokenizer', { text: 'a' }, 'tokenizer'],
    [
      'too many tokens',
      { ids: Array.from({ length: 40 }, (_, id) => id) },
      "too many tokens: field 'ids' has 40 different ones"
    ]
  ])('refuses %s', async (_, given, message) => {
    await expect(run(ovCircuit, subject, given)).rejects.toThrow(message);
  });
});

test.each([
  ['llama', 'optimum', 'positions turn queries and keys (rotary)'],
  ['attn-only-rope', 'torchscript', "(field 'positions' is 4)"]
])('refuses positions of %s', async (family, style, message) => {
  const subject = await open(family, style);
  await expect(run(qkCircuit, subject, { positions: 4 })).rejects.toThrow(message);
  await subject.close();
});

test.each([
  ['bert', 'optimum', 'stands a layer of its own'],
  ['bert-model', 'optimum', 'model without unembedding']
])('refuses %s', async (family, style, ov) => {
  const subject = await open(family, style);
  expect(ovCircuit.refuses(subject)).toContain(ov);
  expect(qkCircuit.refuses(subject)).toBeUndefined();
  await subject.close();
});
