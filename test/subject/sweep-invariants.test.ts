import { pathToFileURL } from 'node:url';

import { externalise } from '../../src/onnx/externalise';
import { joinBytes } from '../../src/onnx/join-bytes';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { createWasmRuntime } from '../../src/runtime/wasm';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import type { Patch, Readout, SweepRequest, SweepResult } from '../../src/subject/sweep';
import { sweepWhole } from '../../src/subject/sweeps/whole';
import { openModel as readFixture } from '../anatomy/fixtures';
import { scramble } from '../fixtures/scramble';
import { fixtureFiles, memoryFiles, quiet } from './fixture-files';

const runtime = createNodeRuntime();
const BASE = [
  [3, 17, 20, 8, 25, 11],
  [9, 2, 31, 14, 6, 11]
];
const OTHER = [
  [5, 17, 11, 8, 30, 12],
  [9, 20, 31, 7, 6, 4]
];
const readout: Readout = {
  positions: [[5], [5]],
  columns: [
    [1, 2],
    [3, 0]
  ],
  value: logits => logits[0] - logits[1]
};
const request = (patches: readonly Patch[], more: Partial<SweepRequest> = {}): SweepRequest => ({
  base: BASE,
  source: { kind: 'run', ids: OTHER },
  patches,
  readout,
  ...more
});
const HOOKS = ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out', 'hook_resid_post', 'attn.hook_pattern'];
const HEADS = ['z', 'q', 'k', 'v'].map(name => `attn.hook_${name}`);

/** Each hook of both blocks at one position, and head 1 of it where it has heads. */
const places: readonly Patch[] = [0, 1].flatMap(layer => [
  ...HOOKS.map(name => ({ hook: `blocks.${layer}.${name}`, pos: [2] })),
  ...HEADS.map(name => ({ hook: `blocks.${layer}.${name}`, heads: [1], pos: [4] }))
]);

/** Largest difference relative to the largest effect. */
const apart = (a: ArrayLike<number>, b: SweepResult): number => {
  const prompts = b.base.length;
  const largest = b.values.reduce((most, value, at) => Math.max(most, Math.abs(value - b.base[at % prompts])), 0);
  expect(largest).toBeGreaterThan(0.01);
  return b.values.reduce((most, value, at) => Math.max(most, Math.abs(value - a[at])), 0) / largest;
};
/** Re-association in single precision, of the largest effect. */
const TOLERANCE = 1e-4;

