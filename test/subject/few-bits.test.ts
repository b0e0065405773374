import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { toFloat64 } from '../../src/onnx/decode-tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { memoryFiles, quiet } from './fixture-files';
import { expectedOf } from './matrix-cells';
import { patchesOf, readout, rows } from './sweep-requests';

/** Weights of four bits resemble Hugging Face's; another tensor's are unlike (≥ 1). As other rows of few bits. */
const RESEMBLING = 0.6;

const ROWS = [
  { name: 'llama-nf4', family: 'llama', sweeps: 'exact' },
  { name: 'llama-level4', family: 'llama', sweeps: 'whole' },
  { name: 'bert-tables', family: 'bert', sweeps: undefined }
] as const;

test.each(ROWS)('$name: every hook is verified, and resembles Hugging Face’s', async ({ name, family, sweeps }) => {
  const bytes = gunzipSync(readFileSync(join(__dirname, `../fixtures/quantised/few-${name}.onnx.gz`)));
  const subject = await openModel(memoryFiles(name, { 'model.onnx': bytes }), createNodeRuntime(), quiet);
  expect(subject.anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
  expect(subject.certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
  const { ids, hooks } = expectedOf(family).text!;
  const names = Object.keys(hooks).filter(hook => subject.anatomy.hooks.some(one => one.name === hook));
  expect(names.length).toBeGreaterThan(8);
  const cache = await subject.forward({ ids: ids!, hooks: names }, quiet);
  for (const hook of names) {
    const numbers = toFloat64(cache.get(hook));
    const { at, values } = hooks[hook];
    const square = (of: (value: number, i: number) => number): number =>
      values.reduce((sum, value, i) => sum + of(value, i) ** 2, 0);
    const off = Math.sqrt(square((value, i) => value - numbers[at[i]]) / square(value => value));
    expect({ hook, off: off < RESEMBLING ? 'alike' : off }).toEqual({ hook, off: 'alike' });
  }
  if (sweeps !== undefined) {
    const source = { kind: 'run', ids: rows(4, subject.tower.dVocab!) } as const;
    const [patch] = patchesOf(subject, 9);
    const base = rows(1, subject.tower.dVocab!);
    const { method } = await subject.sweep({ base, source, patches: [patch], readout }, quiet);
    expect(method === 'whole' ? 'whole' : 'exact').toBe(sweeps);
  }
  await subject.close();
});
