import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { activationPatching } from '../../../src/analyses/patching/activation-patching';
import { causalTracing } from '../../../src/analyses/circuits/tracing/causal-tracing';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import { furthest, open, run } from './lens';

/** TransformerLens's loops on the same weights (test/fixtures/patching.py). */
const expected = JSON.parse(readFileSync(join(__dirname, '../../fixtures/patching/lens.json'), 'utf8')) as {
  readonly clean: number[][];
  readonly corrupted: number[][];
  readonly answers: [number, number][];
  readonly baselines: { readonly clean: number; readonly corrupted: number };
  readonly by_head: { readonly z: number[][] };
};
const prompts = expected.clean.map((clean, row) => ({
  clean,
  corrupted: expected.corrupted[row],
  corrupted2: clean.map((id, at) => (at === 2 ? (id + 5) % 48 : id)),
  answer: { correct: [expected.answers[row][0]], wrong: [expected.answers[row][1]] }
}));
/** Single precision on both sides; effects are up to 1. */
const TOLERANCE = 2e-5;

let subject: Subject;
beforeAll(async () => {
  subject = await open('lens', 'torchscript');
});
afterAll(() => subject.close());

const conditions = ({ values }: Pick<Awaited<ReturnType<typeof causalTracing.compute>>, 'values'>): Float32Array[] => {
  const [count, layers, columns] = values.shape;
  const flat = decodeTensor(values);
  return Array.from({ length: count }, (_, at) => flat.subarray(at * layers * columns, (at + 1) * layers * columns));
};

test('denoising by head as TransformerLens has it; noising as activation patching has it, turned round', async () => {
  const result = await run(causalTracing, subject, { prompts, normalise: false });
  const [denoising, noising, ...second] = conditions(result);
  const { clean, corrupted } = expected.baselines;
  const lens = expected.by_head.z.flat().map(value => value - corrupted);
  expect(furthest(denoising, lens)).toBeLessThan(TOLERANCE);
  expect(result.baselines[0].clean).toBeCloseTo(clean, 5);
  expect(result.baselines[0].corrupted).toBeCloseTo(corrupted, 5);
  for (const [turned, given] of [
    [noising, prompts.map(({ corrupted2: _, ...prompt }) => prompt)],
    [second[1], prompts.map(({ corrupted2, ...prompt }) => ({ ...prompt, corrupted: corrupted2 }))]
  ] as const) {
    const other = await run(activationPatching, subject, { prompts: given, direction: 'noising', normalise: false });
    const lost = Array.from(decodeTensor(other.values), value => -value);
    expect(furthest(turned, lost)).toBeLessThan(TOLERANCE);
  }
});

test('normalised: everything put back is 1 in both directions', async () => {
  const result = await run(causalTracing, subject, { prompts, by: 'component' });
  expect(result.normalised).toBe(true);
  expect(result.values.shape).toEqual([4, 2, 2]);
  const { clean, corrupted } = result.baselines[0];
  const raw = await run(causalTracing, subject, { prompts, by: 'component', normalise: false });
  const shares = Array.from(conditions(raw)[1], value => value / (clean - corrupted));
  expect(furthest(conditions(result)[1], shares)).toBeLessThan(TOLERANCE / Math.abs(clean - corrupted));
});

test('intervals lie within the prompts’ own effects, and around the mean', async () => {
  const given = { prompts, normalise: false };
  const result = await run(causalTracing, subject, given);
  const alone = await Promise.all(prompts.map(prompt => run(causalTracing, subject, { ...given, prompts: [prompt] })));
  const own = alone.map(({ values }) => decodeTensor(values));
  const [values, low, high] = [result.values, result.low, result.high].map(tensor => decodeTensor(tensor));
  values.forEach((mean, at) => {
    const each = own.map(one => one[at]);
    expect(Math.abs(mean - (each[0] + each[1]) / 2)).toBeLessThan(TOLERANCE);
    // Of two prompts a quarter of the resamples holds either one alone.
    expect(Math.abs(low[at] - Math.min(...each))).toBeLessThan(TOLERANCE);
    expect(Math.abs(high[at] - Math.max(...each))).toBeLessThan(TOLERANCE);
  });
});

test('prompts of several lengths, one counterfactual', async () => {
  const short = { clean: [5, 9, 3, 7], corrupted: [5, 2, 3, 7], answer: { correct: [4], wrong: [8] } };
  const long = prompts.map(({ corrupted2: _, ...prompt }) => prompt);
  const given = { prompts: [long[0], short, long[1]], normalise: false };
  const spec = validateSpec(causalTracing, given);
  const result = await run(causalTracing, subject, given);
  expect(result.lengths).toEqual([9, 4]);
  const each = await Promise.all(
    given.prompts.map(prompt => run(causalTracing, subject, { ...given, prompts: [prompt] }))
  );
  const all = each.map(({ values }) => decodeTensor(values));
  const means = Array.from(all[0], (_, at) => (all[0][at] + all[1][at] + all[2][at]) / 3);
  expect(furthest(decodeTensor(result.values), means)).toBeLessThan(TOLERANCE);
  expect(causalTracing.figures(result, spec)).toHaveLength(2);
  const words = causalTracing.summary(result, spec);
  expect(words).toContain('4 to 9 tokens');
  expect(words).toContain('3 prompts');
  expect(words.split('\n').length).toBeLessThan(40);
});

