import type { Prepared, Room, Runtime } from '../../src/runtime/runtime';
import { createNodeRuntime } from '../../src/runtime/node';
import { wasmRoom } from '../../src/runtime/wasm-room';
import { openModel } from '../../src/subject/opening/open-model';
import { refuseWithoutRoom } from '../../src/subject/refuse-without-room';
import type { Subject } from '../../src/subject/subject';
import type { PathSweepRequest, SweepRequest } from '../../src/subject/sweep';
import { fixtureFiles, quiet } from './fixture-files';

const LENGTH = 6;
const BASE = [[3, 17, 20, 8, 25, 11]];
const OTHER = [[5, 17, 11, 8, 30, 12]];
const readout = {
  positions: [[LENGTH - 1]],
  columns: [[1, 2]],
  value: (logits: Float32Array): number => logits[0] - logits[1]
};
const sweep: SweepRequest = {
  base: BASE,
  source: { kind: 'run', ids: OTHER },
  patches: [0, 1].flatMap(layer =>
    ['attn.hook_z', 'attn.hook_k', 'hook_resid_pre', 'hook_mlp_out'].flatMap(name =>
      [1, 4].map(pos => ({ hook: `blocks.${layer}.${name}`, pos: [pos] }))
    )
  ),
  readout
};
const receivers = (...parts: readonly string[]) => parts.map(part => ({ hook: `blocks.1.attn.hook_${part}` }));
const paths: PathSweepRequest = {
  base: BASE,
  source: { kind: 'run', ids: OTHER },
  paths: [
    { sender: { hook: 'blocks.0.attn.hook_z', heads: [0] }, receivers: receivers('q', 'k', 'v') },
    { sender: { hook: 'blocks.0.attn.hook_z', heads: [1] }, receivers: receivers('q') },
    { sender: { hook: 'blocks.0.hook_mlp_out', pos: [2] }, receivers: receivers('k', 'v') },
    { sender: { hook: 'blocks.1.hook_mlp_out' }, receivers: 'logits' },
    { sender: { hook: 'hook_embed', pos: [3] }, receivers: 'logits' },
    { sender: { hook: 'hook_embed', pos: [1, 4] }, receivers: [{ hook: 'blocks.0.attn.hook_v' }, ...receivers('q')] }
  ],
  readout
};

/** Counts the tokens of each piece's runs, and lets the room be set. */
const watched = () => {
  const native = createNodeRuntime();
  const runs: { readonly kind: string; readonly tokens: number }[] = [];
  let room: Room = { bytes: Infinity, of: "of the test's memory" };
  const runtime: Runtime = {
    ...native,
    room: () => room,
    prepare: async (model, weights) => {
      const prepared = await native.prepare(model, weights);
      const kind = / of block /.test(model.graph.name) ? model.graph.name.split(' ')[0] : 'whole';
      const run: Prepared['run'] = (feeds, fetches) => {
        const [rows, tokens] = feeds[prepared.inputs[0]].dims;
        runs.push({ kind, tokens: rows * tokens });
        return prepared.run(feeds, fetches);
      };
      return { ...prepared, run };
    }
  };
  return { runtime, runs, allow: (bytes: number) => (room = { ...room, bytes }) };
};

