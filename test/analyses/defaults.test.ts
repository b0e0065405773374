import { join } from 'node:path';

import { analyses } from '../../src/analyses';
import type { Suited } from '../../src/analyses/spec/suited';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { context } from './fake-subject';
import { wordTokens } from './prompts/word-subject';

const open = async (path: string): Promise<Subject> =>
  openModel(await folderFiles(join(__dirname, path)), createNodeRuntime(), context);

/** A small GPT-2 whose tokens are whole words, as the commonest are of GPT-2's own vocabulary. */
const words = async (): Promise<Subject> => {
  const subject = await open('../fixtures/models/gpt2-hub');
  const tokens = wordTokens({});
  const input: Subject['input'] = given => subject.input({ ids: given.ids ?? tokens.encode(given.text).ids });
  return { ...subject, tokens, input };
};

/** Sentences of those that cannot run on an empty spec: what a model lacks, or what only a person can say. */
const ALWAYS = [/^other model missing: field 'other' names none/, /^truth missing: field 'truth' names no head/];
const REFUSALS: Readonly<Record<string, readonly RegExp[]>> = {
  'the bundled model': ALWAYS,
  'a model with words': ALWAYS,
  'a model without a tokenizer': [
    ...ALWAYS,
    /^no tokenizer: line 1 of 'texts' holds 'The', but '.*' has no tokenizer.json beside it, so give token ids/,
    /^no tokenizer: the words of the grammar cannot be matched with tokens/,
    /^no tokenizer: '[a-z-]+' needs tokens for \d+ symbols, and '.*' has no tokenizer.json beside it, so list their ids/
  ]
};
/** Ten seconds of fitting; its own tests and its example run it. */
const SLOW: readonly string[] = ['linear-probe'];

describe.each([
  ['the bundled model', () => open('../../examples/models/induction-2l'), 'induction'],
  ['a model with words', words, 'ioi'],
  ['a model without a tokenizer', () => open('../fixtures/models/gpt2/optimum.onnx'), 'induction']
] as const)('on %s an empty spec', (name, make, set) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await make();
  });
  afterAll(() => subject.close());

  const served = analyses.filter(({ id }) => !SLOW.includes(id));

  test.each(served.map(one => [one.id, one] as const))('of %s runs, and says what it took', async (_, analysis) => {
    const spec = validateSpec(analysis, {});
    expect(analysis.refuses(subject)).toBeUndefined();
    let result: Suited<object>;
    try {
      expect(analysis.cost(subject, spec).bytes).toBeGreaterThanOrEqual(0);
      result = (await analysis.compute(subject, spec, context, 0)) as Suited<object>;
    } catch (error) {
      const { message } = error as Error;
      expect([message, REFUSALS[name].some(expected => expected.test(message))]).toEqual([message, true]);
      expect('prompts' in analysis.spec && analysis.id !== 'head-comparison').toBe(false);
      return;
    }
    const saved: unknown = JSON.parse(JSON.stringify(result));
    expect(JSON.parse(JSON.stringify(analysis.validateResult(saved)))).toEqual(saved);
    const [{ caption }] = analysis.figures(result, spec);
    const summary = analysis.summary(result, spec);
    expect(result.promptSet?.set).toBe('prompts' in analysis.spec ? set : undefined);
    if (result.promptSet) {
      const { n, seed } = result.promptSet;
      expect(caption).toContain(`Prompts: ${n} of the set '${set}'`);
      expect(summary).toContain(`Prompts: ${n} of the set '${set}' (counterfactual `);
      expect(result.promptSet.note).toContain(set === 'ioi' ? 'the first of those that are tried' : "not 'ioi'");
      expect(seed).toBe(0);
    }
    const reads = 'text' in analysis.spec && analysis.spec.text.default !== undefined && !subject.tokens;
    expect(result.randomIds?.length).toBe(reads ? 24 : undefined);
    expect(summary.includes('Read: 12 random tokens, repeated once')).toBe(reads);
  });
});

test('the set of a result gives the same result again', async () => {
  const subject = await open('../../examples/models/induction-2l');
  const analysis = analyses.find(({ id }) => id === 'direct-logit-attribution')!;
  const first = (await analysis.compute(subject, validateSpec(analysis, {}), context, 0)) as Suited<object>;
  const { set, counterfactual, n, seed } = first.promptSet!;
  const prompts = { set, counterfactual, n, seed };
  const again = (await analysis.compute(subject, validateSpec(analysis, { prompts }), context, 0)) as Suited<object>;
  expect({ ...again, promptSet: undefined }).toEqual({ ...first, promptSet: undefined });
  expect(again.promptSet!.note).toBe('');
  await subject.close();
});
