import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { attentionEntropy } from '../../src/analyses/attention/attention-entropy';
import { attentionPatterns } from '../../src/analyses/attention/attention-patterns';
import { logitLens } from '../../src/analyses/lens/logit-lens';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { weightOf } from '../../src/figures/atlas';
import type { AtlasFigure } from '../../src/figures/figure';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles } from '../subject/fixture-files';
import { context, fakeSubject } from './fake-subject';

const FOLDER = join(__dirname, '../fixtures/matrix/bart');

interface Sampled {
  readonly dims: readonly number[];
  readonly at: readonly number[];
  readonly values: readonly number[];
}

/** Hugging Face's, for one text. */
const { text } = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as {
  readonly text: {
    readonly ids: readonly (readonly number[])[];
    readonly decoderIds: readonly (readonly number[])[];
    readonly hooks: Readonly<Record<string, Sampled>>;
  };
};
const [source] = text.ids;
const [[start, ...written]] = text.decoderIds;

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const read = (part: string): Uint8Array => gunzipSync(readFileSync(join(FOLDER, `optimum.${part}.onnx.gz`)));
const words = (ids: readonly number[]): string => ids.map(id => `w${id}`).join(' ');

/** A word for each id; texts end with token 2, as T5's and Marian's do. */
const TOKENIZER = {
  version: '1.0',
  added_tokens: [
    { id: 2, content: '</s>', special: true, normalized: false, single_word: false, lstrip: false, rstrip: false }
  ],
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [],
    special_tokens: { '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] } }
  },
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(Array.from({ length: 48 }, (_, id) => [id === 2 ? '</s>' : `w${id}`, id])),
    unk_token: 'w1'
  }
};

let subject: Subject;
beforeAll(async () => {
  const files = {
    'encoder_model.onnx': read('encoder'),
    'decoder_model.onnx': read('decoder'),
    'tokenizer.json': json(TOKENIZER),
    'config.json': json({ decoder_start_token_id: start })
  };
  subject = await openModel(memoryFiles('bart', files), createNodeRuntime(), context);
});
afterAll(() => subject.close());

const patternsOf = (spec: object) =>
  attentionPatterns.compute(subject, validateSpec(attentionPatterns, spec), context, 0);
const GIVEN = { ids: source, decoderText: words(written) };

/** Half a step of the 8-bit scale in √weight, and the sixth digit of the oracle's numbers. */
const STEP = 0.5 / 255 + 1e-4;

test.each([
  ['encoder', 'encoder.blocks.1.attn.hook_pattern'],
  ['decoder', 'decoder.blocks.1.attn.hook_pattern'],
  ['cross', 'decoder.blocks.1.cross_attn.hook_pattern']
] as const)('attention patterns of %s are Hugging Face’s', async (tower, hook) => {
  const result = attentionPatterns.validateResult(await patternsOf({ ...GIVEN, tower }));
  const { dims, at, values } = text.hooks[hook];
  const [, , queries, keys] = dims;
  const stored = decodeTensor(result.values);
  expect(result.values.shape).toEqual([2, 4, queries, keys]);
  at.forEach((index, i) => {
    const byte = stored[4 * queries * keys + index];
    expect(Math.abs(byte / 255 - Math.sqrt(values[i]))).toBeLessThanOrEqual(STEP);
  });
  expect(result.tower).toBe(tower);
  const byIds = await patternsOf({ ids: source, decoderIds: [start, ...written], tower });
  expect(byIds.values.data).toBe(result.values.data);
  expect(result.causal).toBe(tower === 'decoder');
});

test('cross-attention of T5 is Hugging Face’s', async () => {
  const folder = join(__dirname, '../fixtures/matrix/t5');
  const part = (name: string): Uint8Array => gunzipSync(readFileSync(join(folder, `optimum.${name}.onnx.gz`)));
  const files = { 'encoder_model.onnx': part('encoder'), 'decoder_model.onnx': part('decoder') };
  const t5 = await openModel(memoryFiles('t5', files), createNodeRuntime(), context);
  const { text: given } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as { text: typeof text };
  const spec = { ids: given.ids[0], decoderIds: given.decoderIds[0], tower: 'cross', layers: [1] };
  const result = await attentionPatterns.compute(t5, validateSpec(attentionPatterns, spec), context, 0);
  const { dims, at, values } = given.hooks['decoder.blocks.1.cross_attn.hook_pattern'];
  expect(result.values.shape).toEqual(dims);
  const stored = decodeTensor(attentionPatterns.validateResult(result).values);
  at.forEach((index, i) => expect(Math.abs(stored[index] / 255 - Math.sqrt(values[i]))).toBeLessThanOrEqual(STEP));
  t5.close();
});

