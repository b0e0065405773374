import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Tensor } from '../../src/onnx/tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from './fixture-files';

const FOLDER = join(__dirname, '../fixtures/matrix');

const read = (family: string, part: string): Uint8Array =>
  gunzipSync(readFileSync(join(FOLDER, family, `${part}.onnx.gz`)));

const open = (files: Readonly<Record<string, Uint8Array>>): Promise<Subject> =>
  openModel(memoryFiles('tiny', files), createNodeRuntime(), quiet);

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const START = 2;
const BART = {
  'encoder_model.onnx': read('bart', 'optimum.encoder'),
  'decoder_model.onnx': read('bart', 'optimum.decoder')
};
const CONFIG = { 'config.json': json({ decoder_start_token_id: START }) };

const SOURCE = [3, 9, 4, 11, 5];
const TARGET = [START, 7, 8];

const opened: Subject[] = [];
afterAll(() => Promise.all(opened.map(subject => subject.close())));
const kept = async (files: Readonly<Record<string, Uint8Array>>): Promise<Subject> => {
  const subject = await open(files);
  opened.push(subject);
  return subject;
};

const numbers = (tensor: Tensor): readonly number[] => Array.from(tensor.data, Number);
const largestDifference = (a: Tensor, b: Tensor): number => {
  expect(a.dims).toEqual(b.dims);
  const other = numbers(b);
  return Math.max(...numbers(a).map((x, i) => Math.abs(x - other[i])));
};

test('two files are two towers, and ids are the encoder’s; the decoder reads its start', async () => {
  const subject = await kept({ ...BART, ...CONFIG });
  expect(subject.anatomy.towers.map(({ name, kind, causal }) => ({ name, kind, causal }))).toEqual([
    { name: 'encoder', kind: 'encoder', causal: false },
    { name: 'decoder', kind: 'decoder', causal: true }
  ]);
  expect(subject.tower.name).toBe('encoder');
  expect(subject.anatomy.inputs.map(({ name, role, positions }) => [name, role, positions])).toEqual([
    ['input_ids', 'ids', 'input_ids'],
    ['attention_mask', 'attention_mask', 'input_ids'],
    ['encoder_attention_mask', 'attention_mask', 'input_ids'],
    ['decoder_input_ids', 'ids', 'decoder_input_ids']
  ]);
  const hooks = ['encoder.blocks.1.attn.hook_pattern', 'decoder.blocks.1.cross_attn.hook_pattern'];
  const request = { ids: [SOURCE], hooks, outputs: ['logits'] };
  const cache = await subject.forward(request, quiet);
  expect(hooks.map(hook => cache.get(hook).dims)).toEqual([
    [1, 4, 5, 5],
    [1, 4, 1, 5]
  ]);
  expect(cache.get('logits').dims).toEqual([1, 1, 48]);
  const explicit = subject.reading!({ tower: 'encoder', other: { ids: [START] } });
  expect(largestDifference((await explicit.forward(request, quiet)).get('logits'), cache.get('logits'))).toBe(0);
  expect(subject.cost(request).bytes).toBe(4 * (4 * 5 * 5 + 4 * 5) + subject.cost({ ...request, hooks: [] }).bytes);
});

test('either tower may be the one that is read: the same run', async () => {
  const subject = await kept({ ...BART, ...CONFIG });
  const hooks = [
    'encoder.blocks.0.hook_resid_post',
    'decoder.blocks.1.hook_resid_mid_cross',
    'decoder.unembed.hook_out'
  ];
  const [a, b] = await Promise.all([
    subject.reading!({ tower: 'encoder', other: { ids: TARGET } }).forward({ ids: [SOURCE], hooks }, quiet),
    subject.reading!({ tower: 'decoder', other: { ids: SOURCE } }).forward({ ids: [TARGET], hooks }, quiet)
  ]);
  hooks.forEach(hook => expect(largestDifference(a.get(hook), b.get(hook))).toBe(0));
  expect(() => subject.reading!({ tower: 'middle', other: { ids: SOURCE } })).toThrow(
    "tower unknown: 'middle' is not a tower of 'tiny' (towers: 'encoder', 'decoder')"
  );
  expect(() => subject.reading!({ tower: 'decoder', other: { ids: [99] } })).toThrow(/^id out of vocabulary: 99/);
});

test('ids of the decoder may be fed as a tensor, several rows at once', async () => {
  const subject = await kept({ ...BART, ...CONFIG });
  const rows = [TARGET, [START, 9, 6]];
  const decoder: Tensor = { dims: [2, 3], type: 'int64', data: BigInt64Array.from(rows.flat(), BigInt) };
  const sources = [SOURCE, [...SOURCE].reverse()];
  const hook = 'decoder.blocks.1.hook_resid_post';
  const whole = await subject.forward({ ids: sources, hooks: [hook], feeds: { decoder_input_ids: decoder } }, quiet);
  expect(whole.get(hook).dims).toEqual([2, 3, 16]);
  const second = subject.reading!({ tower: 'encoder', other: { ids: rows[1] } });
  const alone = await second.forward({ ids: [sources[1]], hooks: [hook] }, quiet);
  const half = { ...whole.get(hook), dims: [1, 3, 16], data: whole.get(hook).data.slice(48) };
  // A batch of two is summed in another order: rounding of single precision.
  expect(largestDifference(half, alone.get(hook))).toBeLessThan(1e-5);
});

