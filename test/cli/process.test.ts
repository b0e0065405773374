import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { MODELS } from '../subject/fixture-files';

const ROOT = join(__dirname, '../..');

/** The real program in a process of its own: what ONNX Runtime's library writes by itself would be seen here. */
const orrery = (...args: readonly string[]) => {
  const program = [join(ROOT, 'scripts/run-typescript.mjs'), join(ROOT, 'src/cli/orrery.ts')];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('inspect writes data to stdout and nothing to stderr', () => {
  const { status, stdout, stderr } = orrery('inspect', join(MODELS, 'gpt2/dynamo.onnx'), '--json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toHaveProperty('towers.0.layers', 2);
});

test('a refusal is one line and exit code 1', () => {
  const { status, stdout, stderr } = orrery('inspect', join(MODELS, 'refusals/lstm.onnx'));
  expect(stderr).toMatch(/^orrery: model refused: 'lstm.onnx': [^\n]+\n$/);
  expect([status, stdout]).toEqual([1, '']);
});

test('wrong usage is one line and exit code 2', () => {
  const { status, stderr } = orrery('cache');
  expect(stderr).toMatch(/^orrery cache: MODEL is missing \(orrery cache --help\)\n$/);
  expect(status).toBe(2);
});

test('a text of tens of thousands of characters on the command line is read, and does not end the process', () => {
  const text = 'hello '.repeat(10_000);
  const { status, stderr } = orrery(
    'cache',
    join(MODELS, 'gpt2-hub'),
    '--text',
    text,
    '--hooks',
    'logits',
    '--out',
    'x'
  );
  expect(stderr).toMatch(/^orrery: text too long: text has \d+ tokens, the model has 64 positions\n$/);
  expect(status).toBe(1);
});
