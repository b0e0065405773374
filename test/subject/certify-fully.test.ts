import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Captured, Further } from '../../src/anatomy/certificate/captured';
import { certify } from '../../src/anatomy/certificate/certify';
import { applyCertificate } from '../../src/anatomy/certificate/judge-hooks';
import { probe } from '../../src/anatomy/certificate/probe';
import { recognise } from '../../src/anatomy/recognise';
import { applyEdits } from '../../src/graph/edit';
import { joinBytes } from '../../src/onnx/join-bytes';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { capture } from '../anatomy/certificate';
import { openModel as readFixture } from '../anatomy/fixtures';
import { fixtureFiles, memoryFiles, MODELS, quiet } from './fixture-files';

const open = (family: string, file: string): Promise<Subject> =>
  openModel(fixtureFiles(family, file), createNodeRuntime(), quiet);

/** What the full certificate has besides the quick one, where the file has the parts. */
const FULL = ['batch-equals-each-alone', 'run-from-layer-0-equals-whole-run'];
const PADDED = ['left-padding-changes-nothing', 'right-padding-changes-nothing'];

test.each([
  ['gpt2', 'optimum.onnx', [...FULL, ...PADDED]],
  // No mask is an input.
  ['llama', 'dynamo.onnx', FULL],
  // Positions are counted from the start of the row: padding in front moves them.
  ['bert', 'torchscript.onnx', [...FULL, 'right-padding-changes-nothing']],
  ['neox', 'optimum.onnx', [...FULL, ...PADDED]]
])('%s/%s: all identities of the full certificate hold', async (family, file, wanted) => {
  const subject = await open(family, file);
  const { certificate, anatomy } = await subject.certify({ level: 'full' }, quiet);
  expect(certificate.level).toBe('full');
  expect(certificate.forwards).toBeLessThanOrEqual(12);
  expect(certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
  const quick = new Set(subject.certificate.identities.map(({ name }) => name));
  const names = certificate.identities.map(({ name }) => name);
  expect(names.filter(name => !quick.has(name)).sort()).toEqual([...wanted].sort());
  expect([...quick].filter(name => !names.includes(name))).toEqual([]);
  expect(anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
  await subject.close();
});

/** The mask's input is at least 1 everywhere before anything reads it. */
const maskIgnored = (model: Model): Model => {
  const one = {
    name: 'one',
    dims: [1],
    dataType: 7,
    data: { kind: 'raw' as const, bytes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) },
    unknown: new Uint8Array(0)
  };
  const [like] = model.graph.nodes;
  const node = {
    ...like,
    name: 'open',
    opType: 'Max',
    inputs: ['attention_mask', 'one'],
    outputs: ['opened'],
    attributes: []
  };
  return {
    ...model,
    graph: applyEdits(model.graph, [
      { op: 'replace-uses', tensor: 'attention_mask', by: 'opened' },
      { op: 'add-initializer', tensor: one },
      { op: 'add-node', node }
    ])
  };
};

test('a mask that the file ignores is found by padding, and by the full certificate alone', async () => {
  const bytes = readFileSync(join(MODELS, 'bert/optimum.onnx'));
  const changed = joinBytes(writeModel(maskIgnored(readModel(bytes, 'bert'))));
  const subject = await openModel(memoryFiles('bert', { 'model.onnx': changed }), createNodeRuntime(), quiet);
  expect(subject.certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
  const { certificate, anatomy } = await subject.certify({ level: 'full' }, quiet);
  const failed = certificate.identities.filter(({ holds }) => !holds);
  expect(failed.map(({ name }) => name)).toEqual(['right-padding-changes-nothing']);
  expect(failed[0].fails).toContain('blocks.0.attn.hook_pattern');
  expect(anatomy.hooks.find(({ name }) => name === 'blocks.0.attn.hook_z')).toMatchObject({ status: 'unavailable' });
  // What comes before any attention has nothing to do with it.
  expect(anatomy.hooks.find(({ name }) => name === 'blocks.0.attn.hook_q')).toMatchObject({ status: 'verified' });
  await subject.close();
});

describe('runs that differ', () => {
  const { model, weights } = readFixture('gpt2', 'optimum');
  const anatomy = recognise(model, weights);
  const NAME = 'blocks.1.attn.hook_z';
  let captured: Captured;
  beforeAll(async () => {
    captured = await capture(model, weights, anatomy);
  });

  /** One row of every hook. */
  const rowOf = (row: number): Captured['hooks'] =>
    new Map(
      [...captured.hooks].map(([name, { dims, type, data }]) => {
        const size = data.length / dims[0];
        return [name, { dims: [1, ...dims.slice(1)], type, data: data.slice(row * size, (row + 1) * size) }] as const;
      })
    );
  const nudged = (hooks: Captured['hooks']): Captured['hooks'] => {
    const { dims, type, data } = hooks.get(NAME)!;
    return new Map([...hooks, [NAME, { dims, type, data: (data as Float32Array).map(x => x * 1.001) }] as const]);
  };
  const failing = (further: Partial<Further>) => {
    const request = { anatomy, model, weights, captured, probe: probe(anatomy).ids, forwards: 3 };
    const certificate = certify({ ...request, further: { alone: [], padded: [], ...further } });
    const wrong = certificate.identities.filter(({ holds }) => !holds);
    const hooks = applyCertificate(anatomy, certificate).hooks.filter(({ status }) => status !== 'verified');
    return { failed: wrong.map(({ name, fails }) => [name, fails]), lost: hooks.map(({ name }) => name) };
  };

  test('the same runs: nothing fails', () => {
    expect(failing({ alone: [rowOf(0), rowOf(1)], restarted: captured.hooks })).toEqual({ failed: [], lost: [] });
  });

  test('a row that is another one in a batch', () => {
    expect(failing({ alone: [rowOf(0), nudged(rowOf(1))] })).toEqual({
      failed: [['batch-equals-each-alone', [NAME]]],
      lost: [NAME]
    });
  });

  test('blocks that read the ids otherwise than by the stream: no hook is wrong for it', () => {
    expect(failing({ restarted: nudged(captured.hooks) })).toEqual({
      failed: [['run-from-layer-0-equals-whole-run', [NAME]]],
      lost: []
    });
  });

  test('a wrong hook in the other length alone', () => {
    const other = { probe: probe(anatomy).ids, captured: { ...captured, hooks: nudged(captured.hooks) } };
    const { failed, lost } = failing({ other });
    expect(failed).toEqual([
      ['pattern-times-v-equals-z', ['blocks.1']],
      ['z-reproduces-attn-out', ['blocks.1']]
    ]);
    expect(lost).toContain(NAME);
  });

  /** The first row's scores with one key and query more. */
  const padded = (beyond: number): Further['padded'] => {
    const name = 'blocks.0.attn.hook_attn_scores';
    const { dims, data } = captured.hooks.get(name)!;
    const [, heads, size] = dims;
    const grown = new Float32Array(heads * (size + 1) ** 2).map((_, i) => {
      const [head, query, key] = [
        Math.floor(i / (size + 1) ** 2),
        Math.floor(i / (size + 1)) % (size + 1),
        i % (size + 1)
      ];
      return query < size && key < size ? Number(data[(head * size + query) * size + key]) : beyond;
    });
    const hooks = new Map([[name, { dims: [1, heads, size + 1, size + 1], type: 'float32' as const, data: grown }]]);
    return [{ side: 'right', start: 0, positionsFed: true, hooks }];
  };

  test('scores before the mask: those of padding are open', () => {
    expect(failing({ padded: padded(-1e9) })).toEqual({ failed: [], lost: [] });
    expect(failing({ padded: padded(0) })).toEqual({
      failed: [['right-padding-changes-nothing', ['blocks.0.attn.hook_attn_scores']]],
      lost: ['blocks.0.attn.hook_attn_scores']
    });
  });
});