test('without a configuration the decoder is not guessed at', async () => {
  const subject = await kept(BART);
  const run = (hook: string) => subject.forward({ ids: [SOURCE], hooks: [hook] }, quiet);
  await expect(run('decoder.blocks.0.hook_resid_pre')).rejects.toThrow(
    "decoder ids missing: 'decoder.blocks.0.hook_resid_pre' needs what the decoder of 'tiny' reads, and no config.json with decoder_start_token_id is beside it"
  );
  expect((await run('encoder.blocks.0.hook_resid_pre')).get('encoder.blocks.0.hook_resid_pre').dims).toEqual([
    1, 5, 16
  ]);
  const decoder = subject.reading!({ tower: 'decoder', other: { ids: SOURCE } });
  expect(() => decoder.input({ text: '' })).toThrow(/^no tokenizer/);
});

test('changes at a cross-attention and in the encoder', async () => {
  const t5 = {
    'encoder_model.onnx': read('t5', 'optimum.encoder'),
    'decoder_model.onnx': read('t5', 'optimum.decoder')
  };
  const subject = (await kept(t5)).reading!({ tower: 'decoder', other: { ids: SOURCE } });
  const [before, after] = ['decoder.blocks.0.hook_resid_mid', 'decoder.blocks.0.hook_resid_mid_cross'];
  const cut = { list: [{ hook: 'decoder.blocks.0.hook_cross_attn_out', op: 'set', value: 0 }] } as const;
  const run = await subject.forward({ ids: [TARGET], hooks: [before, after], interventions: cut }, quiet);
  expect(largestDifference(run.get(before), run.get(after))).toBe(0);

  const zeroed = {
    list: [
      { hook: 'decoder.blocks.0.cross_attn.hook_pattern', op: 'set', heads: [1], features: [0, 2, 3, 4], value: 0 }
    ]
  } as const;
  const pattern = 'decoder.blocks.0.cross_attn.hook_pattern';
  const masked = (await subject.forward({ ids: [TARGET], hooks: [pattern], interventions: zeroed }, quiet)).get(
    pattern
  );
  expect(masked.dims).toEqual([1, 4, 3, 5]);
  const head = numbers(masked).slice(15, 30);
  expect(head.filter((_, i) => i % 5 !== 1).every(value => value === 0)).toBe(true);

  const states = { list: [{ hook: 'encoder.ln_final.hook_out', op: 'set', value: 0 }] } as const;
  const values = 'decoder.blocks.1.cross_attn.hook_v';
  const silent = await subject.forward({ ids: [TARGET], hooks: [values], interventions: states }, quiet);
  expect(numbers(silent.get(values)).every(value => value === 0)).toBe(true);
});

test('a decoder alone wants its encoder’s states', async () => {
  const subject = await kept({ 'model.onnx': BART['decoder_model.onnx'] });
  expect(subject.anatomy.towers.map(({ name }) => name)).toEqual(['decoder']);
  expect(subject.anatomy.inputs.find(({ role }) => role === 'states')?.name).toBe('encoder_hidden_states');
  const hooks = ['blocks.0.cross_attn.hook_k', 'unembed.hook_out'];
  const refusal = /^input missing: 'encoder_hidden_states' \[.*, 16\] of 'tiny' is an encoder's last states/;
  await expect(subject.forward({ ids: [TARGET], hooks }, quiet)).rejects.toThrow(refusal);
  await expect(subject.generate({ ids: [TARGET], tokens: 2 }, quiet)).rejects.toThrow(refusal);

  const pair = (await kept(BART)).reading!({ tower: 'decoder', other: { ids: SOURCE } });
  const prefixed = hooks.map(hook => `decoder.${hook}`);
  const wanted = await pair.forward({ ids: [TARGET], hooks: ['decoder.hook_encoder_states', ...prefixed] }, quiet);
  const feeds = { encoder_hidden_states: wanted.get('decoder.hook_encoder_states') };
  const cache = await subject.forward({ ids: [TARGET], hooks, feeds }, quiet);
  hooks.forEach((hook, i) => expect(largestDifference(cache.get(hook), wanted.get(prefixed[i]))).toBeLessThan(1e-6));
});

test('greedy generation is Hugging Face’s', async () => {
  const { greedy } = JSON.parse(readFileSync(join(FOLDER, 'bart/expected.json'), 'utf8')) as {
    readonly greedy: { readonly ids: readonly number[]; readonly made: readonly number[] };
  };
  const subject = (await kept({ ...BART, ...CONFIG })).reading!({ tower: 'decoder', other: { ids: greedy.ids } });
  const { ids } = await subject.generate({ ids: [[START]], tokens: greedy.made.length }, quiet);
  expect(ids[0]).toEqual(greedy.made);
});

test('files that do not fit are refused in one sentence', async () => {
  const other = { ...BART, 'encoder_model.onnx': read('bert', 'optimum') };
  await expect(open(other)).rejects.toThrow(
    /^encoder does not fit: '.*' gives 1 outputs \[batch, pos, width\], '.*' reads 'encoder_hidden_states'$/
  );
});

test('a full certificate holds in both towers', async () => {
  const subject = await kept({ ...BART, ...CONFIG });
  const { certificate, anatomy } = await subject.certify({ level: 'full' }, quiet);
  expect(certificate.identities.flatMap(({ name, fails = [], why }) => (fails.length || why ? [name] : []))).toEqual(
    []
  );
  expect(anatomy.hooks.filter(({ status }) => status !== 'verified').map(({ name }) => name)).toEqual([]);
  const padded = certificate.identities.find(({ name }) => name === 'right-padding-changes-nothing');
  expect(padded?.places?.map(({ at }) => at)).toContain('decoder.blocks.1.cross_attn.hook_pattern');
});
