import { attentionAttribution } from '../../../src/analyses/circuits/attribution/attention-attribution';
import { dot } from '../../../src/analyses/circuits/stream-parts';
import { blockHook } from '../../../src/analyses/hooks';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Block, Tower } from '../../../src/anatomy/anatomy';
import { roundActivations } from '../../../src/anatomy/certificate/round-activations';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import type { Style } from '../../subject/matrix-cells';
import { furthest, MODELS, open, openFile, oracle, run } from './lens';

interface Case {
  readonly ids: readonly (readonly number[])[];
  readonly score: {
    /** The two attended most. */
    readonly keys: readonly [number, number];
    readonly names: readonly string[];
    /** Of each key [query part][key part]. */
    readonly terms: readonly (readonly (readonly number[])[])[];
    readonly scores: readonly number[];
    readonly weights: readonly number[];
    readonly writes: readonly number[];
    readonly length: number;
  };
}
const { layer, head, query, families } = oracle<{
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly families: Readonly<Record<string, Case>>;
}>();

// Relative to the sum of all terms' sizes, which is 30 to 300: single precision on both sides.
const TOLERANCE = 3e-6;

const given = (family: string, more: object = {}) => ({ ids: families[family].ids[0], layer, head, query, ...more });
const sizeOf = (rows: readonly (readonly number[])[]): number =>
  rows.flat().reduce((sum, one) => sum + Math.abs(one), 0);

describe.each(MODELS)('%s/%s.onnx as in TransformerLens', (family, style) => {
  const wanted = families[family].score;
  const [first, second] = wanted.terms;
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  /** The terms without the remainder, which must be nothing. */
  const compare = (
    { values, queryParts, keyParts, remainder }: Awaited<ReturnType<typeof attentionAttribution.compute>>,
    terms: readonly (readonly number[])[]
  ): void => {
    const named = wanted.names.map(name => ({ query: queryParts.indexOf(name), key: keyParts.indexOf(name) }));
    expect([...queryParts].sort()).toEqual([...wanted.names, 'remainder'].sort());
    const flat = decodeTensor(values);
    const ours = named.flatMap(one => named.map(other => flat[one.query * keyParts.length + other.key]));
    const size = sizeOf(terms);
    expect(size).toBeGreaterThan(10);
    expect(furthest(ours, terms.flat())).toBeLessThan(TOLERANCE * size);
    expect(remainder).toBeLessThan(TOLERANCE * size * 10);
  };

  test('the score of the position attended most, and what is written', async () => {
    const result = await run(attentionAttribution, subject, given(family));
    expect(result.keys).toEqual([wanted.keys[0]]);
    compare(result, first);
    const size = sizeOf(first);
    expect(Math.abs(result.scores[0] - wanted.scores[0])).toBeLessThan(TOLERANCE * size);
    expect(Math.abs(result.sum - result.scores[0])).toBeLessThan(TOLERANCE * size);
    expect(furthest(result.weights, wanted.weights.slice(0, 1))).toBeLessThan(1e-5);
    const { name, value } = result.writes.columns;
    const written = wanted.names.map(one => Number(value[name.indexOf(one)]));
    expect(furthest(written, wanted.writes)).toBeLessThan(1e-5 * Math.max(1, wanted.length));
    expect(value.reduce<number>((sum, one) => sum + Number(one), 0)).toBeCloseTo(wanted.length, 4);
  });

  test('the difference of two scores', async () => {
    const result = await run(attentionAttribution, subject, given(family, { keys: wanted.keys, query: -1 }));
    compare(
      result,
      first.map((row, q) => row.map((value, k) => value - second[q][k]))
    );
    expect(furthest(result.scores, wanted.scores)).toBeLessThan(TOLERANCE * sizeOf(first));
    // A difference of scores is the logarithm of the ratio of the weights.
    expect(result.scores[0] - result.scores[1]).toBeCloseTo(Math.log(result.weights[0] / result.weights[1]), 4);
  });

  test('by layer: the same sum', async () => {
    const result = await run(attentionAttribution, subject, given(family, { by: 'layer' }));
    expect(result.queryParts).toContain('attention 0');
    expect(result.queryParts.some(name => /^L0H|^b_O/.test(name))).toBe(false);
    expect(Math.abs(result.sum - wanted.scores[0])).toBeLessThan(TOLERANCE * sizeOf(first));
  });
});

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('llama', 'optimum');
  });
  afterAll(() => subject.close());

  test('figures and words', async () => {
    const spec = validateSpec(attentionAttribution, given('llama', { keys: families.llama.score.keys }));
    const result = await run(attentionAttribution, subject, spec);
    const figures = attentionAttribution.figures(result, spec);
    expect(figures.map(({ title }) => title)).toEqual([
      'Why L1H3 attends',
      'Largest terms of the score',
      'The score by part of the query',
      'The score by part of the key',
      'What the attended token writes'
    ]);
    const words = attentionAttribution.summary(result, spec);
    expect(words).toContain('rather than to');
    expect(words.split('\n').length).toBeLessThan(40);
  });

  test('a result whose parts disagree is refused', async () => {
    const result = await run(attentionAttribution, subject, given('llama'));
    const broken = (change: object) => () => attentionAttribution.validateResult({ ...result, ...change });
    expect(broken({ keyParts: ['a'] })).toThrow("'result.keyParts': 1 where 8 belong");
    expect(broken({ query: 99 })).toThrow('position 99 of 9');
    expect(broken({ scores: [] })).toThrow("'result.scores'");
  });

  test.each<readonly [string, object, string]>([
    ['a layer that is not there', { layer: 2 }, "field 'layer' names 2, this input has layer 0 to 1"],
    ['a head that is not there', { head: 4 }, "field 'head' names 4, this input has head 0 to 3"],
    ['a query before the first', { query: -10 }, "field 'query' names -1, this input has query 0 to 8"],
    ['a key behind the last', { keys: [9] }, "field 'keys' names 9, this input has keys 0 to 8"],
    ['three keys', { keys: [1, 2, 3] }, "field 'keys' names 3 positions, one or two"],
    ['a masked key', { query: 3, keys: [5] }, 'score masked: L1H3 gives no weight to position 5 from position 3']
  ])('refuses %s', async (_, change, message) => {
    await expect(run(attentionAttribution, subject, given('llama', change))).rejects.toThrow(message);
  });

  test.each<readonly [string, Partial<Tower>, Partial<Block['attention']>, string]>([
    ['soft-capped scores', {}, { softcap: 50 }, 'layer 0 soft-caps its scores, 50 · tanh(score/50)'],
    ['ALiBi', { positional: 'alibi' }, {}, 'its scores hold ALiBi’s position biases'],
    ['relative positions', { positional: 'relative' }, {}, 'its scores hold relative position biases'],
    ['an unknown scale', {}, { scale: undefined }, 'the scale that layer 0 multiplies its scores by is not known']
  ])('refuses %s', (_, tower, attention, message) => {
    const blocks = subject.tower.blocks.map(block => ({ ...block, attention: { ...block.attention, ...attention } }));
    const changed = { ...subject, tower: { ...subject.tower, blocks, ...tower } };
    expect(attentionAttribution.refuses(changed)).toContain(message);
  });

  test('a scale that is not the model’s own is noticed', async () => {
    const blocks = subject.tower.blocks.map(block => ({ ...block, attention: { ...block.attention, scale: 0.3 } }));
    const changed = { ...subject, tower: { ...subject.tower, blocks } };
    await expect(run(attentionAttribution, changed, given('llama'))).rejects.toThrow('terms do not add up');
  });
});