describe.each([
  ['gpt2', 'optimum'],
  ['llama', 'dynamo'],
  ['neox', 'optimum']
])('sweeps of %s %s', (family, style) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles(family, `${style}.onnx`), runtime, quiet);
  });
  afterAll(() => subject.close());

  test('a run patched with itself stays as it is, at every hook', async () => {
    const own = await subject.forward({ ids: BASE, hooks: places.map(({ hook }) => hook) }, quiet);
    const same = await subject.sweep(request(places, { source: { kind: 'values', of: own.get } }), quiet);
    expect(same.method).toBe('positions');
    same.values.forEach((value, at) => expect(value).toBeCloseTo(same.base[at % 2], 5));
  });

  test('a patch of tokens that both runs share, with none before them that differ, costs and changes nothing', async () => {
    const ids = [
      [...BASE[0].slice(0, 3), 5, 9, 2],
      [...BASE[1].slice(0, 3), 2, 5, 30]
    ];
    const source = { kind: 'run', ids } as const;
    const early = places.map(({ hook }) => ({ hook, pos: [0, 2] }));
    const shared = request(early, { source });
    const { values, base } = await subject.sweep(shared, quiet);
    expect(subject.sweepCost(shared).operations).toBe(0);
    expect([...values]).toEqual(early.flatMap(() => [...base]));
    // All positions, of which only those behind the third travel.
    const all = request(
      places.map(({ hook }) => ({ hook })),
      { source }
    );
    const naive = await sweepWhole(subject, all, quiet);
    expect(apart((await subject.sweep(all, quiet)).values, naive)).toBeLessThanOrEqual(TOLERANCE);
    expect(subject.sweepCost(all).operations).toBeLessThan(
      0.75 * subject.sweepCost({ ...all, source: { kind: 'zero' } }).operations
    );
  });

  test('the outputs of every head together are what the attention adds', async () => {
    const pairs = [0, 1].flatMap(layer =>
      [undefined, [1], [5]].map(pos => ({ layer, at: pos === undefined ? {} : { pos } }))
    );
    const heads = await subject.sweep(
      request(pairs.map(({ layer, at }) => ({ hook: `blocks.${layer}.attn.hook_z`, ...at }))),
      quiet
    );
    const added = await subject.sweep(
      request(pairs.map(({ layer, at }) => ({ hook: `blocks.${layer}.hook_attn_out`, ...at }))),
      quiet
    );
    expect(apart(heads.values, added)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('several prompts at once are each alone', async () => {
    const both = await subject.sweep(request(places), quiet);
    for (const [prompt] of BASE.entries()) {
      const alone = await subject.sweep(
        request(places, {
          base: [BASE[prompt]],
          source: { kind: 'run', ids: [OTHER[prompt]] },
          readout: { ...readout, positions: [readout.positions[prompt]], columns: [readout.columns![prompt]] }
        }),
        quiet
      );
      const own = both.values.filter((_, at) => at % 2 === prompt);
      expect(apart(own, alone)).toBeLessThanOrEqual(TOLERANCE);
    }
  });

  test('values other than a run: zeros given as a tensor are zeros', async () => {
    const z = places.filter(({ hook }) => hook.endsWith('hook_z'));
    const zero = await subject.sweep(request(z, { source: { kind: 'zero' } }), quiet);
    const { dims } = (await subject.forward({ ids: [BASE[0]], hooks: [z[0].hook] }, quiet)).get(z[0].hook);
    const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
    const given = await subject.sweep(
      request(z, { source: { kind: 'values', of: () => ({ dims, type: 'float32' as const, data }) } }),
      quiet
    );
    expect(zero.source).toBeUndefined();
    expect([...given.values]).toEqual([...zero.values]);
  });

  test('a cancelled sweep keeps what was given, and the next one is whole', async () => {
    const controller = new AbortController();
    const given = new Map<number, readonly number[]>();
    const onPatch = (at: number, values: readonly number[]): void => {
      given.set(at, values);
      controller.abort();
    };
    const context = { ...quiet, signal: controller.signal };
    await expect(subject.sweep(request(places, { onPatch }), context)).rejects.toThrow(/abort/i);
    expect(given.size).toBeGreaterThan(0);
    expect(given.size).toBeLessThan(places.length);
    const again = await subject.sweep(request(places), quiet);
    given.forEach((values, at) =>
      // Runs are sized by measuring, so that sums may be in another order.
      values.forEach((value, prompt) => expect(value).toBeCloseTo(again.values[2 * at + prompt], 5))
    );
    // Late layers come first.
    expect([...given.keys()].every(at => places[at].hook.startsWith('blocks.1.'))).toBe(true);
  });

  test.each<[string, Patch]>([
    [
      "patch malformed: position 2 of 'blocks.0.hook_mlp_out' is named twice",
      { hook: 'blocks.0.hook_mlp_out', pos: [2, 2] }
    ],
    [
      "patch malformed: head 1 of 'blocks.0.attn.hook_z' is named twice",
      { hook: 'blocks.0.attn.hook_z', heads: [1, 1] }
    ],
    [
      "patch out of range: position 6 of 'blocks.0.attn.hook_z', which has 6",
      { hook: 'blocks.0.attn.hook_z', pos: [6] }
    ],
    [
      "patch out of range: head 99 of 'blocks.0.attn.hook_z', which has ",
      { hook: 'blocks.0.attn.hook_z', heads: [99] }
    ],
    [
      "patch out of range: position -1 of 'blocks.0.attn.hook_z', which has 6",
      { hook: 'blocks.0.attn.hook_z', pos: [-1] }
    ]
  ])('%s: of sweeps and of paths', async (message, patch) => {
    await expect(subject.sweep(request([patch]), quiet)).rejects.toThrow(message);
    const paths = [{ sender: patch, receivers: 'logits' as const }];
    const source = { kind: 'run', ids: OTHER } as const;
    await expect(subject.pathSweep({ base: BASE, source, paths, readout }, quiet)).rejects.toThrow(message);
  });

  test('values of another shape than the hook are refused', async () => {
    const z = places.filter(({ hook }) => hook.endsWith('hook_z'));
    const source = {
      kind: 'values',
      of: () => ({ dims: [1, 2], type: 'float32' as const, data: new Float32Array(2) })
    } as const;
    await expect(subject.sweep(request(z, { source }), quiet)).rejects.toThrow('values of wrong shape: float32 [1, 2]');
  });

  test.each([
    ['NaN itself', NaN, (hook: string): string => `would put NaN at '${hook}'`],
    ['numbers so large that their norm is NaN', 3e38, (): string => 'the first hook that has it is ']
  ])('what makes NaN is named: %s', async (_, value, why) => {
    const patch = { hook: 'blocks.0.attn.hook_z' };
    const { dims } = (await subject.forward({ ids: [BASE[0]], hooks: [patch.hook] }, quiet)).get(patch.hook);
    const data = Float32Array.from({ length: dims.reduce((product, size) => product * size, 1) }, () => value);
    const tensor = { dims, type: 'float32' as const, data };
    const exact = subject.sweep(request([patch], { source: { kind: 'values', of: () => tensor } }), quiet);
    const message = await exact.then(String, (error: Error) => error.message);
    expect(message).toMatch(new RegExp(`^metric not a number: with a patch of '${patch.hook}' it is NaN; `));
    expect(message).toContain(why(patch.hook));
    const list = [{ ...patch, op: 'set' as const, value: tensor }];
    await expect(
      subject.forward({ ids: [BASE[0]], hooks: [], outputs: ['logits'], interventions: { list } }, quiet)
    ).rejects.toThrow(why(patch.hook));
  });

  test('a metric that is NaN of numbers is said to be', async () => {
    const nan = { ...readout, value: () => NaN };
    const source = { kind: 'run', ids: OTHER } as const;
    const sender = { hook: 'blocks.0.attn.hook_z' };
    const said = 'metric not a number: of prompt 0 it is NaN, its logits are numbers';
    await expect(subject.sweep(request([sender], { readout: nan }), quiet)).rejects.toThrow(said);
    await expect(
      subject.pathSweep({ base: BASE, source, paths: [{ sender, receivers: 'logits' }], readout: nan }, quiet)
    ).rejects.toThrow(said);
  });
});

test.each([
  ['gpt2', 'optimum'],
  ['llama', 'torchscript'],
  ['neox', 'dynamo'],
  ['attn-only-rope', 'dynamo']
])('%s %s without names, its nodes in another order: cut as well', async (family, style) => {
  const { model, weights } = readFixture(family, style);
  const scrambled = scramble(model, weights, 5);
  const { model: external, files } = externalise(scrambled.model, scrambled.weights);
  const data = Object.fromEntries(files.map(({ path, data: bytes }) => [path, bytes]));
  const named = { 'm.onnx': joinBytes(writeModel(external)), ...data };
  const subject = await openModel(memoryFiles('scrambled', named), runtime, quiet);
  const plain = await openModel(fixtureFiles(family, `${style}.onnx`), runtime, quiet);
  const there = new Set(plain.anatomy.hooks.filter(({ status }) => status === 'verified').map(({ name }) => name));
  const asked = request(places.filter(({ hook }) => there.has(hook)));
  const [a, b] = [await subject.sweep(asked, quiet), await plain.sweep(asked, quiet)];
  expect([a.method, b.method]).toEqual(['positions', 'positions']);
  expect(apart(a.values, b)).toBeLessThanOrEqual(TOLERANCE);
  await Promise.all([subject.close(), plain.close()]);
});

test.each(['gpt2', 'llama'])('%s with past keys and values is swept with none', async family => {
  const past = await openModel(fixtureFiles(family, 'optimum-with-past.onnx'), runtime, quiet);
  const plain = await openModel(fixtureFiles(family, 'optimum.onnx'), runtime, quiet);
  const [a, b] = [await past.sweep(request(places), quiet), await plain.sweep(request(places), quiet)];
  expect(a.method).toBe('positions');
  expect(apart(a.values, b)).toBeLessThanOrEqual(TOLERANCE);
  await Promise.all([past.close(), plain.close()]);
});

const asset = (file: string): string => pathToFileURL(require.resolve(`onnxruntime-web/${file}`)).href;

test.each(['gpt2', 'llama'])('%s in WebAssembly: the same effects as in the native library', async family => {
  const wasm = createWasmRuntime({
    wasm: asset('ort-wasm-simd-threaded.wasm'),
    mjs: asset('ort-wasm-simd-threaded.mjs')
  });
  const [native, web] = await Promise.all(
    [runtime, wasm].map(which => openModel(fixtureFiles(family, 'optimum.onnx'), which, quiet))
  );
  const [a, b] = [await web.sweep(request(places), quiet), await native.sweep(request(places), quiet)];
  expect([a.method, b.method]).toEqual(['positions', 'positions']);
  expect(apart(a.values, b)).toBeLessThanOrEqual(TOLERANCE);
  await Promise.all([native.close(), web.close()]);
});
