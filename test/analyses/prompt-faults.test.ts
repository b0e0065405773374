import { join } from 'node:path';

import { analyses, findAnalysis } from '../../src/analyses';
import { promptTable } from '../../src/analyses/prompts/prompt-table';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { quiet } from '../subject/fixture-files';

let subject: Subject;
beforeAll(async () => {
  const folder = join(__dirname, '../fixtures/models/gpt2-hub');
  subject = await openModel(await folderFiles(folder), createNodeRuntime(), quiet);
});
afterAll(() => subject.close());

const PAIR = {
  clean: 'When Mary and John went',
  corrupted: 'When John and Mary went',
  answer: { correct: [' a'], wrong: [' the'] }
};
const run = async (id: string, spec: object): Promise<string> => {
  const analysis = findAnalysis(id);
  const checked = validateSpec(analysis, spec);
  return analysis.summary(await analysis.compute(subject, checked, quiet, 0), checked);
};

describe.each(['activation-patching', 'path-patching'])('%s of texts', id => {
  test('of different lengths in tokens: both are shown, token by token', async () => {
    await expect(run(id, { prompts: [{ ...PAIR, corrupted: 'When Mary and Jo went' }] })).rejects.toThrow(
      'prompts not aligned: prompts[0] has 17 tokens clean and 15 corrupted; ' +
        'clean When|·|M|ar|y|·a|n|d|·|J|o|h|n|·w|e|n|t; corrupted When|·|M|ar|y|·a|n|d|·|J|o|·w|e|n|t'
    );
  });

  test('whose metric is the same clean and corrupted: it is said, and effects are raw', async () => {
    // One column at both ends of a difference that is nothing in either run.
    const prompts = [{ ...PAIR, answer: { weights: [{ token: ' a', weight: 0 }] } }];
    const words = await run(id, { prompts, metric: 'logits', normalise: true });
    expect(words).toContain(
      'clean and corrupted have the same metric, so that no share of their difference is defined'
    );
    expect(words).toContain('clean 0.0000, corrupted 0.0000');
  });

  test('whose effects are not to be normalised: that is said', async () => {
    const words = await run(id, { prompts: [PAIR], normalise: false });
    expect(words).toContain('effects are changes of the metric, not normalised');
    expect(words).not.toContain('same metric');
  });
});

test('a character of several tokens is an answer of several, not of its first byte', async () => {
  const answer = { correct: ['½'], wrong: [' a'] };
  await expect(run('ablation', { prompts: [{ ...PAIR, answer }] })).rejects.toThrow(
    "answer of several tokens: '½' in prompts[0].answer.correct is 2 tokens (⟨0xC2⟩|⟨0xBD⟩)"
  );
});

test.each<[string, object, string]>([
  ['clean', { clean: [1, 9999], corrupted: [2, 1] }, ', in prompts[0].clean'],
  ['answer', { answer: { correct: [9999], wrong: [' a'] } }, ', in prompts[0].answer.correct'],
  [
    'a broken id',
    { clean: [1, 2.5, 3] },
    "'prompts[0].clean' must be a text of 1 to 20000 characters or a list of token ids, got a list of 3 with 2.5 at 1"
  ],
  ['an empty token', { answer: { correct: [' a', ''] } }, "as texts or ids, got a list of 2 with '' at 1"]
])('what is wrong with a prompt has its place: %s', async (_, given, words) => {
  await expect(run('ablation', { prompts: [{ ...PAIR, ...given }] })).rejects.toThrow(words);
});

test.each(['activation-patching', 'path-patching', 'ablation'])(
  '%s: an answer of several tokens is shown as they are',
  async id => {
    await expect(run(id, { prompts: [{ ...PAIR, answer: { correct: [' Mary'], wrong: [' a'] } }] })).rejects.toThrow(
      "answer of several tokens: ' Mary' in prompts[0].answer.correct is 4 tokens (·|M|ar|y)"
    );
  }
);

test.each([
  [{ layer: 99 }, /field 'layer' names 99, this model has layer 0 to \d+$/],
  [{ layer: 1, heads: [99] }, /field 'heads' names 99, this model has heads 0 to \d+$/],
  [{ layer: 1, positions: [99] }, /field 'positions' names 99, this model has positions 0 to \d+$/]
])('path-patching to the keys of a place that is not there, %j: the range is named', async (where, message) => {
  await expect(run('path-patching', { prompts: [PAIR], receiver: 'k', ...where })).rejects.toThrow(message);
});

/** Analyses that read answers; the comparison of two models has its own test, the card says a fault in the part that it is of. */
const ANSWERED = analyses
  .filter(({ id, spec }) => 'prompts' in spec && id !== 'head-comparison' && id !== 'head-card')
  .map(({ id }) => id);

describe.each(ANSWERED)('%s of a table of a person’s own', id => {
  const of = async (row: object): Promise<string> => {
    const text = JSON.stringify({ clean: PAIR.clean, corrupted: PAIR.corrupted, ...row });
    return run(id, { prompts: promptTable(text, 'own.jsonl') });
  };

  test('runs', async () => {
    expect(await of({ correct: ' a', wrong: 7 })).not.toMatch(/undefined|NaN/);
  });

  test.each([
    [{ correct: ' a', wrong: ' a' }, /^answers equal: token \d+ '·a' is correct and wrong in prompts\[0\]$/],
    [{ correct: ' a', wrong: '' }, /answer/],
    [{ correct: ' a' }, /^answer missing: the metric '[a-z-]+' needs tokens in 'wrong' of prompts\[0\]$/],
    [{}, /^answer missing: the metric '[a-z-]+' needs an answer of prompts\[0\]$/],
    [
      { correct: ' Mary', wrong: ' a' },
      /^answer of several tokens: ' Mary' in prompts\[0\]\.answer\.correct is 4 tokens/
    ],
    [{ correct: 10 ** 6, wrong: ' a' }, /1000000/]
  ])('%j is refused in one sentence', async (row, sentence) => {
    const message = await of(row).then(
      () => 'it ran',
      (error: Error) => error.message
    );
    expect(message).toMatch(sentence);
    expect(message).not.toContain('\n');
  });
});

test('path-patching to the logits has no heads of a receiver: they are not left out in silence', async () => {
  await expect(run('path-patching', { prompts: [PAIR], heads: [1] })).rejects.toThrow(
    "field 'heads' names heads of a receiver, and 'receiver' is 'logits'"
  );
});
