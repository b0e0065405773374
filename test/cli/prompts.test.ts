import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MIME_TYPE } from '../../src/report/payload';
import { orrery } from './capture';

const ROOT = join(__dirname, '../..');
const MODEL = join(ROOT, 'examples/models/induction-2l');
const SPEC = join(ROOT, 'examples/specs/direct-logit-attribution.json');
const folder = mkdtempSync(join(tmpdir(), 'orrery-prompts-'));

test('makes a set, and an analysis runs on the file', async () => {
  const out = join(folder, 'induction.jsonl');
  const made = await orrery('prompts', 'induction', MODEL, '--n', '3', '--seed', '5', '--out', out);
  expect([made.code, made.said.at(-1)]).toEqual([
    0,
    '3 prompts of induction, corrupted: another token follows in the first copy; 24 of 24 drafts have versions of as many tokens'
  ]);
  const rows = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as object);
  expect(rows.length).toBe(3);
  expect(Object.keys(rows[0])).toEqual(['clean', 'corrupted', 'corrupted2', 'correct', 'wrong']);
  const ran = await orrery('run', SPEC, '--prompts', out);
  expect(ran.code).toBe(0);
  const bundle = JSON.parse(ran.out) as Record<string, { result: { prompts: number } }>;
  expect(bundle[MIME_TYPE].result.prompts).toBe(3);
});

test('a spec names a set', async () => {
  const file = join(folder, 'spec.json');
  const prompts = { set: 'induction', n: 3, seed: 5 };
  writeFileSync(
    file,
    JSON.stringify({ analysis: 'activation-patching', model: { path: 'models/x' }, spec: { prompts } })
  );
  const { code, out } = await orrery('run', file, '--model', MODEL);
  expect(code).toBe(0);
  const bundle = JSON.parse(out) as Record<string, { result: { prompts: number }; spec: object }>;
  expect(bundle[MIME_TYPE].result.prompts).toBe(3);
  expect(bundle[MIME_TYPE].spec).toMatchObject({ prompts });
});

test.each<readonly [readonly string[], number, string]>([
  [
    ['prompts', 'ioi', MODEL],
    1,
    "prompt set empty: none of the 72 names of 'ioi' are single tokens of 'induction-2l', at least 5 are needed"
  ],
  [['prompts', 'ioj', MODEL], 2, "field 'prompts.set' must be one of 'auto', 'ioi'"],
  [['prompts', 'ioi', MODEL, '--n', '0'], 2, "field 'prompts.n' must be an integer from 1 to 256, got 0"],
  [['prompts', 'ioi', MODEL, '--n', 'x'], 2, "field 'prompts.n' must be an integer from 1 to 256"],
  [['prompts', 'ioi'], 2, "SET and MODEL are wanted, got 'ioi'"],
  [['run', SPEC, '--prompts', join(folder, 'none.csv')], 1, 'no such file'],
  [['run', join(ROOT, 'examples/specs/head-scores.json'), '--prompts', 'FILE'], 1, "unknown field 'prompts'"]
])('%j is refused', async (args, code, message) => {
  const file = join(folder, 'own.csv');
  writeFileSync(file, 'clean\na\n');
  const ran = await orrery(...args.map(word => (word === 'FILE' ? file : word)));
  expect(ran.code).toBe(code);
  expect(ran.said.at(-1)).toContain(message);
});