test('cross-attention: the decoder’s tokens by the source’s, each with its own places', async () => {
  const result = await patternsOf({ ...GIVEN, tower: 'cross', layers: [0] });
  expect(result.input.ids).toEqual([...source, start, ...written]);
  expect([result.source, result.size]).toEqual([source.length, 6]);
  const figure = attentionPatterns.figures(
    result,
    validateSpec(attentionPatterns, { tower: 'cross' })
  )[0] as AtlasFigure;
  expect(figure.caption).toContain("the queries are the decoder's tokens (6), the keys the encoder's (9)");
  expect(figure.tokens).toEqual([`w${start}`, ...written.map(id => `w${id}`)]);
  expect(figure.keys).toEqual({ tokens: source.map(id => (id === 2 ? '</s>' : `w${id}`)), size: 9 });
  const [head, query, key, weight] = figure.table!.rows[0];
  const place = (cell: string | number): number => Number(/\((\d+)\)$/.exec(String(cell))![1]);
  const cell = { layer: 0, head: Number(String(head).split('H')[1]), query: place(query), key: place(key) };
  expect(Math.abs(Math.sqrt(weightOf(figure, cell)) - Math.sqrt(Number(weight)))).toBeLessThanOrEqual(STEP);
  const { columns } = result.top;
  const outside = { ...result, top: { columns: { ...columns, query: columns.query.map(() => 6) } } };
  expect(() => attentionPatterns.validateResult(outside)).toThrow('names position 6, there are 6 tokens');
  const asSquare = { ...result, source: 8, size: 6 };
  expect(() => attentionPatterns.validateResult(asSquare)).toThrow("'result.values' has 9 keys where 1 to 8 belong");
  expect(() => attentionPatterns.validateResult({ ...result, source: 99 })).toThrow("'result.source' is 99");
  expect(() => attentionPatterns.validateResult({ ...result, tower: 'encoder' })).toThrow("'result.source'");
});

test('a text for both: the source ends as its tokenizer has it, the decoder’s does not', async () => {
  const result = await patternsOf({ text: words(source), decoderText: words(written), tower: 'cross' });
  expect(result.input.ids).toEqual([...source, 2, start, ...written]);
});

test('the logit lens is the decoder’s, and its last row its own next tokens', async () => {
  expect(logitLens.refuses(subject)).toBeUndefined();
  const result = await logitLens.compute(subject, validateSpec(logitLens, GIVEN), context, 0);
  expect(result.input.ids).toEqual([start, ...written]);
  // Embedding, and what leaves each of two blocks.
  expect(result.values.shape).toEqual([3, 6, 5]);
  const { at, values } = text.hooks['decoder.unembed.hook_out'];
  const logits = (
    await subject.reading!({ tower: 'decoder', other: { ids: source } }).forward(
      { ids: text.decoderIds, hooks: [], outputs: ['logits'] },
      context
    )
  ).get('logits');
  at.forEach((index, i) => expect(Number(logits.data[index])).toBeCloseTo(values[i], 3));
  const best = Array.from({ length: 6 }, (_, pos) => {
    const row = Array.from(logits.data.subarray(pos * 48, (pos + 1) * 48) as Float32Array);
    return row.indexOf(Math.max(...row));
  });
  const ids = decodeTensor(result.ids);
  expect(best.map((_, pos) => ids[(2 * 6 + pos) * 5])).toEqual(best);

  const rows = await logitLens.compute(subject, validateSpec(logitLens, { ...GIVEN, by: 'sublayer' }), context, 0);
  expect(rows.rows).toEqual([
    'embedding',
    ...[0, 1].flatMap(layer => [`${layer} attention`, `${layer} cross-attention`, `${layer} MLP`])
  ]);
});

test('entropy of the tower named', async () => {
  const run = (tower: string) =>
    attentionEntropy.compute(subject, validateSpec(attentionEntropy, { ...GIVEN, tower }), context, 0);
  const [encoder, decoder] = [await run('encoder'), await run('decoder')];
  expect([encoder.causal, encoder.input.ids.length, encoder.tower]).toEqual([false, 9, 'encoder']);
  expect([decoder.causal, decoder.input.ids.length, decoder.tower]).toEqual([true, 6, 'decoder']);
  expect(attentionEntropy.cost(subject, validateSpec(attentionEntropy, GIVEN)).forwards).toBe(1);
  const beside = validateSpec(attentionEntropy, { ...GIVEN, tower: 'decoder', baseline: 1 });
  const { baseline } = await attentionEntropy.compute(subject, beside, context, 0);
  expect(baseline?.shape).toEqual([1, 4, 2]);
  expect(decodeTensor(baseline!).every(value => value > 0 && Number.isFinite(value))).toBe(true);
});

test('a decoder’s text, or cross-attention, of a model that has no encoder is refused', async () => {
  const plain = fakeSubject({ layers: 1, heads: 1 });
  const of = (spec: object) => attentionPatterns.compute(plain, validateSpec(attentionPatterns, spec), context, 0);
  await expect(of({ ids: [1, 2], decoderText: 'x' })).rejects.toThrow("field 'decoderText' is for encoder–decoders");
  await expect(of({ ids: [1, 2], decoderIds: [1] })).rejects.toThrow("field 'decoderIds' is for encoder–decoders");
  await expect(patternsOf({ ...GIVEN, decoderIds: [1] })).rejects.toThrow(
    "fields 'decoderText' and 'decoderIds' are both given"
  );
  await expect(of({ ids: [1, 2], tower: 'cross' })).rejects.toThrow("field 'tower' is 'cross', 'fake' has no decoder");
});
