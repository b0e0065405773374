import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readSafetensors, writeSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { MODELS } from '../subject/fixture-files';
import { orrery, type Outcome } from './capture';

const GPT2 = join(MODELS, 'gpt2/optimum.onnx');
const Z = 'blocks.0.attn.hook_z';
const IDS = '5,6,7,8';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const cache = async (interventions?: unknown, model = GPT2, input = ['--ids', IDS]): Promise<Outcome> => {
  writeFileSync(at('I.json'), typeof interventions === 'string' ? interventions : JSON.stringify(interventions ?? []));
  return orrery(
    'cache',
    model,
    ...input,
    '--hooks',
    'logits',
    Z,
    '--intervene',
    at('I.json'),
    '--out',
    at('out.safetensors')
  );
};
const tensors = (): ReadonlyMap<string, Tensor> => readSafetensors(readFileSync(at('out.safetensors')), 'out');
const data = (name: string): Float32Array => tensors().get(name)!.data as Float32Array;

test('none, one by number, one by a run of ids, one by a file', async () => {
  expect((await cache()).code).toBe(0);
  const plain = { logits: data('logits'), z: data(Z) };
  expect((await cache([{ hook: Z, op: 'set', value: 0.5, heads: 1, pos: -1 }])).code).toBe(0);
  // [pos, head, d_head], 8 wide: the last position's head 1.
  expect([...data(Z).subarray(3 * 32 + 8, 3 * 32 + 16)]).toEqual(Array(8).fill(0.5));
  expect(data('logits')).not.toEqual(plain.logits);
  expect(
    (await cache({ interventions: [{ hook: Z, op: 'patch', from: 'same' }], runs: { same: { ids: [5, 6, 7, 8] } } }))
      .said
  ).toEqual([expect.stringContaining('wrote 2 tensors') as string]);
  expect(data(Z)).toEqual(plain.z);
  const vector = { dims: [8], type: 'float32', data: Float32Array.from({ length: 8 }, (_, i) => i) } as const;
  writeFileSync(at('v.safetensors'), writeSafetensors(new Map([['u', vector]])));
  expect((await cache([{ hook: Z, op: 'set', value: { file: 'v.safetensors', tensor: 'u' }, heads: [2] }])).code).toBe(
    0
  );
  expect([...data(Z).subarray(16, 24)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('says which other hooks are the same tensor', async () => {
  const { code, said } = await cache([{ hook: 'blocks.1.hook_resid_pre', op: 'zero' }]);
  expect([code, said.length]).toEqual([0, 1]);
  expect(said[0]).toMatch(/; the interventions' tensors are also blocks\.0\.hook_resid_post$/);
});

test('a run read from a cache is the run itself', async () => {
  await orrery('cache', GPT2, '--ids', '9,10,11,12', '--hooks', Z, '--out', at('clean.safetensors'));
  const one = { hook: 'blocks.0.attn.hook_z', op: 'lerp', from: 'clean', alpha: 0.5, heads: [0] };
  await cache({ interventions: [one], runs: { clean: { cache: 'clean.safetensors' } } });
  const byFile = data('logits');
  await cache({ interventions: [one], runs: { clean: { ids: [9, 10, 11, 12] } } });
  expect(data('logits')).toEqual(byFile);
});

test('a mean over the lines of a file, and a row drawn by the seed', async () => {
  const model = join(__dirname, '../../examples/models/induction-2l');
  writeFileSync(at('corpus.txt'), 'The ship sailed.\n\nA long way from the harbour it sank\r\nIt was old\n');
  const mean = { hook: Z, op: 'mean', from: 'corpus', over: 'all', heads: [3] };
  const text = ['--text', 'The ship sailed'];
  await cache([], model, text);
  const plain = data('logits');
  expect((await cache({ interventions: [mean], runs: { corpus: { lines: 'corpus.txt' } } }, model, text)).code).toBe(0);
  expect(data('logits')).not.toEqual(plain);
  const aligned = await cache(
    { interventions: [{ ...mean, over: 'rows' }], runs: { corpus: { lines: 'corpus.txt' } } },
    model,
    text
  );
  expect([aligned.code, aligned.said[0]]).toEqual([
    1,
    expect.stringMatching(
      /^orrery: rows uneven: the run 'corpus' has \d+ tokens in row 0 and \d+ in row 1; only a mean over 'all' takes both$/
    )
  ]);
  const drawn = async (seed: number) => {
    const ids = Array.from({ length: 8 }, (_, row) => [row, row + 1, row + 2, row + 3]);
    await cache({ interventions: [{ hook: Z, op: 'resample', from: 'rows' }], runs: { rows: { ids } }, seed });
    return [...data('logits')];
  };
  expect(await drawn(1)).toEqual(await drawn(1));
  expect(await drawn(1)).not.toEqual(await drawn(3));
});

test('the example of the documentation', async () => {
  const text = readFileSync(join(__dirname, '../../docs/interventions.md'), 'utf8');
  const [, json] = /```json\n([^]*?)```/.exec(text)!;
  const model = join(__dirname, '../../examples/models/induction-2l');
  const [, prompt] = /--text "([^"]+)"/.exec(text)!;
  await cache([], model, ['--text', prompt]);
  const plain = data('logits');
  expect((await cache(json, model, ['--text', prompt])).said.join()).toContain('wrote 2 tensors');
  expect(data('logits')).not.toEqual(plain);
});

test.each<readonly [string, unknown, string]>([
  ['not JSON', '[{', "interventions malformed: '%I' is not JSON"],
  ['a number', 3, "interventions malformed: '%I' is not an object"],
  ['a strange field', { list: [] }, "field unknown: 'list' of '%I', wanted interventions, runs, seed"],
  ['no list', { runs: {} }, 'interventions malformed: undefined, wanted a list of at most 10000'],
  ['a seed', { interventions: [], seed: 'x' }, "field wrong: seed of '%I' is not a whole number from 0"],
  [
    'an unknown hook',
    [{ hook: 'blocks.0.attn.hook_zz', op: 'zero' }],
    "hook unknown: 'blocks.0.attn.hook_zz' is not a hook of this model (nearest: blocks.0.attn.hook_z, blocks.0.attn.hook_q, blocks.0.attn.hook_k)"
  ],
  [
    'a head that is not there',
    [{ hook: Z, op: 'zero', heads: 9 }],
    `index out of range: interventions[0].heads is 9, '${Z}' has 4 there`
  ],
  [
    'a run that is not there',
    [{ hook: Z, op: 'patch', from: 'a' }],
    "run unknown: 'a' of interventions[0].from is not among the runs"
  ],
  [
    'a run of nothing',
    { interventions: [], runs: { a: { txt: 'b' } } },
    'run malformed: runs.a wants one of text, texts, ids, lines and cache'
  ],
  [
    'text without a tokenizer',
    { interventions: [{ hook: Z, op: 'patch', from: 'a' }], runs: { a: { text: 'b' } } },
    "no tokenizer: 'optimum.onnx' has no tokenizer.json beside it, so give ids instead of text"
  ],
  [
    'ids of text',
    { interventions: [{ hook: Z, op: 'patch', from: 'a' }], runs: { a: { ids: ['b'] } } },
    "id out of vocabulary: b at position 0, the model's ids are 0 to 95"
  ],
  [
    'a longer run',
    { interventions: [{ hook: Z, op: 'patch', from: 'a' }], runs: { a: { ids: [1, 2, 3, 4, 5] } } },
    `run of wrong size: '${Z}' is [1, 5, 4, 8] in the run 'a' of interventions[0].from, [1, 4, 4, 8] in this one`
  ],
  [
    'a file outside',
    [{ hook: Z, op: 'set', value: { file: '../v.safetensors', tensor: 'u' } }],
    "path refused: '../v.safetensors' of interventions[0].value leaves the folder of '%I'"
  ],
  [
    'a file that is not there',
    [{ hook: Z, op: 'set', value: { file: 'w.safetensors', tensor: 'u' } }],
    "no such file: '%F/w.safetensors'"
  ],
  [
    'a tensor that is not there',
    [{ hook: Z, op: 'set', value: { file: 'v.safetensors', tensor: 'w' } }],
    "tensor missing: 'w' of interventions[0].value is not in 'v.safetensors'"
  ]
])('refuses %s in one line', async (_, interventions, message) => {
  const { code, said } = await cache(interventions);
  expect([code, said]).toEqual([1, [`orrery: ${message.replace('%I', at('I.json')).replace('%F', folder)}`]]);
});