describe.each(['gpt2', 'llama', 'bert'])('what a sweep of %s will cost', family => {
  const { runtime, runs, allow } = watched();
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles(family, 'optimum.onnx'), runtime, quiet);
  });
  afterAll(() => subject.close());

  /** Operations of the pieces' matrix products since the last call. */
  const counted = (): number => {
    const { dModel, heads, kvHeads, dHead, dMlp, mlp } = subject.tower;
    const prices: Readonly<Record<string, number>> = {
      project: 2 * dModel * (heads + 2 * kvHeads) * dHead,
      attend: 4 * LENGTH * heads * dHead,
      output: 2 * heads * dHead * dModel,
      mlp: 2 * dModel * (dMlp ?? 0) * (mlp === 'gated' ? 3 : 2)
    };
    return runs.splice(0).reduce((sum, { kind, tokens }) => sum + (prices[kind] ?? 0) * tokens, 0);
  };

  test.each([
    ['all tokens differ', OTHER],
    ['the first two are common', [[3, 17, 5, 11, 30, 12]]]
  ])('operations said beforehand are those that are made: %s', async (_, ids) => {
    const request: SweepRequest = {
      ...sweep,
      source: { kind: 'run', ids },
      patches: [...sweep.patches, { hook: 'blocks.0.attn.hook_z', heads: [0] }, { hook: 'blocks.1.hook_resid_pre' }]
    };
    counted();
    await subject.sweep({ ...request, patches: [] }, quiet);
    const check = counted();
    const said = subject.sweepCost(request);
    const { method } = await subject.sweep(request, quiet);
    expect(said.method).toBe(method);
    expect(said.work).toBeGreaterThan(0);
    expect(said.work).toBeLessThan(said.forwards);
    expect(said.seconds).toBeGreaterThan(0);
    expect((counted() - check) / said.operations).toBeCloseTo(1, 6);
  });

  test('of paths too, to queries, keys and values together', async () => {
    await subject.pathSweep({ ...paths, paths: [] }, quiet);
    const check = counted();
    const said = subject.pathSweepCost(paths);
    const { method } = await subject.pathSweep(paths, quiet);
    expect(said.method).toBe(method);
    const made = counted() - check;
    expect(made / said.operations).toBeCloseTo(1, 6);
  });

  test('weights are counted until they are held', async () => {
    const fresh = await openModel(fixtureFiles(family, 'optimum.onnx'), createNodeRuntime(), quiet);
    const { session } = fresh.sweepCost(sweep);
    expect(session).toBeGreaterThan(0.3 * fresh.facts.bytes);
    expect(session).toBeLessThan(fresh.facts.bytes);
    await fresh.sweep(sweep, quiet);
    expect(fresh.sweepCost(sweep)).toMatchObject({ session: 0, bytes: fresh.sweepCost(sweep).bytes });
    await fresh.close();
  });

  test.each(['sweep', 'pathSweep'] as const)(
    '%s is refused before anything runs where memory would not suffice',
    async kind => {
      const { bytes, session } = kind === 'sweep' ? subject.sweepCost(sweep) : subject.pathSweepCost(paths);
      const run = (): Promise<unknown> =>
        kind === 'sweep' ? subject.sweep(sweep, quiet) : subject.pathSweep(paths, quiet);
      runs.splice(0);
      allow(bytes + session - 1);
      await expect(run()).rejects.toThrow(
        /^memory would not suffice: the sweep needs \d+ MB \(.*\d+ MB for activations\), \d+ MB of the test's memory are free$/
      );
      expect(runs).toEqual([]);
      allow(bytes + session);
      await run();
      allow(Infinity);
    }
  );
});

test.each(['interventions', 'changed edges'] as const)(
  'a session for %s is refused before it is made where the weights would not fit once more',
  async what => {
    const { runtime, allow } = watched();
    const subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), runtime, quiet);
    const interventions = { list: [{ hook: 'blocks.0.attn.hook_z', op: 'zero' as const }] };
    const run = (): Promise<unknown> =>
      what === 'interventions'
        ? subject.generate({ ids: BASE, tokens: 1, interventions }, quiet)
        : subject.edges({ receivers: ['logits'] }, quiet);
    allow(1000);
    await expect(run()).rejects.toThrow(
      new RegExp(
        `^memory would not suffice: a session for ${what} needs 1 MB \\(1 MB for the weights once more\\), 1 MB of`
      )
    );
    allow(Infinity);
    await run();
    await subject.close();
  }
);

test('what cannot be cut is priced as whole forwards, before it was tried', async () => {
  const subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), createNodeRuntime(), quiet);
  const patches = [{ hook: 'blocks.0.mlp.hook_post', pos: [2] }];
  const said = subject.sweepCost({ ...sweep, patches });
  expect(said).toMatchObject({ method: 'whole', session: expect.any(Number) as number });
  expect(said.session).toBeGreaterThan(0);
  expect((await subject.sweep({ ...sweep, patches }, quiet)).method).toBe('whole');
  await subject.close();
});

test('the words name what, how much, of which and what is free; sizes beyond counting are refused', () => {
  const needs = [
    { bytes: 3.5 * 2 ** 30, what: 'for the weights once more' },
    { bytes: 200 * 2 ** 20, what: 'for activations' }
  ];
  expect(() => refuseWithoutRoom("'ablation'", needs, wasmRoom(2 ** 30))).toThrow(
    "memory would not suffice: 'ablation' needs 3.7 GB (3.5 GB for the weights once more, 200 MB for activations), 3.0 GB of WebAssembly's 4.0 GB are free"
  );
  expect(() => refuseWithoutRoom('x', [{ bytes: NaN, what: 'for activations' }], wasmRoom(0))).toThrow(
    'would not suffice'
  );
  refuseWithoutRoom("'ablation'", needs, wasmRoom(0));
});

test("the machine's room is what the system has free", () => {
  const { bytes, of } = createNodeRuntime().room();
  expect(bytes).toBeGreaterThan(2 ** 20);
  expect(of).toBe("of the machine's memory");
});
