import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/open-model';
import type { Subject } from '../../src/subject/subject';
import type { Patch, Path, PathSweepRequest, Readout, SweepRequest, SweepResult } from '../../src/subject/sweep';
import { sweepWhole } from '../../src/subject/sweeps/whole';
import { pathSweepWhole } from '../../src/subject/sweeps/whole-paths';
import { memoryFiles, MODELS, quiet } from './fixture-files';

const LENGTH = 6;
const PROMPTS = 2;
const FAMILIES = ['gpt2', 'llama', 'neox', 'attn-only', 'attn-only-rope', 'no-norm', 'lens', 'bert'];

const files = FAMILIES.flatMap(family =>
  readdirSync(join(MODELS, family))
    .filter(name => name.endsWith('.onnx'))
    .map(name => [family, name, join(MODELS, family, name)] as const)
);
/** Norms before and behind each part, parallel blocks with rotations between neighbours, distances added to scores, one norm for both. */
const MATRIX = ['gemma2', 'gptj', 'bloom', 'cohere'].map(
  family => [family, 'dynamo.onnx', join(__dirname, `../fixtures/matrix/${family}/dynamo.onnx.gz`)] as const
);

const open = (family: string, path: string): Promise<Subject> => {
  const bytes = readFileSync(path);
  return openModel(
    memoryFiles(family, { 'model.onnx': path.endsWith('.gz') ? gunzipSync(bytes) : bytes }),
    createNodeRuntime(),
    quiet
  );
};

const rows = (seed: number, vocabulary: number): number[][] =>
  Array.from({ length: PROMPTS }, (_, prompt) =>
    Array.from({ length: LENGTH }, (_, at) => (seed + 7 * prompt + 5 * at * (prompt + 1)) % vocabulary)
  );

const readout: Readout = {
  positions: [[LENGTH - 1], [LENGTH - 1, 2]],
  columns: [
    [1, 2],
    [3, 0]
  ],
  value: logits => logits.reduce((sum, value, at) => sum + (at % 2 ? -value : value), 0)
};
const everything: Readout = {
  positions: [[LENGTH - 1], [3]],
  value: logits => logits[4] - Math.max(...logits)
};

/** All hooks by head and position, head, position: every third, so that each kind and layer is met. */
const patchesOf = (subject: Subject): readonly Patch[] => {
  const { layers, heads, kvHeads } = subject.tower;
  const verified = new Set(subject.anatomy.hooks.filter(hook => hook.status === 'verified').map(({ name }) => name));
  const all = Array.from({ length: layers }, (_, layer) => [
    ...['resid_pre', 'resid_mid', 'resid_post', 'attn_out', 'mlp_out'].flatMap(name => {
      const hook = `blocks.${layer}.hook_${name}`;
      return [{ hook }, ...Array.from({ length: LENGTH }, (_, pos) => ({ hook, pos: [pos] }))];
    }),
    ...['q', 'k', 'v', 'z', 'pattern'].flatMap(name => {
      const hook = `blocks.${layer}.attn.hook_${name}`;
      const count = name === 'k' || name === 'v' ? kvHeads : heads;
      return [
        { hook },
        ...Array.from({ length: count }, (_, head) => [
          { hook, heads: [head] },
          ...Array.from({ length: LENGTH }, (_, pos) => ({ hook, heads: [head], pos: [pos] }))
        ]).flat()
      ];
    })
  ]).flat();
  return all.filter(({ hook }) => verified.has(hook)).filter((_, at) => at % 3 === 0);
};

