import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { headRecovery } from '../../../src/analyses/circuits/kinds/head-recovery';
import { baselineRows } from '../../../src/analyses/baseline';
import { matrices } from '../../../src/analyses/attention/head-values';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { memoryFiles, quiet } from '../../subject/fixture-files';
import { lines } from '../geometry/oracle';
import { run } from './lens';

const TRACR = join(__dirname, '../../fixtures/tracr');

/** What tracr says of its programs: parts whose weights are not all zero. */
const FACTS = JSON.parse(readFileSync(join(TRACR, 'facts.json'), 'utf8')) as Readonly<
  Record<string, { readonly inputs: readonly { readonly ids: readonly number[] }[]; readonly parts: readonly string[] }>
>;

const open = (name: string): Promise<Subject> =>
  openModel(memoryFiles(name, { 'model.onnx': readFileSync(join(TRACR, `${name}.onnx`)) }), createNodeRuntime(), quiet);

test.each(Object.entries(FACTS))('%s: both detectors find exactly the heads of the program', async (name, facts) => {
  const subject = await open(name);
  const truth = facts.parts.filter(part => part.startsWith('L')).join(' ');
  const given = { texts: lines(facts.inputs.map(({ ids }) => ids)), truth };
  const result = await run(headRecovery, subject, given);
  const spec = validateSpec(headRecovery, given);
  expect(headRecovery.summary(result, spec)).toContain('zero ablation: precision 100 %, recall 100 %');
  expect(headRecovery.summary(result, spec)).toContain('size of z: precision 100 %, recall 100 %');
  // Heads that are not in the program do nothing at all.
  const known = new Set(truth.split(' '));
  matrices(result.values).forEach(rows =>
    rows.forEach((row, l) => row.forEach((value, h) => expect(value > 0).toBe(known.has(`L${l}H${h}`))))
  );
  await subject.close();
});

test('a wrong truth lowers precision and recall; shuffled weights stand beside', async () => {
  const subject = await open('induction');
  const texts = lines(FACTS.induction.inputs.map(({ ids }) => ids));
  const given = { texts, truth: 'L0H0, L1H1', baseline: 1 };
  const result = await run(headRecovery, subject, given);
  expect(headRecovery.summary(result, validateSpec(headRecovery, given))).toMatch(
    /zero ablation: precision 50 %, recall 50 % \(shuffled \d+ % and \d+ %\)/
  );
  expect(baselineRows(result.baseline)[0]).toHaveLength(2);
  expect(headRecovery.figures(result, validateSpec(headRecovery, given))).toHaveLength(1);
  expect(() => headRecovery.validateResult({ ...result, truth: [{ layer: 9, head: 0 }] })).toThrow(
    "'result.truth' names a head beyond 2 layers of 2"
  );
  await subject.close();
});

test.each([
  ['no truth', { texts: '1,2' }, "truth missing: field 'truth' names no head"],
  [
    'a head that is not there',
    { texts: '1,2', truth: 'L0H7' },
    "field 'truth' names 'L0H7', this model has L0H0 to L1H1"
  ],
  ['a word', { texts: '1,2', truth: 'MLP0' }, "field 'truth' names 'MLP0'"],
  ['no input', { truth: 'L0H0' }, "field 'texts' has 0 inputs, 1 to 64 are run"]
])('refuses %s', async (_, given, message) => {
  const subject = await open('induction');
  await expect(run(headRecovery, subject, given)).rejects.toThrow(message);
  await subject.close();
});
