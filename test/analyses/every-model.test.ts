import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { findAnalysis } from '../../src/analyses';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from '../subject/fixture-files';
import { open, openFile } from './circuits/lens';

const STREAM = ['token-uniformity', 'massive-activations', 'rank-collapse', 'trajectory-length', 'lipschitz-constant'];
const SAMPLES = ['anisotropy', 'participation-ratio', 'intrinsic-dimension', 'representation-similarity'];
const NEXT = ['margins', 'compression-bound'];
const MEASURES = [
  ...STREAM,
  ...SAMPLES,
  ...NEXT,
  'head-rank',
  'attention-entropy',
  'linear-probe',
  'formal-language',
  'weight-spectra',
  'gauss-newton-trace'
];

const each = (ids: readonly string[], why: RegExp): Record<string, RegExp> =>
  Object.fromEntries(ids.map(id => [id, why]));

const compiled = (): Promise<Subject> =>
  openModel(
    memoryFiles('reverse', {
      'model.onnx': readFileSync(join(__dirname, '../fixtures/tracr/reverse.onnx'))
    }),
    createNodeRuntime(),
    quiet
  );

const NO_TOKENIZER = {
  ...each(SAMPLES, /^no tokenizer: line 1 of 'texts' holds 'The'/),
  'linear-probe': /^no tokenizer: the words of the grammar/
};

/** With the defaults of each measure: what is refused, and why. What is not named gives numbers. */
const KINDS: readonly (readonly [string, () => Promise<Subject>, Readonly<Record<string, RegExp>>])[] = [
  [
    'a decoder without tokenizer',
    () => open('llama', 'optimum'),
    {
      ...NO_TOKENIZER,
      ...each(NEXT, /^no tokenizer: line 1 of 'texts'/),
      'formal-language': /^no tokenizer: .* so list their ids in field 'vocabulary'/
    }
  ],
  [
    'an encoder',
    () => open('bert', 'optimum'),
    {
      ...NO_TOKENIZER,
      ...each([...NEXT, 'formal-language'], /bidirectional|^'in-context' needs a causal model/),
      'gauss-newton-trace': /^between its last block and its unembedding stands a layer of its own/
    }
  ],
  [
    'an encoder–decoder',
    () => openFile('t5', 'torchscript'),
    {
      ...NO_TOKENIZER,
      // Of the decoder, which reads ids.
      ...each(NEXT, /^no tokenizer: line 1 of 'texts'/),
      'gauss-newton-trace': /^no tokenizer: 't5'/,
      'formal-language': /^the ids go to its encoder, which has no unembedding/
    }
  ],
  [
    'a model of images',
    () => openFile('vit', 'torchscript'),
    {
      ...each(
        [...SAMPLES, 'linear-probe', 'trajectory-length', 'lipschitz-constant', 'head-rank'],
        /^the model reads pixels, and this analysis gives it token ids$/
      ),
      ...each(
        ['token-uniformity', 'massive-activations', 'rank-collapse', 'attention-entropy'],
        /: 'vit' reads pixels, so name a file in the field 'image' or 'tensors'$/
      ),
      ...each([...NEXT, 'formal-language', 'gauss-newton-trace'], /^model without unembedding/)
    }
  ],
  [
    'a program compiled by tracr',
    compiled,
    {
      ...NO_TOKENIZER,
      ...each(NEXT, /bidirectional/),
      'formal-language': /^'in-context' needs a causal model/
    }
  ]
];

describe.each(KINDS)('%s', (_, opened, refused) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await opened();
  });
  afterAll(() => subject.close());

  test.each(MEASURES)('%s', async id => {
    const analysis = findAnalysis(id);
    const spec = validateSpec(analysis, {});
    const work = async (): Promise<string> => {
      const why = analysis.refuses(subject);
      if (why !== undefined) {
        throw new Error(why);
      }
      const result = analysis.validateResult(
        JSON.parse(JSON.stringify(await analysis.compute(subject, spec, quiet, 0)))
      );
      expect(analysis.figures(result, spec).length).toBeGreaterThan(0);
      return analysis.summary(result, spec);
    };
    if (refused[id]) {
      const message = await work().then(
        () => 'not refused',
        (error: Error) => error.message
      );
      expect(message).toMatch(refused[id]);
      expect(message).not.toMatch(/[\n]|undefined|NaN/);
    } else {
      const words = await work();
      expect(words).not.toMatch(/undefined|NaN|Infinity/);
    }
  });
});
