import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { joinBytes } from '../../src/onnx/join-bytes';
import { folderFiles } from '../../src/cli/folder-files';
import { externalise } from '../../src/onnx/externalise';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import type { Runtime } from '../../src/runtime/runtime';
import { createNodeRuntime } from '../../src/runtime/node';
import { createCache } from '../../src/subject/cache';
import { planInterventions } from '../../src/subject/interventions/intervention-plan';
import { readInterventions, type Intervention } from '../../src/subject/interventions/interventions';
import { openModel } from '../../src/subject/opening/open-model';
import type { Cache, Subject } from '../../src/subject/subject';
import { fixtures, openModel as readFixture } from '../anatomy/fixtures';
import { scramble } from '../fixtures/scramble';
import { fixtureFiles, memoryFiles, quiet } from './fixture-files';

const runtime = createNodeRuntime();
const FUSED = join(__dirname, '../fixtures/models-fused');
/** A file of the family's folder, or the same weights with operators fused. */
const open = (family: string, style: string): Promise<Subject> => {
  const [folder, name] = style.split('/');
  const files =
    folder === 'fused'
      ? memoryFiles(family, { 'model.onnx': readFileSync(join(FUSED, `${name}.onnx`)) })
      : fixtureFiles(family, `${style}.onnx`);
  return openModel(files, runtime, quiet);
};

/** What PyTorch's forward hooks gave (test/fixtures/interventions.py). */
interface Expected {
  readonly ids: readonly (readonly number[])[];
  readonly runs: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly positions: readonly number[];
  readonly columns: readonly number[];
  readonly plain: Kept;
  readonly cases: readonly { readonly interventions: readonly unknown[]; readonly logits: Kept }[];
}
/** [row][position][column] */
type Kept = readonly (readonly (readonly number[])[])[];

const expectedOf = (family: string): Expected =>
  JSON.parse(readFileSync(join(__dirname, `../fixtures/interventions/${family}.json`), 'utf8')) as Expected;

const kept = (cache: Cache, { positions, columns }: Expected): readonly number[] => {
  const { dims, data } = cache.get('logits');
  return Array.from({ length: dims[0] }, (_, row) =>
    positions.map(at => columns.map(column => Number(data[(row * dims[1] + at) * dims[2] + column])))
  ).flat(2);
};

const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
const largest = (values: readonly number[]): number => distance(values, Array<number>(values.length).fill(0));

const runsFor = async (subject: Subject, { runs }: Expected): Promise<Record<string, Cache>> => {
  const hooks = subject.anatomy.hooks.filter(({ status }) => status === 'verified').map(({ name }) => name);
  const caches = Object.entries(runs).map(
    async ([name, ids]) => [name, await subject.forward({ ids, hooks }, quiet)] as const
  );
  return Object.fromEntries(await Promise.all(caches));
};

// Of the largest logit: the oracle has five digits behind the point (3e-6), and two layers in single precision are as far apart.
const TOLERANCE = 2e-5;

