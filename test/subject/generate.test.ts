import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { folderFiles } from '../../src/cli/folder-files';
import { logSoftmax } from '../../src/maths/log-softmax';
import { random } from '../../src/maths/random';
import { createNodeRuntime } from '../../src/runtime/node';
import { sample } from '../../src/subject/generate/generate-sample';
import type { GenerateRequest } from '../../src/subject/generate/generate';
import { readInterventions } from '../../src/subject/interventions/interventions';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtureFiles, quiet } from './fixture-files';

const runtime = createNodeRuntime();
const open = (family: string, style: string): Promise<Subject> =>
  openModel(fixtureFiles(family, `${style}.onnx`), runtime, quiet);

/** What `generate` of Hugging Face gave under forward hooks (test/fixtures/generation.py). */
interface Expected {
  readonly ids: readonly (readonly number[])[];
  readonly runs: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly steps: number;
  readonly columns: readonly number[];
  readonly cases: readonly {
    readonly when: 'prompt' | 'always';
    readonly interventions: readonly unknown[];
    readonly new: readonly (readonly number[])[];
    readonly logits: readonly (readonly (readonly number[])[])[];
  }[];
}

const expectedOf = (family: string): Expected =>
  JSON.parse(readFileSync(join(__dirname, `../fixtures/generation/${family}.json`), 'utf8')) as Expected;

const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

// Of the largest logit: the oracle has five digits behind the point, and two layers in single precision are as far apart. Its tokens are 1e-4 apart.
const TOLERANCE = 2e-5;

describe.each([
  ['gpt2', 'optimum-with-past', undefined, 'past'],
  ['gpt2', 'optimum-with-past', 'never', 'whole'],
  ['gpt2', 'optimum', undefined, 'whole'],
  ['llama', 'optimum-with-past', undefined, 'past'],
  ['llama', 'dynamo', undefined, 'whole'],
  ['neox', 'optimum', undefined, 'whole']
] as const)('%s/%s, past %s: as Hugging Face continues', (family, style, past, method) => {
  test('the same tokens and the same logits, plain and under hooks', async () => {
    const subject = await open(family, style);
    const expected = expectedOf(family);
    const hooks = ['blocks.0.attn.hook_z', 'blocks.0.hook_resid_post', 'blocks.1.attn.hook_v'];
    const other = await subject.forward({ ids: expected.runs.other, hooks }, quiet);
    for (const { when, interventions, new: wanted, logits } of expected.cases) {
      const list = readInterventions(interventions);
      const request: GenerateRequest = {
        ids: expected.ids,
        tokens: expected.steps,
        interventions: { list, runs: { other } },
        when,
        logits: true,
        ...(past && { past })
      };
      const got = await subject.generate(request, quiet);
      expect([got.method, got.ids]).toEqual([method, wanted]);
      const [rows, steps, width] = got.logits!.dims;
      const kept = Array.from({ length: rows * steps }, (_, at) =>
        expected.columns.map(column => Number(got.logits!.data[at * width + column]))
      ).flat();
      const flat = logits.flat(2);
      expect(distance(kept, flat) / distance(flat, Array<number>(flat.length).fill(0))).toBeLessThanOrEqual(TOLERANCE);
    }
    await subject.close();
  });
});

