import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MODELS } from '../subject/fixture-files';
import { orrery } from './capture';

const BUNDLED = join(__dirname, '../../examples/models/induction-2l');
const GPT2 = join(MODELS, 'gpt2/optimum-with-past.onnx');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('text goes on as text, on stdout alone', async () => {
  const { code, out, said } = await orrery('generate', BUNDLED, '--text', 'The ship sailed. The ship', '--tokens', '3');
  expect([code, said]).toEqual([0, ['generated 3 tokens by whole forwards']]);
  expect(out).toMatch(/^.+\n$/s);
  const json = await orrery('generate', BUNDLED, '--text', 'The ship sailed. The ship', '--tokens', '3', '--json');
  expect(JSON.parse(json.out)).toMatchObject({ text: out.slice(0, -1), method: 'whole' });
  expect((JSON.parse(json.out) as { ids: number[] }).ids).toHaveLength(3);
});

test('ids without a tokenizer, by steps; under an intervention otherwise; sampled by seed', async () => {
  const run = async (...more: readonly string[]) => (await orrery('generate', GPT2, '--ids', '5,6,7', ...more)).out;
  const plain = await orrery('generate', GPT2, '--ids', '5,6,7');
  expect([plain.code, plain.said]).toEqual([0, ['generated 20 tokens by steps with past keys and values']]);
  expect(plain.out.trim().split(',')).toHaveLength(20);
  const file = join(folder, 'I.json');
  writeFileSync(file, JSON.stringify([{ hook: 'blocks.0.hook_resid_post', op: 'scale', value: -2 }]));
  expect(await run('--intervene', file)).not.toBe(plain.out);
  expect(await run('--intervene', file, '--when', 'prompt')).not.toBe(await run('--intervene', file));
  expect(await run('--seed', '3', '--temperature', '1.5')).toBe(await run('--seed', '3', '--temperature', '1.5'));
  expect(await run('--top-k', '1')).toBe(plain.out);
  expect(await run('--stop', plain.out.split(',')[0])).toBe(`${plain.out.split(',')[0]}\n`);
});

test('with edges cut, at the prompt or at every token; with what another prompt writes; sampled by seed', async () => {
  const run = async (...more: readonly string[]): Promise<string> => {
    const { code, out, said } = await orrery('generate', GPT2, '--ids', '5,6,7', '--tokens', '6', ...more);
    expect([code, said]).toEqual([0, ['generated 6 tokens by steps with past keys and values']]);
    return out;
  };
  const plain = await run();
  const edges = ['--edges', 'input->logits', 'input->m1', 'm0->a1.h1<k>'];
  const cut = await run(...edges);
  const atPrompt = await run(...edges, '--when', 'prompt');
  const other = await run(...edges, '--edges-ids', '9,1,30');
  expect(new Set([plain, cut, atPrompt, other]).size).toBe(4);
  expect(await run(...edges, '--edges-ids', '5,6,7')).toBe(plain);
  const sampled = [...edges, '--temperature', '2', '--seed'];
  expect(await run(...sampled, '3')).toBe(await run(...sampled, '3'));
  expect(await run(...sampled, '3')).not.toBe(await run(...sampled, '4'));
});

test.each<readonly [string, readonly string[], number, string]>([
  ['no prompt', [], 2, 'one of --text, --ids and --inputs is wanted, got none'],
  ['words', ['--ids', '5', '--tokens', 'some'], 2, "--tokens is 'some', wanted a whole number"],
  ['never', ['--ids', '5', '--when', 'never'], 2, "--when is 'never', wanted prompt or always"],
  ['cold', ['--ids', '5', '--temperature', '-1'], 2, ''],
  ['a strange edge', ['--ids', '5', '--edges', 'm0'], 1, "edge malformed: 'm0', wanted 'a0.h1->a1.h0<q>'"],
  ['an unknown receiver', ['--ids', '5', '--edges', 'm0->m7'], 1, "receiver unknown: 'm7'"],
  ['an edge backwards', ['--ids', '5', '--edges', 'm1->m0'], 1, "edge impossible: 'm1' writes after 'm0' has read"],
  ['edges from nowhere', ['--ids', '5', '--edges-ids', '6'], 2, '--edges-ids wants --edges, which says where it goes'],
  [
    'two ways',
    ['--ids', '5', '--edges', 'm0->logits', '--intervene', 'I.json'],
    2,
    'one of --edges and --intervene is wanted at most, got both'
  ],
  [
    'other lengths',
    ['--ids', '5', '--edges', 'm0->logits', '--edges-ids', '6,7'],
    1,
    'runs not aligned: the prompt has 1 tokens, the one that edges are taken from has 2'
  ],
  ['stop', ['--ids', '5', '--stop', 'x'], 2, "--stop holds 'x', wanted whole numbers with commas between"],
  [
    'too long',
    ['--ids', '5', '--tokens', '70'],
    1,
    'generation too long: 1 tokens and 70 new ones, the model has 64 positions'
  ]
])('refuses %s in one line', async (_, args, wanted, message) => {
  const { code, out, said } = await orrery('generate', GPT2, ...args);
  expect([code, out, said.length]).toEqual([wanted, '', 1]);
  expect(said[0]).toContain(message);
});
