import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import type { PathSweepRequest, SweepRequest } from '../../src/subject/sweep';
import { sweepWhole } from '../../src/subject/sweeps/whole';
import { pathSweepWhole } from '../../src/subject/sweeps/whole-paths';
import { memoryFiles, MODELS, quiet } from './fixture-files';
import { difference, everything, patchesOf, pathsOf, PROMPTS, readout, rows } from './sweep-requests';

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