describe('a subject with past keys and values', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum-with-past');
  });
  afterAll(() => subject.close());

  const PROMPT = [[5, 6, 7, 8, 9]];

  test.each([
    [
      'zero a pattern in the prompt',
      'prompt',
      { hook: 'blocks.1.attn.hook_pattern', op: 'zero', heads: [0, 1], pos: [-1] }
    ],
    ['scale patterns always', 'always', { hook: 'blocks.1.attn.hook_pattern', op: 'scale', value: 0.3 }],
    ['scores of one key', 'always', { hook: 'blocks.0.attn.hook_attn_scores', op: 'add', value: 4, features: [2] }],
    ['no MLP', 'always', { hook: 'blocks.1.hook_mlp_out', op: 'zero' }],
    [
      'a pattern for the prompt',
      'prompt',
      {
        hook: 'blocks.0.attn.hook_pattern',
        op: 'set',
        value: Array.from({ length: 5 }, (_, q) => Array.from({ length: 5 }, (_k, k) => (k <= q ? 1 / (q + 1) : 0)))
      }
    ]
  ] as const)('step by step as by whole forwards: %s', async (_, when, intervention) => {
    const interventions = { list: readInterventions([intervention]) };
    const request = { ids: PROMPT, tokens: 6, interventions, when, logits: true } as const;
    const stepped = await subject.generate(request, quiet);
    const whole = await subject.generate({ ...request, past: 'never' }, quiet);
    const plain = await subject.generate({ ...request, interventions: { list: [] } }, quiet);
    expect([stepped.method, whole.method]).toEqual(['past', 'whole']);
    const [a, b, c] = [stepped, whole, plain].map(({ logits }) => Array.from(logits!.data as Float32Array));
    expect(
      distance(a, b) /
        distance(
          b,
          b.map(() => 0)
        )
    ).toBeLessThanOrEqual(TOLERANCE);
    expect(distance(b, c)).toBeGreaterThan(0.01);
  });

  test('rows end at a stop, each where it meets it', async () => {
    const ids = [
      [5, 6, 7, 8, 9],
      [50, 40, 30, 20, 10]
    ];
    const { ids: free } = await subject.generate({ ids, tokens: 8 }, quiet);
    const stop = [free[0][2]];
    const seen: number[] = [];
    const { ids: ended } = await subject.generate(
      { ids, tokens: 8, stop, onToken: rows => seen.push(rows[1].length) },
      quiet
    );
    const cut = (row: readonly number[]) => (row.includes(stop[0]) ? row.slice(0, row.indexOf(stop[0]) + 1) : row);
    expect(ended).toEqual(free.map(cut));
    expect(seen.length).toBe(Math.max(...ended.map(({ length }) => length)));
  });

  test('one row one set: a row without its intervention goes on as alone', async () => {
    const list = readInterventions([{ hook: 'blocks.0.hook_resid_post', op: 'scale', value: -2, row: [1] }]);
    const { ids } = await subject.generate({ ids: [PROMPT[0], PROMPT[0]], tokens: 6, interventions: { list } }, quiet);
    const plain = await subject.generate({ ids: PROMPT, tokens: 6 }, quiet);
    expect(ids[0]).toEqual(plain.ids[0]);
    expect(ids[1]).not.toEqual(ids[0]);
  });

  test('drawn tokens under hooks, a set a row: step by step as by whole forwards', async () => {
    const list = readInterventions([
      { hook: 'blocks.0.hook_resid_post', op: 'scale', value: -2, row: [0] },
      { hook: 'blocks.1.attn.hook_z', op: 'zero', heads: [1], row: [1] }
    ]);
    const ids = [PROMPT[0], PROMPT[0]];
    const request = { ids, tokens: 12, sampling: { seed: 5, temperature: 4 }, interventions: { list } };
    const stepped = await subject.generate(request, quiet);
    const whole = await subject.generate({ ...request, past: 'never' }, quiet);
    expect([stepped.method, whole.method]).toEqual(['past', 'whole']);
    expect(stepped.ids).toEqual(whole.ids);
    const plain = await subject.generate({ ...request, interventions: { list: [] } }, quiet);
    stepped.ids.forEach((row, at) => expect(row).not.toEqual(plain.ids[at]));
  });

  test('one seed one text; low temperature is greedy; top-k 1 is greedy', async () => {
    const request = { ids: PROMPT, tokens: 12 };
    const drawn = (sampling: GenerateRequest['sampling']) =>
      subject.generate({ ...request, ...(sampling && { sampling }) }, quiet).then(({ ids }) => ids);
    const greedy = await drawn(undefined);
    expect(await drawn({ seed: 3, temperature: 2 })).toEqual(await drawn({ seed: 3, temperature: 2 }));
    expect(await drawn({ seed: 3, temperature: 2 })).not.toEqual(await drawn({ seed: 4, temperature: 2 }));
    expect(await drawn({ seed: 3, topK: 1 })).toEqual(greedy);
    expect(await drawn({ seed: 3, temperature: 1e-4 })).toEqual(greedy);
  });

  test.each<readonly [string, Partial<GenerateRequest>, string]>([
    ['more than fit', { tokens: 61 }, 'generation too long: 5 tokens and 61 new ones, the model has 64 positions'],
    ['no prompt', { ids: [] }, 'ids empty: no token to go on from'],
    ['none', { tokens: 0 }, 'tokens wrong: 0, wanted a whole number from 1 to 100000'],
    [
      'no warmth',
      { sampling: { temperature: 0 } },
      'temperature wrong: 0, wanted a number above 0 (greedy without it)'
    ],
    ['half a token', { sampling: { topK: 0.5 } }, 'top-k wrong: 0.5, wanted a whole number from 1'],
    [
      'a position behind the prompt',
      { interventions: { list: readInterventions([{ hook: 'blocks.0.hook_resid_post', op: 'zero', pos: 5 }]) } },
      "index out of range: interventions[0].pos is 5, 'blocks.0.hook_resid_post' has 5 there"
    ],
    [
      'a number for each position',
      {
        interventions: {
          list: readInterventions([{ hook: 'blocks.0.attn.hook_pattern', op: 'set', value: [[1], [1], [1], [1], [1]] }])
        }
      },
      "value wrong: interventions[0] has one number for each 'query_pos' of the prompt and none for new ones, so say when 'prompt' or give pos"
    ],
    ['an id that is none', { ids: [[96]] }, "id out of vocabulary: 96 at position 0, the model's ids are 0 to 95"]
  ])('refuses %s', async (_, change, message) => {
    await expect(subject.generate({ ids: PROMPT, tokens: 4, ...change }, quiet)).rejects.toThrow(message);
  });

  test('the last token needs no position of its own', async () => {
    const { ids } = await subject.generate({ ids: PROMPT, tokens: 60 }, quiet);
    expect(ids[0]).toHaveLength(60);
  });
});