describe.each([
  ['gpt2', 'optimum'],
  ['gpt2', 'dynamo'],
  ['gpt2', 'torchscript-opset16'],
  ['llama', 'optimum-with-past'],
  ['llama', 'dynamo'],
  ['bert', 'optimum'],
  ['bert', 'dynamo'],
  ['attn-only', 'dynamo'],
  ['attn-only-rope', 'torchscript'],
  ['no-norm', 'torchscript'],
  ['neox', 'optimum'],
  ['neox', 'dynamo'],
  ['gpt2', 'fused/gpt2-ort'],
  ['gpt2', 'fused/gpt2-opset23'],
  ['llama', 'fused/llama-ort'],
  ['llama', 'fused/llama-opset23'],
  ['bert', 'fused/bert-ort']
])('%s/%s.onnx against hooks in PyTorch', (family, style) => {
  test('each operation at each hook', async () => {
    const subject = await open(family, style);
    const expected = expectedOf(family);
    const runs = await runsFor(subject, expected);
    const request = { ids: expected.ids, hooks: [], outputs: ['logits'] };
    const wrong: string[] = [];
    for (const { interventions, logits } of expected.cases) {
      const list = readInterventions(interventions);
      const got = kept(await subject.forward({ ...request, interventions: { list, runs } }, quiet), expected);
      const wanted = logits.flat(2);
      const error = distance(got, wanted) / largest(wanted);
      if (!(error <= TOLERANCE)) {
        wrong.push(`${list.map(({ hook, op }) => `${hook} ${op}`).join()}: ${error}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(expected.cases.length).toBeGreaterThan(60);
    await subject.close();
  });
});

/** A runtime that counts the sessions it makes and those it has. */
const counting = () => {
  const counts = { made: 0, held: 0 };
  const counted: Runtime = {
    ...runtime,
    prepare: async (model, weights) => {
      const prepared = await runtime.prepare(model, weights);
      counts.made++;
      counts.held++;
      return { ...prepared, release: async () => (counts.held--, prepared.release()) };
    }
  };
  return { counts, counted };
};

/** Hooks that are tensors of the graph and verified. */
const changeable = ({ anatomy }: Subject): readonly string[] =>
  anatomy.hooks
    .filter(
      ({ status, source }) =>
        status === 'verified' && source?.steps.every(({ op }) => op !== 'normalise' && op !== 'expand')
    )
    .map(({ name }) => name);

const outputOf = async (subject: Subject, ids: Expected['ids'], list: readonly Intervention[]) => {
  const [output] = subject.outputs;
  const cache = await subject.forward({ ids, hooks: [], outputs: [output], interventions: { list } }, quiet);
  return Array.from(cache.get(output).data as Float32Array);
};

// The nodes themselves are exact; the runtime fuses less around them and then rounds otherwise.
const NEUTRAL = 1e-6;

test.each(fixtures().map(({ family, style, facts }) => [`${family}/${style}.onnx`, family, style, facts] as const))(
  '%s: interventions that change nothing at every hook leave the output as it is',
  async (_, family, style, facts) => {
    const subject = await open(family, style);
    const hooks = changeable(subject);
    expect(hooks.length).toBeGreaterThan(20);
    const plain = await outputOf(subject, facts.ids, []);
    const list = hooks.flatMap(hook => [{ hook, op: 'scale', value: 1 } as const]);
    const idle = await outputOf(subject, facts.ids, list);
    expect(distance(plain, idle) / largest(plain)).toBeLessThanOrEqual(NEUTRAL);
    await subject.close();
  }
);

test('half precision: nothing changes nothing, and what is set is what is read', async () => {
  const folder = join(__dirname, '../../examples/models/induction-2l-checkpoints/step-04500');
  const subject = await openModel(await folderFiles(folder), runtime, quiet);
  expect(Object.keys(subject.facts.dtypes)).toContain('float16');
  const ids = [[5, 6, 7, 8, 5, 6, 7]];
  const plain = await outputOf(subject, ids, []);
  const idle = changeable(subject).map(hook => ({ hook, op: 'scale', value: 1 }) as const);
  expect(distance(plain, await outputOf(subject, ids, idle)) / largest(plain)).toBeLessThanOrEqual(NEUTRAL);
  const hook = 'blocks.1.attn.hook_v';
  const set = { list: [{ hook, op: 'set', value: 0.25, heads: [2] } as const] };
  const { data } = (await subject.forward({ ids, hooks: [hook], interventions: set }, quiet)).get(hook);
  expect(new Set((data as Float32Array).subarray(64, 96))).toEqual(new Set([0.25]));
  await subject.close();
});

const Z = 'blocks.0.attn.hook_z';
const expected = expectedOf('gpt2');
const request = { ids: expected.ids, hooks: [], outputs: ['logits'] };

test('another value makes no new session, another set of sites makes one, two are kept and all are released', async () => {
  const { counts, counted } = counting();
  const subject = await openModel(fixtureFiles('gpt2', 'dynamo.onnx'), counted, quiet);
  const opened = { ...counts };
  const run = (...list: readonly Intervention[]) =>
    subject.forward({ ...request, interventions: { list } }, quiet).then(cache => kept(cache, expected));
  const seen = [
    await run({ hook: Z, op: 'zero', heads: [1] }),
    await run({ hook: Z, op: 'zero', heads: [2] }),
    await run({ hook: Z, op: 'add', value: 0.5, pos: [0, 3] }, { hook: Z, op: 'scale', value: 2, row: [1] }),
    await run({ hook: Z, op: 'lerp', value: 3, alpha: 0.25 })
  ];
  expect(new Set(seen.map(String)).size).toBe(4);
  expect(counts).toEqual({ made: opened.made + 1, held: opened.held + 1 });
  await run({ hook: 'blocks.1.attn.hook_z', op: 'zero' });
  await run({ hook: 'blocks.1.hook_attn_out', op: 'zero' });
  expect(counts).toEqual({ made: opened.made + 3, held: opened.held + 2 });
  const [again, other] = await Promise.all([
    run({ hook: Z, op: 'zero', heads: [1] }),
    run({ hook: 'blocks.1.attn.hook_v', op: 'zero' })
  ]);
  expect(again).toEqual(seen[0]);
  expect(other).not.toEqual(seen[0]);
  await subject.close();
  expect(counts.held).toBe(0);
});

test('the same numbers from a file without names, its nodes in another order', async () => {
  const { model, weights } = readFixture('gpt2', 'optimum');
  const scrambled = scramble(model, weights, 5);
  const { model: external, files } = externalise(scrambled.model, scrambled.weights);
  const data = Object.fromEntries(files.map(({ path, data: bytes }) => [path, bytes]));
  const subject = await openModel(
    memoryFiles('scrambled', { 'm.onnx': joinBytes(writeModel(external)), ...data }),
    runtime,
    quiet
  );
  const plain = await open('gpt2', 'optimum');
  const { interventions, logits } = expected.cases.at(-1)!;
  const list = readInterventions(interventions);
  const runs = await runsFor(subject, expected);
  expect(Object.values(runs)[0].names).toEqual(Object.values(await runsFor(plain, expected))[0].names);
  const output = scrambled.renamed('logits');
  const cache = await subject.forward({ ...request, outputs: [output], interventions: { list, runs } }, quiet);
  const got = kept({ ...cache, get: () => cache.get(output) }, expected);
  expect(distance(got, logits.flat(2)) / largest(logits.flat(2))).toBeLessThanOrEqual(TOLERANCE);
  await Promise.all([subject.close(), plain.close()]);
});

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'dynamo');
  });
  afterAll(() => subject.close());

  const run = (list: readonly Intervention[], rest: object = {}) =>
    subject.forward({ ...request, ...rest, interventions: { list, ...rest } }, quiet);

  test('rows that are not selected keep their numbers', async () => {
    const plain = kept(await subject.forward(request, quiet), expected);
    const value = { dims: [8], type: 'float32', data: Float32Array.from([3, 1, 4, 1, 5, 9, 2, 6]) } as const;
    const moved = kept(await run([{ hook: Z, op: 'project_out', value, row: [1] }]), expected);
    const half = plain.length / 2;
    expect(distance(plain.slice(0, half), moved.slice(0, half)) / largest(plain)).toBeLessThanOrEqual(NEUTRAL);
    expect(distance(plain.slice(half), moved.slice(half))).toBeGreaterThan(0.01);
  });

  test('a hook is read behind its intervention, and what is the same tensor moves with it', async () => {
    const hooks = ['blocks.1.hook_resid_pre', 'blocks.0.hook_resid_post'];
    const cache = await run([{ hook: hooks[0], op: 'set', value: 0.5, pos: [-1], features: [0, 31] }], { hooks });
    for (const hook of hooks) {
      const { dims, data } = cache.get(hook);
      expect([data[(dims[1] - 1) * 32], data[dims[1] * 32 - 1]]).toEqual([0.5, 0.5]);
      expect(data[1]).not.toBe(0.5);
    }
  });

  test('one copy for all rows becomes one a row: no position embedding in a row is its subtraction from the sum', async () => {
    const { dims, data } = (await subject.forward({ ...request, hooks: ['hook_pos_embed'] }, quiet)).get(
      'hook_pos_embed'
    );
    expect(subject.anatomy.hooks.find(({ name }) => name === 'hook_pos_embed')?.source?.steps).toHaveLength(1);
    const value = { dims: [1, ...dims.slice(1)], type: 'float32', data: data.slice(0, data.length / 2) } as Tensor;
    const [a, b] = await Promise.all([
      run([{ hook: 'hook_pos_embed', op: 'zero', row: [1] }]),
      run([{ hook: 'hook_embed', op: 'add', value, alpha: -1, row: [1] }])
    ]);
    const [x, y] = [kept(a, expected), kept(b, expected)];
    // (e + p) − p is rounded once more than e.
    expect(distance(x, y) / largest(x)).toBeLessThanOrEqual(1e-5);
    expect(distance(x, kept(await subject.forward(request, quiet), expected))).toBeGreaterThan(0.1);
  });

  test('rows over several runs of the runtime get each their own value', async () => {
    const ids = Array.from({ length: 150 }, () => expected.ids[0]);
    const scales = {
      dims: [150, 1, 1, 1],
      type: 'float32',
      data: Float32Array.from(ids, (_, row) => row / 100)
    } as const;
    const many = await run([{ hook: Z, op: 'scale', value: scales }], { ids });
    expect(subject.cost({ ...request, ids }).forwards).toBeGreaterThan(1);
    for (const row of [0, 101, 149]) {
      const one = await run([{ hook: Z, op: 'scale', value: row / 100 }], { ids: [expected.ids[0]] });
      const size = one.get('logits').data.length;
      const part = Array.from(many.get('logits').data.subarray(row * size, (row + 1) * size), Number);
      // The runtime's products are blocked otherwise for other batches.
      expect(distance(part, Array.from(one.get('logits').data, Number)) / largest(part)).toBeLessThanOrEqual(1e-5);
    }
  });

  test('resample draws whole rows of the run, by the seed', async () => {
    const ids = Array.from({ length: 6 }, (_, row) => expected.ids[0].map(id => (id * (row + 2)) % 96));
    const runs = { pool: await subject.forward({ ids, hooks: [Z] }, quiet) };
    const drawn = async (seed: number) => {
      const cache = await run([{ hook: Z, op: 'resample', from: 'pool' }], { ids, runs, seed, hooks: [Z] });
      const { data } = cache.get(Z);
      const size = data.length / 6;
      const pool = Array.from({ length: 6 }, (_, row) =>
        String(runs.pool.get(Z).data.slice(row * size, (row + 1) * size))
      );
      return Array.from({ length: 6 }, (_, row) => pool.indexOf(String(data.slice(row * size, (row + 1) * size))));
    };
    const first = await drawn(1);
    expect(first).not.toContain(-1);
    expect(await drawn(1)).toEqual(first);
    expect(await drawn(2)).not.toEqual(first);
  });

  test.each<readonly [string, Intervention, string]>([
    [
      'an unknown hook',
      { hook: 'blocks.0.attn.hook_zz', op: 'zero' },
      "hook unknown: 'blocks.0.attn.hook_zz' is not a hook of this model (nearest: blocks.0.attn.hook_z, "
    ],
    [
      'a head',
      { hook: Z, op: 'zero', heads: [1, 4] },
      "index out of range: interventions[0].heads is 4, 'blocks.0.attn.hook_z' has 4 there"
    ],
    [
      'a position',
      { hook: Z, op: 'zero', pos: [-11] },
      "index out of range: interventions[0].pos is -11, 'blocks.0.attn.hook_z' has 10 there"
    ],
    [
      'a position twice',
      { hook: Z, op: 'zero', pos: [9, -1] },
      'field wrong: interventions[0].pos names one place twice, from the front and from the end'
    ],
    [
      'heads of the stream',
      { hook: 'hook_embed', op: 'zero', heads: [0] },
      "field wrong: 'heads' of interventions[0], 'hook_embed' has the axes batch, pos, d_model"
    ],
    [
      'a value',
      { hook: Z, op: 'set', heads: [1], value: { dims: [3], type: 'float32', data: new Float32Array(3) } },
      "value of wrong shape: interventions[0].value is [3], 'blocks.0.attn.hook_z' selected is [2, 10, 1, 8] (batch, pos, head, d_head)"
    ],
    [
      'a number as a direction',
      { hook: Z, op: 'project_out', value: 1 },
      "direction wrong: interventions[0].value should have the 8 numbers of the last axis of 'blocks.0.attn.hook_z'"
    ],
    [
      'a direction of zeros',
      { hook: Z, op: 'project_out', value: { dims: [8], type: 'float32', data: new Float32Array(8) } },
      'direction zero: interventions[0].value has no direction to project out'
    ],
    [
      'an unknown run',
      { hook: Z, op: 'patch', from: 'clan' },
      "run unknown: 'clan' of interventions[0].from is not among the runs (nearest: clean)"
    ],
    ['a run without the hook', { hook: 'hook_embed', op: 'patch', from: 'clean' }, "hook not captured: 'hook_embed'"],
    [
      'a run of other length',
      { hook: Z, op: 'patch', from: 'clean' },
      "run of wrong size: 'blocks.0.attn.hook_z' is [1, 3, 4, 8] in the run 'clean' of interventions[0].from, [2, 10, 4, 8] in this one"
    ],
    [
      'what is computed when read',
      { hook: 'ln_final.hook_normalized', op: 'zero' },
      "intervention refused: 'ln_final.hook_normalized', because the graph does not hold it"
    ],
    [
      'a run of no rows',
      { hook: Z, op: 'resample', from: 'empty' },
      "run of wrong size: 'blocks.0.attn.hook_z' is [0, 10, 4, 8] in the run 'empty' of interventions[0].from, wanted [batch, pos, head, d_head]"
    ]
  ])('refuses %s', async (_, intervention, message) => {
    const none: Tensor = { dims: [0, 10, 4, 8], type: 'float32', data: new Float32Array() };
    const empty = createCache(new Map([[Z, none]]));
    const runs = { clean: await subject.forward({ ids: [[1, 2, 3]], hooks: [Z] }, quiet), empty };
    await expect(run([intervention], { runs })).rejects.toThrow(message);
  });

  test('a hook that is not verified is refused unless that is allowed', () => {
    const hooks = subject.anatomy.hooks.map(hook =>
      hook.name === Z ? ({ ...hook, status: 'unverified', why: 'the sum was not checked' } as const) : hook
    );
    const plan = (change: object) =>
      planInterventions(
        { ...subject.anatomy, hooks },
        { list: readInterventions([{ hook: Z, op: 'zero', ...change }]) },
        { rows: 1, length: 3 }
      );
    expect(() => plan({})).toThrow(`hook unverified: '${Z}', because the sum was not checked`);
    expect(plan({ allow: 'unverified' }).sites).toEqual([{ hook: Z, stages: ['affine'] }]);
  });
});

test.each<readonly [unknown, string]>([
  [{}, 'interventions malformed: an object, wanted a list of at most 10000'],
  [[3], 'intervention malformed: interventions[0] is 3, wanted an object'],
  [[{ op: 'zero' }], "field missing: 'hook' of interventions[0]"],
  [[{ hook: Z }], "field missing: 'op' of interventions[0]"],
  [[{ hook: Z, op: 'zeros' }], "field wrong: interventions[0].op is 'zeros', wanted zero, "],
  [[{ hook: Z, op: 'zero', head: [1] }], "field unknown: 'head' of interventions[0] (nearest: heads)"],
  [
    [{ hook: Z, op: 'zero', heads: [1.5] }],
    'field wrong: interventions[0].heads is 1.5, wanted one whole number or a list of them'
  ],
  [[{ hook: Z, op: 'zero', heads: [] }], 'field wrong: interventions[0].heads is a list, wanted one whole number'],
  [[{ hook: Z, op: 'zero', heads: [1, 1] }], 'field wrong: interventions[0].heads holds an index twice'],
  [[{ hook: Z, op: 'set' }], "operand wrong: 'set' of interventions[0] wants value, got neither"],
  [
    [{ hook: Z, op: 'zero', value: 1 }],
    "operand wrong: 'zero' of interventions[0] wants neither value nor from, got value"
  ],
  [
    [{ hook: Z, op: 'add', value: 1, from: 'a' }],
    "operand wrong: 'add' of interventions[0] wants value or from, got value and from"
  ],
  [
    [{ hook: Z, op: 'set', value: [[1, 2], [3]] }],
    'value ragged: interventions[0].value should have 2 elements on axis 1 everywhere'
  ],
  [
    [{ hook: Z, op: 'set', value: ['1'] }],
    'value wrong: interventions[0].value holds something that is not a finite number, at place 0'
  ],
  [[{ hook: Z, op: 'set', value: NaN }], 'field wrong: interventions[0].value is NaN, wanted a finite number'],
  [[{ hook: Z, op: 'lerp', value: 1 }], "field missing: 'lerp' of interventions[0] wants 'alpha'"],
  [[{ hook: Z, op: 'set', value: 1, alpha: 1 }], "field wrong: 'set' of interventions[0] takes no 'alpha'"],
  [[{ hook: Z, op: 'zero', allow: 'all' }], "field wrong: interventions[0].allow is 'all', wanted unverified"]
])('refuses %j', (json, message) => {
  expect(() => readInterventions(json)).toThrow(message);
});

test('suppress is zero, one index is a list of one', () => {
  expect(readInterventions([{ hook: Z, op: 'suppress', heads: 2 }])).toEqual([{ hook: Z, op: 'zero', heads: [2] }]);
});
