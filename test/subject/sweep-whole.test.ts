import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import type { Patch, Readout } from '../../src/subject/sweep';
import { fixtureFiles, quiet } from './fixture-files';

const BASE = [
  [3, 17, 40, 8, 25],
  [9, 2, 31, 44, 6]
];
const OTHER = [
  [5, 17, 11, 8, 30],
  [9, 20, 31, 7, 6]
];
/** The difference of two logits at the last position. */
const readout: Readout = {
  positions: [[4], [4]],
  columns: [
    [1, 2],
    [3, 0]
  ],
  value: logits => logits[0] - logits[1]
};

describe.each(['gpt2', 'llama', 'neox'])('sweeps by whole forwards: %s', family => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles(family, 'optimum.onnx'), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  const sweep = (patches: readonly Patch[], source = OTHER): ReturnType<Subject['sweep']> =>
    subject.sweep({ base: BASE, source: { kind: 'run', ids: source }, patches, readout }, quiet);

  test('patching the stream before everything gives the other run; patching a run with itself changes nothing', async () => {
    const whole = await sweep([{ hook: 'blocks.0.hook_resid_pre' }]);
    const same = await sweep([{ hook: 'blocks.1.attn.hook_z', heads: [1] }], BASE);
    BASE.forEach((_, prompt) => {
      expect(whole.values[prompt]).toBeCloseTo(whole.source![prompt], 4);
      expect(same.values[prompt]).toBeCloseTo(same.base[prompt], 4);
      expect(Math.abs(whole.base[prompt] - whole.source![prompt])).toBeGreaterThan(0.01);
    });
  });

  test('a patch of one head at one position of one prompt is what an intervention does', async () => {
    const given: number[][] = [];
    const patches = [0, 1].flatMap(head =>
      [3, 4].map(pos => ({ hook: 'blocks.1.attn.hook_z', heads: [head], pos: [pos] }))
    );
    const { values } = await subject.sweep(
      {
        base: BASE,
        source: { kind: 'run', ids: OTHER },
        patches,
        readout,
        onPatch: (at, row) => (given[at] = [...row])
      },
      quiet
    );
    expect(given.flat()).toEqual([...values]);
    const other = await subject.forward({ ids: OTHER, hooks: ['blocks.1.attn.hook_z'] }, quiet);
    const list = [{ hook: 'blocks.1.attn.hook_z', op: 'patch' as const, heads: [1], pos: [3], from: 'other' }];
    const { get } = await subject.forward(
      { ids: BASE, hooks: [], outputs: ['logits'], interventions: { list, runs: { other } } },
      quiet
    );
    const { dims, data } = get('logits');
    const at = (4 + 1 * dims[1]) * dims[2];
    expect(values[2 * 2 + 1]).toBeCloseTo(Number(data[at + 3]) - Number(data[at]), 4);
  });

  test('a path from the last block to the logits is the patch of its sender there', async () => {
    const last = subject.tower.layers - 1;
    const sender = { hook: `blocks.${last}.hook_mlp_out` };
    const path = await subject.pathSweep(
      { base: BASE, source: { kind: 'run', ids: OTHER }, paths: [{ sender, receivers: 'logits' }], readout },
      quiet
    );
    const patch = await sweep([sender]);
    BASE.forEach((_, prompt) => expect(path.values[prompt]).toBeCloseTo(patch.values[prompt], 4));
  });

  test('a path leaves out what goes through other parts', async () => {
    const sender = { hook: 'blocks.0.attn.hook_z', heads: [0] };
    const receivers = [
      { hook: 'blocks.1.attn.hook_q' },
      { hook: 'blocks.1.attn.hook_k' },
      { hook: 'blocks.1.attn.hook_v' }
    ];
    const run = (paths: Parameters<Subject['pathSweep']>[0]['paths']): ReturnType<Subject['pathSweep']> =>
      subject.pathSweep({ base: BASE, source: { kind: 'run', ids: OTHER }, paths, readout }, quiet);
    const through = await run([{ sender, receivers }]);
    const direct = await run([{ sender, receivers: 'logits' }]);
    const all = await sweep([sender]);
    BASE.forEach((_, prompt) => {
      expect(through.values[prompt]).not.toBeCloseTo(all.values[prompt], 4);
      expect(direct.values[prompt]).not.toBeCloseTo(through.values[prompt], 4);
    });
  });

  test('refuses places that are not there, before anything is patched', async () => {
    await expect(sweep([{ hook: 'blocks.9.attn.hook_z' }])).rejects.toThrow("hook unknown: 'blocks.9.attn.hook_z'");
    await expect(sweep([{ hook: 'blocks.1.attn.hook_z', pos: [5] }])).rejects.toThrow(/5/);
    const wrong = { ...readout, positions: [[9], [4]] };
    await expect(
      subject.sweep({ base: BASE, source: { kind: 'zero' }, patches: [], readout: wrong }, quiet)
    ).rejects.toThrow('readout out of range: position 9, there are 5');
    await expect(
      subject.pathSweep(
        {
          base: BASE,
          source: { kind: 'zero' },
          paths: [{ sender: { hook: 'blocks.1.attn.hook_z' }, receivers: [{ hook: 'blocks.1.attn.hook_q' }] }],
          readout
        },
        quiet
      )
    ).rejects.toThrow("path impossible: 'blocks.1.attn.hook_q' is computed before 'blocks.1.attn.hook_z'");
  });
});
