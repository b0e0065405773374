import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { answerRows } from '../../../src/analyses/languages/answer-rows';
import { formalLanguage, type FormalLanguage } from '../../../src/analyses/languages/formal-language';
import { MEASURES } from '../../../src/analyses/languages/measure-language';
import { taskOf } from '../../../src/analyses/languages/tasks';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { memoryFiles, quiet } from '../../subject/fixture-files';
import { open, run } from '../circuits/lens';
import { fakeSubject } from '../fake-subject';

const TRACR = join(__dirname, '../../fixtures/tracr');

const compiled = (name: string): Promise<Subject> =>
  openModel(memoryFiles(name, { 'model.onnx': readFileSync(join(TRACR, `${name}.onnx`)) }), createNodeRuntime(), quiet);

/** [measure][length] */
const rows = ({ values }: FormalLanguage): Record<string, number[]> => {
  const flat = Array.from(decodeTensor(values));
  const lengths = values.shape[1];
  return Object.fromEntries(MEASURES.map(({ title }, m) => [title, flat.slice(m * lengths, (m + 1) * lengths)]));
};

/** Tokens as the compiler numbered them (facts.json): the one that begins every sequence is not a symbol. */
const PROGRAMS = [
  ['reverse', { task: 'reversal', vocabulary: '#0 #1 #3 #5 | #0-3', start: '#2', lengths: [2, 3, 4, 5] }],
  ['sort_unique', { task: 'sorting-different', vocabulary: '#0-4', start: '#5', lengths: [2, 3, 4, 5] }],
  ['hist', { task: 'counting', vocabulary: '#0 #1 #3 #5 | #1-6', start: '#2', lengths: [2, 3, 4, 5, 6] }],
  ['frac_prevs', { task: 'fraction', vocabulary: '#2-4', start: '#0', lengths: [2, 3, 4, 5, 6], readout: 'number' }],
  ['dyck1', { task: 'dyck', vocabulary: '#0 #1 | #0 #1', start: '#2', lengths: [2, 4, 6] }],
  ['shuffle_dyck2', { task: 'shuffle-dyck', vocabulary: '#0 #1 #4 #5 | #0 #1', start: '#2', lengths: [2, 4, 6] }]
] as const;

test.each(PROGRAMS)('%s, compiled by tracr, is right on every sequence; shuffled it is not', async (name, spec) => {
  const subject = await compiled(name);
  const result = await run(formalLanguage, subject, { form: 'positions', sequences: 40, baseline: 1, ...spec });
  const found = rows(result);
  const ones = spec.lengths.map(() => 1);
  expect(found['accuracy']).toEqual(ones);
  expect(found['whole sequences']).toEqual(ones);
  // 40 of 40: Wilson's lower end is 40/(40 + 1.96²).
  found['interval from'].forEach(value => expect(value).toBeCloseTo(0.9124, 4));
  found['chance'].forEach(value => expect(value).toBeLessThan(0.51));
  const shuffled = decodeTensor(result.baseline!).subarray(0, spec.lengths.length);
  expect(Math.min(...shuffled)).toBeLessThan(0.9);
  await subject.close();
});

