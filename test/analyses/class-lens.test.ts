import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { logitLens } from '../../src/analyses/lens/logit-lens';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from '../subject/fixture-files';
import { furthest, run } from './circuits/lens';

/** What test/fixtures/class_lens.py wrote: Hugging Face's classifiers on each hidden state. */
const { ids, families } = JSON.parse(readFileSync(join(__dirname, '../fixtures/analyses/class-lens.json'), 'utf8')) as {
  readonly ids: readonly number[];
  readonly families: Readonly<
    Record<
      string,
      { readonly labels: Readonly<Record<string, string>>; readonly logits: readonly (readonly number[])[] }
    >
  >;
};
// Probabilities of logits of a few units, in single precision on both sides.
const TOLERANCE = 1e-6;

const softmax = (row: readonly number[]): number[] => {
  const sum = row.reduce((total, value) => total + Math.exp(value), 0);
  return row.map(value => Math.exp(value) / sum);
};

const open = (family: string, style: string, config?: object): Promise<Subject> => {
  const packed = readFileSync(join(__dirname, '../fixtures/matrix', family, `${style}.onnx.gz`));
  const files = {
    'model.onnx': gunzipSync(packed),
    ...(config && { 'config.json': new TextEncoder().encode(JSON.stringify(config)) })
  };
  return openModel(memoryFiles(family, files), createNodeRuntime(), quiet);
};

const cases = Object.keys(families).flatMap(family => ['torchscript', 'dynamo'].map(style => [family, style] as const));

describe.each(cases)('%s/%s.onnx, as in Hugging Face', (family, style) => {
  const { labels, logits } = families[family];
  const classes = Object.keys(labels).length;
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style, { id2label: labels });
  });
  afterAll(() => subject.close());

  test('classes after each layer', async () => {
    const spec = { ids, topK: classes };
    const result = await run(logitLens, subject, spec);
    const pooled = logits[0].length === classes;
    expect(result.classes).toBe(pooled ? 'text' : 'token');
    expect(result.values.shape).toEqual([logits.length, pooled ? 1 : ids.length, classes]);
    const [values, order] = [decodeTensor(result.values), decodeTensor(result.ids)];
    const found = new Array<number>(values.length);
    values.forEach((value, at) => (found[at - (at % classes) + order[at]] = value));
    const wanted = logits.flatMap(row =>
      Array.from({ length: row.length / classes }, (_, place) =>
        softmax(row.slice(place * classes, (place + 1) * classes))
      ).flat()
    );
    expect(furthest(found, wanted)).toBeLessThan(TOLERANCE);
    expect(result.outputError).toBeLessThan(1e-5);
    expect(result.vocabulary.columns.label).toEqual(Object.values(labels));
    const words = logitLens.summary(result, validateSpec(logitLens, spec));
    expect(words).toContain(pooled ? `output of the whole text: 'LABEL_` : `, classes of each token`);
    expect(words).not.toContain('token  ');
    const [figure] = logitLens.figures(result, validateSpec(logitLens, spec));
    expect(figure.caption).toContain('most probable class');
  });

  test('by sublayer; not by component', async () => {
    const { values } = await run(logitLens, subject, { ids, by: 'sublayer' });
    expect(values.shape[0]).toBe(2 * (logits.length - 1) + 1);
    await expect(run(logitLens, subject, { ids, by: 'component' })).rejects.toThrow(
      'a classifier is no linear function of the stream'
    );
  });
});

test.each([
  [undefined, 'no config.json beside it names classes (id2label)'],
  [{ id2label: { 0: 'a', 1: 'b' } }, "its output 'logits' has 3 numbers, its config.json names 2 classes"],
  [{ id2label: { 0: 'a', 1: 'b', 3: 'c' } }, 'its config.json does not name each of several classes (id2label)'],
  [
    { id2label: { 0: 'a', 1: 'b', 2: 'c' }, problem_type: 'multi_label_classification' },
    "its config.json says 'multi_label_classification', which is no choice of one class"
  ]
])('refused: %j', async (config, why) => {
  const subject = await open('bert-sequence', 'torchscript', config);
  expect(logitLens.refuses(subject)).toBe(
    `model without unembedding, and its last layer is not known to choose a class: ${why}`
  );
  await subject.close();
});

test('the whole text has no positions to choose', async () => {
  const subject = await open('bert-sequence', 'torchscript', { id2label: families['bert-sequence'].labels });
  await expect(run(logitLens, subject, { ids, positions: [0] })).rejects.toThrow(
    "field 'positions' is for outputs of each token, 'bert-sequence' classifies the whole text"
  );
  await subject.close();
});
