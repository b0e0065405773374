import { join } from 'node:path';

import { activationPatching } from '../../src/analyses/patching/activation-patching';
import { measuredPrompts } from '../../src/analyses/patching/measured-prompts';
import { steering } from '../../src/analyses/steering/steering';
import { makePrompts } from '../../src/analyses/prompts/make-prompts';
import type { Prompt } from '../../src/analyses/spec/spec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { context } from './fake-subject';

const hub = async (family: string): Promise<Subject> =>
  openModel(await folderFiles(join(__dirname, '../fixtures/models', `${family}-hub`)), createNodeRuntime(), context);

let bert: Subject;
beforeAll(async () => {
  bert = await hub('bert');
});
afterAll(() => bert.close());

const pair: Prompt = {
  clean: 'sea [MASK] the sea.',
  corrupted: 'sad [MASK] the sea.',
  answer: { correct: [65], wrong: [66] }
};
const placeOf = (prompt: Prompt): number => measuredPrompts(bert, [prompt], 'logit-diff', true)[0].answerAt;

test('an answer is read at the mask, by every metric and by steering', async () => {
  const maskId = bert.tokens!.maskId!;
  expect(bert.tokens!.label(maskId)).toBe('[MASK]');
  const { ids } = bert.input({ text: String(pair.clean) });
  const at = placeOf(pair);
  expect(ids[at]).toBe(maskId);
  expect(at).toBeLessThan(ids.length - 1);
  const name = bert.tower.head!.logits!;
  const { data, dims } = (await bert.forward({ ids: [ids], hooks: [], outputs: [name] }, context)).get(name);
  const logit = (id: number): number => Number(data[at * dims[2] + id]);
  const spec = { prompts: [pair], layers: [1], normalise: false };
  for (const [metric, value] of [
    ['logit-diff', logit(65) - logit(66)],
    ['logit', logit(65)],
    ['kl', 0]
  ] as const) {
    const asked = validateSpec(activationPatching, { ...spec, metric });
    const { baselines } = await activationPatching.compute(bert, asked, context, 0);
    expect(baselines.clean).toBeCloseTo(value, 4);
  }
  const asked = validateSpec(steering, {
    prompts: [pair],
    positive: 'the sea',
    negative: 'the ship',
    layer: 0,
    steps: 1,
    tokens: 0
  });
  const { alphas, values } = await steering.compute(bert, asked, context, 0);
  const bytes = Buffer.from(values.data, 'base64');
  expect(bytes.readFloatLE(4 * alphas.indexOf(0))).toBeCloseTo(logit(65) - logit(66), 4);
});

test.each([
  [
    { ...pair, clean: 'sea the the sea.' },
    /^mask missing: prompts\[0\]\.clean has 0 tokens '\[MASK\]', and the answer/
  ],
  [{ ...pair, clean: 'sea [MASK] [MASK] sea.' }, /^several masks: prompts\[0\]\.clean has 2 tokens '\[MASK\]'/],
  [
    { ...pair, corrupted: '[MASK] sea the sea.' },
    /^prompts not aligned: '\[MASK\]' of prompts\[0\] is at position \d+ clean and/
  ]
])('refused: %j', (prompt, sentence) => {
  expect(() => placeOf(prompt)).toThrow(sentence);
});

test('sets of prompts are made with the mask where the answer stands, and read there', () => {
  const { prompts } = makePrompts(bert, { set: 'induction', n: 2 });
  expect(prompts).toHaveLength(2);
  measuredPrompts(bert, prompts, 'logit-diff', true).forEach(({ clean, corrupted, answerAt }) => {
    expect([clean, corrupted].map(({ ids }) => ids[answerAt])).toEqual([bert.tokens!.maskId, bert.tokens!.maskId]);
  });
});

test('a decoder’s answer is read at its last position', async () => {
  const gpt2 = await hub('gpt2');
  const [{ clean, answerAt }] = measuredPrompts(gpt2, [{ clean: 'Call me Ishmael' }], 'kl', false);
  expect(answerAt).toBe(clean.ids.length - 1);
  await gpt2.close();
});
