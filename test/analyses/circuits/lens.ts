import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Analysis } from '../../../src/analyses/analysis';
import type { SpecFields } from '../../../src/analyses/spec/spec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { fixtureFiles, memoryFiles, quiet } from '../../subject/fixture-files';
import type { Style } from '../../subject/matrix-cells';

/** What test/fixtures/circuits.py wrote. */
export const oracle = <T>(): T =>
  JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/circuits.json'), 'utf8')) as T;

export const MODELS = [
  ['gpt2', 'optimum'],
  ['gpt2', 'dynamo'],
  ['llama', 'optimum'],
  ['neox', 'optimum'],
  ['attn-only', 'torchscript'],
  ['attn-only-rope', 'torchscript']
] as const;

export const open = (family: string, style: string): Promise<Subject> =>
  openModel(fixtureFiles(family, `${style}.onnx`), createNodeRuntime(), quiet);

/** A file of the family matrix. */
export const openFile = (family: string, style: Style): Promise<Subject> => {
  const packed = readFileSync(join(__dirname, '../../fixtures/matrix', family, `${style}.onnx.gz`));
  return openModel(memoryFiles(family, { 'model.onnx': gunzipSync(packed) }), createNodeRuntime(), quiet);
};

/** As a notebook gives it back. */
export async function run<F extends SpecFields, R>(
  analysis: Analysis<F, R>,
  subject: Subject,
  given: object
): Promise<R> {
  expect(analysis.refuses(subject)).toBeUndefined();
  const result = await analysis.compute(subject, validateSpec(analysis, given), quiet, 0);
  return analysis.validateResult(JSON.parse(JSON.stringify(result)));
}

export const furthest = (a: ArrayLike<number>, b: readonly number[]): number => {
  expect(a.length).toBe(b.length);
  return b.reduce((most, value, at) => Math.max(most, Math.abs(value - a[at])), 0);
};
