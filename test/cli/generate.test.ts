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

test.each<readonly [string, readonly string[], number, string]>([
  ['no prompt', [], 2, 'one of --text, --ids and --inputs is wanted, got none'],
  ['words', ['--ids', '5', '--tokens', 'some'], 2, "--tokens is 'some', wanted a whole number"],
  ['never', ['--ids', '5', '--when', 'never'], 2, "--when is 'never', wanted prompt or always"],
  ['cold', ['--ids', '5', '--temperature', '-1'], 2, ''],
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