test('the example of docs/languages.md runs', async () => {
  const page = readFileSync(join(__dirname, '../../../docs/languages.md'), 'utf8');
  const [, example] = /```json\n([^`]+)```/.exec(page)!;
  const subject = await compiled('dyck1');
  const result = await run(formalLanguage, subject, JSON.parse(example) as object);
  expect(result.lengths).toEqual([2, 4, 6]);
  expect(rows(result)['accuracy']).toEqual([1, 1, 1]);
  await subject.close();
});

test('answers are the likeliest tokens by Hugging Face’s logits, among those offered and among all', async () => {
  const { ids, offered, chosen, likeliest } = (
    JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/languages.json'), 'utf8')) as {
      answers: { ids: number[][]; offered: number[]; chosen: number[][]; likeliest: number[][] };
    }
  ).answers;
  const subject = await open('gpt2', 'optimum');
  const given = await answerRows(
    subject,
    ids.map(row => ({
      ids: row,
      questions: row.map((_, position) => ({ position, at: position, answer: { choices: [0, 1, 2, 3], right: [0] } }))
    })),
    { task: taskOf('copying'), kind: 'token', answers: offered },
    quiet,
    () => undefined
  );
  expect(given.map(row => row.map(({ choice }) => choice))).toEqual(chosen);
  expect(given.map(row => row.map(({ free }) => free))).toEqual(likeliest.map(row => row.map(id => id === offered[0])));
  await subject.close();
});

/** Logits [position, 50] of given ids. */
const model = (logits: (ids: readonly number[], position: number) => readonly number[], more = {}): Subject =>
  fakeSubject({
    layers: 1,
    heads: 1,
    tensor: (_, ids) => ({
      dims: [ids.length, 50],
      data: Float32Array.from(
        ids.flatMap((__, position) => {
          const row = logits(ids, position);
          return Array.from({ length: 50 }, (___, id) => row[id] ?? 0);
        })
      )
    }),
    ...more
  });

const oneHot = (id: number): number[] => Array.from({ length: 50 }, (_, i) => Number(i === id));

describe('a model of given outputs', () => {
  test('one that copies behind the separator is right in all forms of continuation', async () => {
    const copier = model((ids, position) => {
      const from = ids.lastIndexOf(9, position);
      const before = ids.lastIndexOf(8, from);
      return oneHot(from < 0 ? 0 : ids[before + 1 + position - from]);
    });
    const spec = { task: 'copying', vocabulary: '#10-17', separator: '#9 | #8', start: '#8', lengths: [3, 6] };
    for (const form of ['continuation', 'in-context']) {
      const found = rows(await run(formalLanguage, copier, { ...spec, form, shots: 2 }));
      expect(found['accuracy']).toEqual([1, 1]);
      expect(found['of the whole vocabulary']).toEqual([1, 1]);
      expect(found['chance']).toEqual([0.125, 0.125]);
    }
  });

  test('one that gives the same to all is wrong: a tie is no answer', async () => {
    const flat = model(() => []);
    const found = rows(await run(formalLanguage, flat, { task: 'parity', form: 'positions', vocabulary: '#1 #2' }));
    expect(found['accuracy'].every(value => value === 0)).toBe(true);
  });

  test('one that always says the same is as good as the best constant answer', async () => {
    const constant = model(() => oneHot(2));
    const found = rows(
      await run(formalLanguage, constant, { task: 'parity', form: 'positions', vocabulary: '#1 #2', lengths: [4] })
    );
    expect(found['best constant answer'][0]).toBeGreaterThanOrEqual(0.5);
    expect([found['accuracy'][0], 1 - found['accuracy'][0]]).toContainEqual(
      expect.closeTo(found['best constant answer'][0], 6)
    );
    expect(found['chance'][0]).toBeCloseTo(0.5, 6);
  });

  test('lengths that do not fit fall out of the default ones, and are refused where they were asked for', async () => {
    const short = model(() => [], { maxPositions: 20 });
    const spec = { task: 'copying', form: 'continuation', vocabulary: '#1-4' };
    expect((await run(formalLanguage, short, spec)).lengths).toEqual([2, 4, 8]);
    await expect(run(formalLanguage, short, { ...spec, lengths: [16] })).rejects.toThrow(
      "'copying' does not fit sequences of 16 symbols: a row has up to 31 tokens, up to 16 of the answer, the model has 20 positions"
    );
  });
});

describe('refusals', () => {
  const causal = model(() => []);
  const models = { causal, encoder: model(() => [], { causal: false }) };
  test.each([
    ['causal', { task: 'copying' }, "no tokenizer: 'copying' needs tokens for 8 symbols"],
    ['causal', { task: 'parity', vocabulary: 'a b' }, "field 'vocabulary' has 'a', but 'fake' has no tokenizer.json"],
    ['causal', { task: 'parity', vocabulary: '#1 #1' }, 'vocabulary ambiguous: two symbols are token 1'],
    ['causal', { task: 'parity', vocabulary: '#1-3' }, 'Z2 has 2 elements, the alphabet has 3 symbols'],
    ['causal', { task: 'parity', vocabulary: '#3-1' }, "'#3-1' is not a range of ids"],
    ['causal', { task: 'parity', vocabulary: '#1 #99', form: 'positions' }, 'answer out of the outputs: 99'],
    [
      'causal',
      { task: 'counting', form: 'positions', vocabulary: '#1-3 | #1-3', lengths: [4] },
      "'counting' has 4 answers at this length"
    ],
    ['causal', { task: 'word-problem', group: 'S9', vocabulary: '#1-3' }, "unknown group 'S9'"],
    [
      'causal',
      { task: 'word-problem', group: 'S5', vocabulary: '#1-20' },
      'S5 has 120 elements, the alphabet has 20 symbols'
    ],
    ['causal', { task: 'reversal', form: 'positions', vocabulary: '#1-3' }, 'the model is causal'],
    [
      'encoder',
      { task: 'copying', vocabulary: '#1-3' },
      "'in-context' needs a causal model: 'fake' sees what comes after"
    ],
    [
      'causal',
      { task: 'parity', form: 'positions', vocabulary: '#1 #2', lengths: [4096], sequences: 1000 },
      'too many sequences'
    ],
    ['causal', { task: 'parity', form: 'positions', vocabulary: '#1 #2', lengths: [0] }, "field 'lengths' must be"]
  ] as const)('%s: %j', async (name, spec, message) => {
    await expect(run(formalLanguage, models[name], spec)).rejects.toThrow(message);
  });

  test('large lists, long sequences and hops that are not there are refused quickly', async () => {
    const ranges = Array.from({ length: 200 }, (_, i) => `#${512 * i}-${512 * i + 511}`).join(' ');
    await expect(run(formalLanguage, causal, { task: 'copying', vocabulary: ranges })).rejects.toThrow(
      "field 'vocabulary' names 102400 symbols, at most 512 are taken"
    );
    const few = { form: 'positions', sequences: 4 };
    await expect(
      run(formalLanguage, causal, { ...few, task: 'counting', vocabulary: '#1 #2', lengths: [2000] })
    ).rejects.toThrow("'counting' is asked of at most 1024 symbols");
    await expect(
      run(formalLanguage, causal, { ...few, task: 'k-hop', hops: 32, vocabulary: '#1-49', lengths: [400] })
    ).rejects.toThrow('none of 500 sequences of 400 symbols has 32 hops');
  });

  test('a model without unembedding is refused', () => {
    expect(formalLanguage.refuses(fakeSubject({ layers: 1, heads: 1, head: false }))).toContain(
      'model without unembedding'
    );
  });

  test('logits that are not numbers', async () => {
    await expect(
      run(
        formalLanguage,
        model(() => [NaN]),
        { task: 'parity', form: 'positions', vocabulary: '#1 #2' }
      )
    ).rejects.toThrow('logits are not numbers at position 0');
  });

  test('a saved result whose sizes do not agree', async () => {
    const result = await run(formalLanguage, causal, {
      task: 'parity',
      form: 'positions',
      vocabulary: '#1 #2',
      baseline: 1
    });
    const broken = (parts: object) => () => formalLanguage.validateResult({ ...result, ...parts });
    expect(broken({ lengths: [2] })).toThrow('result.values lengths');
    expect(broken({ questions: [2] })).toThrow('result.questions');
    expect(broken({ baseline: { ...result.baseline!, shape: [7, 1, result.lengths.length] } })).toThrow(
      'result.baseline measures'
    );
    expect(broken({ task: 'toString' })).toThrow('result.task');
  });
});

