import { createNodeRuntime } from '../../src/runtime/node';
import { captureRuns } from '../../src/subject/interventions/data-runs';
import type { Intervention } from '../../src/subject/interventions/interventions';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtureFiles, quiet } from './fixture-files';

const Z = 'blocks.0.attn.hook_z';
const RAGGED = [
  [5, 6, 7],
  [8, 9, 10, 11, 12],
  [13, 14],
  [20, 21, 22, 23, 24]
];

let subject: Subject;
let forwards: number;
beforeAll(async () => {
  subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), createNodeRuntime(), quiet);
});
beforeEach(() => (forwards = 0));
afterAll(() => subject.close());

const capture = (list: readonly Intervention[], rows: readonly (readonly number[])[], seed = 0) =>
  captureRuns(
    {
      anatomy: subject.anatomy,
      forward: (request, context) => {
        forwards++;
        return subject.forward(request, context);
      }
    },
    list,
    { data: rows },
    { rows: 2, seed },
    quiet
  );

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

test('the mean over rows and positions of texts of different lengths: every token counts alike', async () => {
  const { runs } = await capture([{ hook: Z, op: 'mean', from: 'data', over: 'all' }], RAGGED);
  const mean = runs.data.get(Z);
  expect(mean.dims).toEqual([1, 1, 4, 8]);
  const sums = new Float64Array(32);
  for (const ids of RAGGED) {
    const { data } = (await subject.forward({ ids: [ids], hooks: [Z] }, quiet)).get(Z);
    data.forEach((value: number | bigint, at: number) => (sums[at % 32] += Number(value)));
  }
  // Float32 rounds the mean once.
  expect(
    distance(
      mean.data as Float32Array,
      sums.map(sum => sum / 15)
    )
  ).toBeLessThan(1e-6);
  // One forward for each of three lengths.
  expect(forwards).toBe(3);
});

test('by position, and both at once from one pass', async () => {
  const rows = [RAGGED[1], RAGGED[3]];
  const list: readonly Intervention[] = [
    { hook: Z, op: 'mean', from: 'data' },
    { hook: Z, op: 'mean', from: 'data', over: 'all', heads: [1] }
  ];
  const { runs } = await capture(list, rows);
  expect(runs.data.get(Z).dims).toEqual([1, 5, 4, 8]);
  const whole = (await subject.forward({ ids: rows, hooks: [Z] }, quiet)).get(Z).data as Float32Array;
  const wanted = Float32Array.from({ length: 160 }, (_, i) => (whole[i] + whole[160 + i]) / 2);
  expect(distance(runs.data.get(Z).data as Float32Array, wanted)).toBeLessThan(1e-6);
  const request = { ids: [RAGGED[1]], hooks: [], outputs: ['logits'] };
  const plainRun = { data: await subject.forward({ ids: rows, hooks: [Z] }, quiet) };
  const [short, long] = await Promise.all(
    [runs, plainRun].map(made => subject.forward({ ...request, interventions: { list, runs: made } }, quiet))
  );
  expect(distance(short.get('logits').data as Float32Array, long.get('logits').data as Float32Array)).toBeLessThan(
    1e-5
  );
});

test('resample: the rows that are drawn, and no others, are run; each intervention draws anew', async () => {
  const rows = Array.from({ length: 50 }, (_, row) => [row, row + 1, row + 2]);
  const list: readonly Intervention[] = [
    { hook: Z, op: 'resample', from: 'data' },
    { hook: 'blocks.1.attn.hook_z', op: 'resample', from: 'data' }
  ];
  const { list: made, runs } = await capture(list, rows, 7);
  expect(made.map(({ op }) => op)).toEqual(['patch', 'patch']);
  const drawn = made.map(({ hook, from }) => runs[from!].get(hook));
  expect(drawn.map(({ dims }) => dims)).toEqual([
    [2, 3, 4, 8],
    [2, 3, 4, 8]
  ]);
  const all = (await subject.forward({ ids: rows, hooks: [Z] }, quiet)).get(Z).data as Float32Array;
  for (const row of [0, 1]) {
    const part = (drawn[0].data as Float32Array).subarray(row * 96, (row + 1) * 96);
    const near = rows.filter((_, at) => distance(part, all.subarray(at * 96, (at + 1) * 96)) < 1e-5);
    expect(near).toHaveLength(1);
  }
  const request = { ids: rows.slice(0, 2), hooks: [], outputs: ['logits'] };
  const again = await capture(list, rows, 7);
  const [first, second] = await Promise.all(
    [{ list: made, runs }, again].map(interventions => subject.forward({ ...request, interventions }, quiet))
  );
  expect(first.get('logits').data).toEqual(second.get('logits').data);
});

test.each<readonly [string, readonly Intervention[], readonly (readonly number[])[], string]>([
  [
    'uneven rows by position',
    [{ hook: Z, op: 'mean', from: 'data' }],
    RAGGED,
    "rows uneven: the run 'data' has 3 tokens in row 0 and 5 in row 1; only a mean over 'all' takes both"
  ],
  ['no rows', [{ hook: Z, op: 'mean', from: 'data' }], [], "run empty: 'data' has no rows"],
  [
    'no positions',
    [{ hook: 'blocks.0.attn.hook_pattern', op: 'mean', from: 'data', over: 'all' }],
    RAGGED,
    "mean impossible: 'blocks.0.attn.hook_pattern' has the axes batch, head, query_pos, key_pos, none of positions to average over"
  ]
])('refuses %s', async (_, list, rows, message) => {
  await expect(capture(list, rows)).rejects.toThrow(message);
});

test('NaN in the output names the first hook that has it', async () => {
  const at = { hook: 'blocks.0.hook_resid_post', row: [1], pos: [0] };
  const list: readonly Intervention[] = [
    { ...at, op: 'set', value: 1e38 },
    { ...at, op: 'scale', value: 1e10 }
  ];
  const request = { ids: [RAGGED[1], RAGGED[3]], hooks: [], outputs: ['logits'], interventions: { list } };
  // 1e48 is infinite in single precision, and infinity over infinity is no number: the next norm.
  await expect(subject.forward(request, quiet)).rejects.toThrow(
    /^output NaN: 'logits' \[2, 5, 96\] has NaN in row 1, the first hook that has it is 'blocks\.1\.(ln1|attn)\.hook_\w+'$/
  );
  // A softmax may make zeros of it: what comes from such a run is not given, whichever hook is asked for.
  await expect(
    subject.forward({ ...request, outputs: [], hooks: ['blocks.0.hook_resid_post'] }, quiet)
  ).rejects.toThrow(/^hook NaN: 'blocks\.1\.hook_resid_post' .* the first hook that has it is 'blocks\.1\./);
});

test('cost counts what interventions are fed, and the session that is made for them', async () => {
  const request = { ids: [RAGGED[1]], hooks: [Z] };
  const plain = subject.cost(request);
  expect(plain.session).toBeUndefined();
  const list: readonly Intervention[] = [{ hook: 'blocks.1.attn.hook_z', op: 'zero', heads: [1], pos: [2] }];
  const { bytes, session } = subject.cost({ ...request, interventions: { list } });
  // A flag and three numbers for each of 5 positions × 4 heads.
  expect(bytes - plain.bytes).toBe(13 * 5 * 4);
  expect(session).toBe(Object.values(subject.facts.dtypes).reduce((a, b) => a + b, 0));
  await subject.forward({ ...request, interventions: { list } }, quiet);
  expect(subject.cost({ ...request, interventions: { list } }).session).toBe(0);
});