test('a later run goes on from what is there', async () => {
  const spec = validateSpec(causalTracing, { prompts });
  const whole = await causalTracing.compute(subject, spec, quiet, 0);
  const gaps = (tensor: typeof whole.values): typeof whole.values => {
    const values = decodeTensor(tensor).map((value, at) => (at % 3 ? value : NaN));
    return { ...tensor, data: Buffer.from(values.buffer).toString('base64') };
  };
  const done = Math.floor((decodeTensor(whole.values).length * 2) / 3);
  const half = { ...whole, values: gaps(whole.values), low: gaps(whole.low), high: gaps(whole.high), done };
  const resumed = await causalTracing.compute(subject, spec, { ...quiet, earlier: half }, 0);
  expect(furthest(decodeTensor(resumed.values), [...decodeTensor(whole.values)])).toBeLessThan(1e-6);
  expect(furthest(decodeTensor(resumed.low), [...decodeTensor(whole.low)])).toBeLessThan(1e-6);
  expect(causalTracing.completion!(resumed)).toEqual({ done: 24, total: 24 });
});

test.each([
  [
    [prompts[0], { ...prompts[1], corrupted2: undefined }],
    'second corrupted prompt missing: prompts[1] has none where prompts[0] has one'
  ],
  [[{ clean: [1, 2], answer: { correct: [3], wrong: [4] } }], 'corrupted prompt missing: prompts[0]'],
  [
    [prompts[0], { clean: [1, 2], corrupted: [1, 3], corrupted2: [1, 2, 4], answer: { correct: [3], wrong: [4] } }],
    'prompts not aligned: prompts[1] has 2 tokens clean and 3 corrupted'
  ]
])('refuses %#', async (given, message) => {
  await expect(run(causalTracing, subject, { prompts: given })).rejects.toThrow(message);
});

test('by position as activation patching has it', async () => {
  const given = prompts.map(({ corrupted2: _, ...prompt }) => prompt);
  const result = await run(causalTracing, subject, { prompts: given, by: 'position', normalise: false });
  const [denoising] = conditions(result);
  const other = await run(activationPatching, subject, { prompts: given, hook: 'resid_pre', normalise: false });
  expect(furthest(denoising, [...decodeTensor(other.values)])).toBeLessThan(TOLERANCE);
  expect(result.columns?.length).toBe(given[0].clean.length);
});

test('by role: the positions of each prompt, whatever its length', async () => {
  const [one, two] = prompts.map(({ corrupted2: _, ...prompt }) => prompt);
  const longer = { ...two, clean: [5, ...two.clean], corrupted: [5, ...two.corrupted] };
  const spec = { by: 'role', hook: 'attn_out', normalise: false };
  const result = await run(causalTracing, subject, { ...spec, prompts: [one, longer] });
  // One of the prompts has no token between the change and its end.
  expect(result.columns).toEqual(['first changed', 'last changed', 'changed', 'last token']);
  const [denoising] = conditions(result);
  const columns = result.columns!.length;
  const changed = (prompt: typeof one): number[] =>
    prompt.clean.flatMap((id, at) => (id === prompt.corrupted[at] ? [] : [at]));
  const wanted = await Promise.all(
    [one, longer].map(async prompt => {
      const positions = [changed(prompt)[0]];
      const own = { prompts: [prompt], hook: 'attn_out', positions, normalise: false };
      return decodeTensor((await run(activationPatching, subject, own)).values);
    })
  );
  [0, 1].forEach(layer =>
    expect(Math.abs(denoising[layer * columns] - (wanted[0][layer] + wanted[1][layer]) / 2)).toBeLessThan(TOLERANCE)
  );
  const valid = validateSpec(causalTracing, { ...spec, prompts: [one, longer] });
  expect(causalTracing.figures(result, valid)[1].title).toBe('Causal tracing by role');
  expect(causalTracing.summary(result, valid)).toContain('What each attention adds, by the positions’ role');
  await expect(run(causalTracing, subject, { ...spec, by: 'position', prompts: [one, longer] })).rejects.toThrow(
    "so that positions are not the same places (by 'role' they need not be)"
  );
});

test('the last position put back before the first block is not everything, all of the stream is', async () => {
  const given = prompts.map(({ corrupted2: _, ...prompt }) => prompt);
  const result = await run(causalTracing, subject, { prompts: given, by: 'role' });
  const [denoising] = conditions(result);
  // All tokens that differ, before the first block: the clean run itself.
  expect(denoising[result.columns!.indexOf('changed')]).toBeCloseTo(1, 4);
});