// Norms of single heads' queries and keys; neighbours that turn together; weights of 1 + w; rotation of a part; packed projections; 4 bits; a residual multiplier.
const FAMILIES: readonly (readonly [string, Style])[] = [
  ['qwen3', 'optimum'],
  ['gptj', 'torchscript'],
  ['cohere', 'dynamo'],
  ['gemma', 'optimum'],
  ['phi', 'dynamo'],
  ['falcon', 'optimum'],
  ['stablelm', 'q4'],
  ['granite', 'optimum']
];

test.each(FAMILIES)('%s/%s: the terms make the model’s own score, nothing remains', async (family, style) => {
  const subject = await openFile(family, style);
  for (const keys of [[2], [4, 0]]) {
    const result = await run(attentionAttribution, subject, {
      ids: [5, 9, 3, 7, 5, 9, 11, 2],
      layer: 1,
      head: 1,
      keys
    });
    const size = decodeTensor(result.values).reduce((sum, value) => sum + Math.abs(value), 0);
    const score = result.scores[0] - (result.scores[1] ?? 0);
    expect(Math.abs(result.sum - score)).toBeLessThan(TOLERANCE * size);
    expect(result.remainder).toBeLessThan(TOLERANCE * size);
  }
  await subject.close();
});

test('activations rounded to eight bits: rounding is a part, of the size that rounding the stream gives', async () => {
  const subject = await openFile('bert', 'int8');
  const [layer, head, key, length] = [1, 1, 4, 8];
  const result = await run(attentionAttribution, subject, {
    ids: [5, 9, 3, 7, 5, 9, 11, 2],
    layer,
    head,
    keys: [key]
  });
  expect(Math.abs(result.sum - result.scores[0])).toBeLessThan(1e-5);
  expect(result.queryParts).toContain('rounding');
  expect(attentionAttribution.summary(result, validateSpec(attentionAttribution, {}))).toContain('“rounding”: what');
  const hooks = ['hook_resid_pre', 'attn.hook_v'].map(name => blockHook(subject, layer, name));
  const cache = await subject.forward({ ids: [result.input.ids], hooks }, quiet);
  const [stream, v] = hooks.map(hook => Float32Array.from(cache.get(hook).data as Float32Array));
  const weights = (name: 'W_V' | 'W_O'): Float32Array =>
    subject.weights.read(name, { layers: [layer], heads: [head] }).data as Float32Array;
  const [size, width] = [stream.length / length, v.length / length / subject.tower.heads];
  const through = (x: ArrayLike<number>, w: Float32Array, columns: number): Float64Array =>
    Float64Array.from({ length: columns }, (_, column) =>
      Array.from(x).reduce((sum, value, row) => sum + value * w[row * columns + column], 0)
    );
  const rounded = roundActivations(stream, 1);
  const lost = Float64Array.from({ length: size }, (_, m) => rounded[key * size + m] - stream[key * size + m]);
  const at = (key * subject.tower.heads + head) * width;
  const write = through(v.subarray(at, at + width), weights('W_O'), size);
  const own = through(through(lost, weights('W_V'), width), weights('W_O'), size);
  const expected = (result.weights[0] * dot(own, write)) / Math.sqrt(dot(write, write));
  expect(Math.abs(expected)).toBeGreaterThan(1e-5);
  const { name, value } = result.writes.columns;
  expect(Math.abs(Number(value[name.indexOf('rounding')]) - expected)).toBeLessThan(2e-6);
  await subject.close();
});

test.each([
  ['bloom', 'its scores hold ALiBi’s position biases'],
  ['gemma2', 'layer 0 soft-caps its scores, 50 · tanh(score/50)'],
  ['mpnet', 'its scores hold relative position biases']
])('refuses %s', async (family, message) => {
  const subject = await openFile(family, 'optimum');
  expect(attentionAttribution.refuses(subject)).toContain(message);
  await subject.close();
});
