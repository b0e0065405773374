import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { toFloat64 } from '../../src/onnx/decode-tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Intervention } from '../../src/subject/interventions/interventions';
import { openModel } from '../../src/subject/opening/open-model';
import type { ForwardRequest, Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from './fixture-files';
import { expectedOf, families, type Style } from './matrix-cells';

/** Of the largest number: the nodes themselves are exact; the runtime fuses less around them and then rounds otherwise. */
const NEUTRAL = 1e-6;

const styleOf = (family: string): Style =>
  (['optimum', 'dynamo', 'torchscript', 'optimum-with-past'] as const).find(style =>
    expectedOf(family).styles.includes(style)
  )!;

const SOURCE = [3, 9, 4, 11, 5];
const IMAGE_CONFIG = new TextEncoder().encode('{"image_size": 16}');

const open = async (family: string): Promise<Subject> => {
  const path = (part: string): string =>
    join(__dirname, `../fixtures/matrix/${family}/${styleOf(family)}${part}.onnx.gz`);
  const read = (part: string): Uint8Array => gunzipSync(readFileSync(path(part)));
  const files: Readonly<Record<string, Uint8Array>> = existsSync(path(''))
    ? { 'model.onnx': read('') }
    : { 'encoder_model.onnx': read('.encoder'), 'decoder_model.onnx': read('.decoder') };
  const beside: Readonly<Record<string, Uint8Array>> = expectedOf(family).image ? { 'config.json': IMAGE_CONFIG } : {};
  return openModel(memoryFiles(family, { ...files, ...beside }), createNodeRuntime(), quiet);
};

/** One row of what the family's oracle was given. */
const rowOf = (subject: Subject, family: string): Pick<ForwardRequest, 'ids' | 'feeds'> => {
  const { text, image } = expectedOf(family);
  const { ids, tensors } = (text ?? image)!;
  if (ids) {
    return { ids: [ids[0]] };
  }
  const [[name, { dims, values }]] = Object.entries(tensors!);
  const data = Float32Array.from(values.slice(0, values.length / dims[0]));
  return subject.tensorInput(new Map([[name, { dims: [1, ...dims.slice(1)], type: 'float32', data }]]), 'row');
};

/** Refused as a whole. */
const REFUSED = ['yolos'];

/** Not pairs of a text and an image. */
const single = families().filter(family => {
  const { text, image } = expectedOf(family);
  return (text ?? image) !== undefined && !REFUSED.includes(family);
});

test.each(single)('%s: interventions that change nothing at every hook leave the outputs as they are', async family => {
  const whole = await open(family);
  const subject = whole.reading ? whole.reading({ tower: 'decoder', other: { ids: SOURCE } }) : whole;
  const hooks = subject.anatomy.hooks.filter(
    ({ status, source }) =>
      status === 'verified' &&
      !subject.anatomy.inputs.some(({ name }) => name === source?.tensor) &&
      source?.steps.every(({ op }) => op !== 'normalise' && op !== 'expand')
  );
  expect(hooks.length).toBeGreaterThan(10);
  const [output] = subject.tower.head ? [subject.tower.head.logits] : subject.outputs;
  const run = async (list: readonly Intervention[]): Promise<Float64Array> => {
    const request = { ...rowOf(subject, family), hooks: [], outputs: [output], interventions: { list } };
    return toFloat64((await subject.forward(request, quiet)).get(output));
  };
  const plain = await run([]);
  const idle = await run(hooks.map(({ name }) => ({ hook: name, op: 'scale', value: 1 }) as const));
  const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(0);
  const off = plain.reduce((most, value, at) => Math.max(most, Math.abs(value - idle[at])), 0);
  expect(off / largest).toBeLessThanOrEqual(NEUTRAL);
  await whole.close();
});
