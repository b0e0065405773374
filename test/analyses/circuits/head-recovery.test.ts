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
  Record<
    string,
    {
      readonly inputs: readonly { readonly ids: readonly number[] }[];
      readonly parts: readonly string[];
      /** [sender, receiver, port] */
      readonly edges: readonly (readonly [string, string, string])[];
    }
  >
>;

/** 'L0H1' → 'a0.h1', 'MLP3' → 'm3', 'embed' → 'input'. */
const partName = (name: string): string =>
  name
    .replace(/^L(\d+)H(\d+)$/, 'a$1.h$2')
    .replace(/^MLP/, 'm')
    .replace('embed', 'input');
const edgeName = ([sender, receiver, port]: readonly [string, string, string]): string =>
  `${partName(sender)}->${partName(receiver)}${port === 'in' ? '' : `<${port}>`}`;

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

// shuffle_dyck2 has 2,000 edges to remove, too many for a test.
const SMALLER = Object.entries(FACTS).filter(([name]) => name !== 'shuffle_dyck2');
/** The head that measures the length attends to all tokens alike, with queries and keys of zero as well. */
const IDLE: Readonly<Record<string, readonly string[]>> = { reverse: ['input->a0.h0<q>', 'input->a0.h0<k>'] };

test.each(SMALLER)('%s: removing edges finds exactly those of the program', async (name, facts) => {
  const subject = await open(name);
  const truth = facts.parts.filter(part => part.startsWith('L')).join(' ');
  const edges = facts.edges.map(edgeName).join(' ');
  const result = await run(headRecovery, subject, {
    texts: lines(facts.inputs.map(({ ids }) => ids)),
    truth,
    edges,
    // Compiled outputs are of size one, rounding is below 1e-5.
    threshold: 1e-3
  });
  const { edge, score, known } = result.edges!.rows.columns as Record<string, readonly (string | number)[]>;
  const wrong = edge.filter((_, at) => (known[at] === 'yes') !== Number(score[at]) > 1e-3);
  expect(wrong).toEqual(IDLE[name] ?? []);
  const right = known.filter(one => one === 'yes').length - wrong.length;
  expect(headRecovery.figures(result, validateSpec(headRecovery, {}))[1].caption).toContain(
    `edges: precision 100 %, recall ${Math.round((100 * right) / facts.edges.length)} %`
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
  ['an edge that cannot be', { texts: '1,2', truth: 'L0H0', edges: 'a1.h0->a0.h0<q>' }, 'edge impossible'],
  ['no input', { truth: 'L0H0' }, "field 'texts' has 0 inputs, 1 to 64 are run"]
])('refuses %s', async (_, given, message) => {
  const subject = await open('induction');
  await expect(run(headRecovery, subject, given)).rejects.toThrow(message);
  await subject.close();
});