test('the bundled model goes on with what it has seen', async () => {
  const subject = await openModel(
    await folderFiles(join(__dirname, '../../examples/models/induction-2l')),
    runtime,
    quiet
  );
  const half = [17, 230, 45, 399, 280, 77, 150, 61];
  const { ids } = await subject.generate({ ids: [[...half, half[0]]], tokens: 7 }, quiet);
  expect(ids[0]).toEqual(half.slice(1));
  await subject.close();
});

test('what reads both ways does not go on', async () => {
  const subject = await open('bert', 'optimum');
  await expect(subject.generate({ ids: [[1, 2, 3]], tokens: 2 }, quiet)).rejects.toThrow(
    "generation impossible: 'bert' lets tokens see the future"
  );
  await subject.close();
});

// Pearson's statistic for 8 classes is below 24.3 for 99.9 % of seeds; the seed stands here before the run.
test('tokens are drawn as often as softmax says', () => {
  const logits = Float32Array.from([0.3, 2, -1, 1.2, 0, 0.9, -0.4, 1.7, -9, -8]);
  const stream = random(5);
  const counts = Array<number>(10).fill(0);
  const draws = 20000;
  for (let i = 0; i < draws; i++) {
    counts[sample(logits, { temperature: 0.7, topK: 8 }, stream)]++;
  }
  const shares = logSoftmax(logits.slice(0, 8).map(x => x / 0.7)).map(Math.exp);
  expect(counts.slice(8)).toEqual([0, 0]);
  const statistic = shares.reduce((sum, share, id) => sum + (counts[id] - draws * share) ** 2 / (draws * share), 0);
  expect(statistic).toBeLessThan(24.3);
});