/** Senders of all kinds to queries, keys and values of every later layer, and to the logits: every second. */
const pathsOf = ({ tower, anatomy }: Subject): readonly Path[] => {
  const verified = new Set(anatomy.hooks.filter(hook => hook.status === 'verified').map(({ name }) => name));
  const layers = Array.from({ length: tower.layers }, (_, layer) => layer);
  const senders = [
    { sender: { hook: 'hook_embed' }, from: -1 },
    ...layers.flatMap(layer => [
      { sender: { hook: `blocks.${layer}.hook_mlp_out` }, from: layer },
      { sender: { hook: `blocks.${layer}.attn.hook_z`, heads: [layer % tower.heads] }, from: layer },
      { sender: { hook: `blocks.${layer}.attn.hook_z`, heads: [1], pos: [1] }, from: layer }
    ])
  ].filter(({ sender }) => verified.has(sender.hook));
  const paths: readonly Path[] = senders.flatMap(({ sender, from }) => [
    { sender, receivers: 'logits' as const },
    ...layers
      .filter(layer => layer > from)
      .flatMap(layer => [
        { sender, receivers: [{ hook: `blocks.${layer}.attn.hook_q`, heads: [0] }] },
        { sender, receivers: [{ hook: `blocks.${layer}.attn.hook_k`, pos: [1, 2] }] },
        { sender, receivers: ['q', 'k', 'v'].map(name => ({ hook: `blocks.${layer}.attn.hook_${name}` })) }
      ]),
    ...(from < layers.length - 2
      ? [
          { sender, receivers: layers.slice(from + 1).map(layer => ({ hook: `blocks.${layer}.attn.hook_v` })) },
          {
            sender,
            receivers: layers.slice(from + 1).flatMap(layer => [
              { hook: `blocks.${layer}.attn.hook_q`, heads: [1], pos: [3, 5] },
              { hook: `blocks.${layer}.attn.hook_k`, heads: [0] }
            ])
          }
        ]
      : [])
  ]);
  return paths.filter(({ receivers }) => receivers === 'logits' || receivers.every(({ hook }) => verified.has(hook)));
};

/** Largest difference of two sweeps relative to the largest effect. */
const difference = (a: SweepResult, b: SweepResult): { largest: number; off: number; at: number } => {
  const largest = b.values.reduce((most, value, at) => Math.max(most, Math.abs(value - b.base[at % PROMPTS])), 0);
  const off = a.values.map((value, at) => Math.abs(value - b.values[at]) / largest);
  const at = off.indexOf(Math.max(...off));
  return { largest, off: off[at], at };
};

describe.each([...files, ...MATRIX])('exact sweeps equal whole forwards: %s %s', (family, _name, path) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, path);
  });
  afterAll(() => subject.close());

  test.each([
    ['columns, another run', readout, 'run'],
    ['all of the vocabulary, zeros', everything, 'zero']
  ] as const)('%s', async (_, read, kind) => {
    const vocabulary = subject.tower.dVocab ?? 20;
    const base = rows(1, vocabulary);
    const source = kind === 'run' ? ({ kind, ids: rows(4, vocabulary) } as const) : ({ kind } as const);
    const request: SweepRequest = { base, source, patches: patchesOf(subject), readout: read };
    const given = new Map<number, readonly number[]>();
    const exact = await subject.sweep({ ...request, onPatch: (at, values) => given.set(at, [...values]) }, quiet);
    const naive = await sweepWhole(subject, request, quiet);
    expect(exact.method).toBe(subject.tower.causal ? 'positions' : 'layers');
    const { largest, off, at } = difference(exact, naive);
    expect(largest).toBeGreaterThan(0.01);
    // Single precision, other orders of summation.
    expect({ patch: request.patches[Math.floor(at / PROMPTS)], off }).toEqual({
      patch: expect.anything() as unknown,
      off: expect.closeTo(0, 4) as unknown
    });
    expect([...given.keys()]).toHaveLength(request.patches.length);
    given.forEach((values, index) =>
      expect(values).toEqual([...exact.values.subarray(index * PROMPTS, (index + 1) * PROMPTS)])
    );
  });

  test('paths', async () => {
    const vocabulary = subject.tower.dVocab ?? 20;
    const source = { kind: 'run', ids: rows(4, vocabulary) } as const;
    const request: PathSweepRequest = { base: rows(1, vocabulary), source, paths: pathsOf(subject), readout };
    const exact = await subject.pathSweep(request, quiet);
    const naive = await pathSweepWhole(subject, request, quiet);
    expect(exact.method).toBe(subject.tower.causal ? 'positions' : 'layers');
    const { largest, off, at } = difference(exact, naive);
    expect(largest).toBeGreaterThan(0.001);
    expect({ path: request.paths[Math.floor(at / PROMPTS)], off }).toEqual({
      path: expect.anything() as unknown,
      off: expect.closeTo(0, 4) as unknown
    });
  });
});
