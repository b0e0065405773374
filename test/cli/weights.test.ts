import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readSafetensors } from '../../src/onnx/safetensors';
import { MODELS } from '../subject/fixture-files';
import { orrery } from './capture';

const GPT2 = join(MODELS, 'gpt2/optimum.onnx');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('weights by glob, as safetensors', async () => {
  const out = join(folder, 'w.safetensors');
  const { code, said } = await orrery('weights', GPT2, '--names', 'W_*', '--names', 'ln1.w', '--out', out);
  expect([code, said[0]]).toEqual([0, expect.stringMatching(/^wrote 10 tensors, \d+ bytes, to /)]);
  const tensors = readSafetensors(readFileSync(out), 'w');
  expect(tensors.get('W_Q')?.dims).toEqual([2, 4, 32, 8]);
  expect(tensors.get('W_O')?.dims).toEqual([2, 4, 8, 32]);
  expect(tensors.get('W_U')?.dims).toEqual([32, 96]);
});

test.each<readonly [string, readonly string[], number, string]>([
  ['nothing asked for', ['--out', 'x'], 2, '--names is missing'],
  [
    'a weight that the model has not',
    ['--names', 'W_gate', '--out', 'x'],
    1,
    "weight missing: 'W_gate' of 'optimum.onnx'"
  ],
  ['a glob without a match', ['--names', 'q*', '--out', 'x'], 1, "weight unknown: 'q*' matches none of W_Q"]
])('refuses %s in one line', async (_, args, wanted, message) => {
  const { code, said } = await orrery('weights', GPT2, ...args);
  expect([code, said.length]).toEqual([wanted, 1]);
  expect(said[0]).toContain(message);
});