test('a tokenizer: letters that are one token each, the special tokens around, an arrow and a new line between', async () => {
  const subject = await openModel(
    memoryFiles('induction', {
      'model.onnx': readFileSync(join(__dirname, '../../../examples/models/induction-2l/model.onnx')),
      'tokenizer.json': readFileSync(join(__dirname, '../../../examples/models/induction-2l/tokenizer.json'))
    }),
    createNodeRuntime(),
    quiet
  );
  const result = await run(formalLanguage, subject, { task: 'copying', lengths: [2], shots: 1, sequences: 4 });
  expect(result.examples[0].read).toMatch(/^(·[a-h] ){2}· - > ·[a-h] ·[a-h] ⏎ (·[a-h] ){2}· - >$/);
  // Wilson's interval holds the share.
  const found = rows(result);
  expect(found['interval from'][0]).toBeLessThanOrEqual(found['accuracy'][0]);
  await expect(
    run(formalLanguage, subject, { task: 'dyck', form: 'positions', lengths: [2], vocabulary: '( ) | Zimmer Wald' })
  ).rejects.toThrow("symbol of several tokens: 'Zimmer' of field 'vocabulary' is");
  await expect(run(formalLanguage, subject, { task: 'word-problem', group: 'S5' })).rejects.toThrow(
    "too few symbols: 21 of the 26 letters are single tokens of 'induction', 'word-problem' needs 120"
  );
  const [figure] = formalLanguage.figures(result, validateSpec(formalLanguage, {}));
  expect(figure.caption).toContain('Jelassi et al. 2024');
  await subject.close();
});

test('each language says what its theorem leaves out, and that not all lengths were tried', async () => {
  const subject = await compiled('dyck1');
  const given = { form: 'positions', sequences: 4, vocabulary: '#0 #1 | #0 #1', start: '#2', lengths: [2, 4] };
  const result = await run(formalLanguage, subject, { task: 'dyck', ...given });
  expect(result.breaks).toEqual([
    'softmax attention where hard attention is meant',
    'lengths up to 4 where all are meant'
  ]);
  expect(formalLanguage.summary(result, validateSpec(formalLanguage, { task: 'dyck', ...given }))).toContain(
    'not as in the theorem: softmax attention'
  );
  await subject.close();
  const llama = await open('llama', 'optimum');
  const parity = await run(formalLanguage, llama, { task: 'parity', sequences: 4, vocabulary: '#5 #6', lengths: [2] });
  expect(parity.breaks).toEqual([
    'softmax attention where hard attention is meant',
    'RMS norms in front of attention and MLPs',
    'lengths up to 2 where all are meant',
    'the language told by examples alone'
  ]);
  await llama.close();
});
