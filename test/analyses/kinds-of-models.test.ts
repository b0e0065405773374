import { join } from 'node:path';

import { analyses } from '../../src/analyses';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { openFile } from './circuits/lens';
import { context } from './fake-subject';

const hub = async (family: string): Promise<Subject> =>
  openModel(await folderFiles(join(__dirname, '../fixtures/models', `${family}-hub`)), createNodeRuntime(), context);

/** Sentences that a kind of model may be refused with; every analysis else runs on an empty spec. */
const PERSONS_PART = [
  /^other model missing: field 'other' names none, give its path/,
  /^truth missing: field 'truth' names no head/
];
const NO_WORDS = [
  /^no tokenizer: line 1 of 'texts' holds 'The', but '[\w-]+' has no tokenizer\.json beside it, so give token ids/,
  /^no tokenizer: the words of the grammar cannot be matched with tokens, so give rows of ids/
];

const KINDS = {
  'a masked encoder': {
    open: () => hub('bert'),
    sentences: [
      ...PERSONS_PART,
      /^its blocks have post-norms: what a head writes is normalised together with what others wrote/,
      /^between its last block and its unembedding stands a layer of its own, so that no product of weights/,
      /^between its last block and its unembedding stands a layer of its own, and no hook has what that gives$/,
      /^bidirectional model: it does not predict the next token/,
      /^'in-context' needs a causal model: 'bert-hub' sees what comes after/,
      // The fixture alone is so short.
      /^text too long: text has \d+ tokens, the model has 64 positions$/
    ]
  },
  'an encoder without unembedding': {
    open: () => openFile('t5-encoder', 'dynamo'),
    sentences: [
      ...PERSONS_PART,
      ...NO_WORDS,
      /^model without unembedding: the graph ends in hidden states, not in logits over a vocabulary$/,
      /^its scores hold relative position biases besides the product of queries and keys$/
    ]
  },
  'an encoder–decoder': {
    open: () => openFile('t5', 'torchscript'),
    sentences: [
      ...PERSONS_PART,
      ...NO_WORDS,
      /^no tokenizer: 't5' has no tokenizer\.json beside it, so give ids instead of text$/,
      /^encoder without input: 't5' is an encoder–decoder, so give 'encoderText' or 'encoderIds' for what its encoder reads$/,
      /^the ids go to its encoder, which has no unembedding: the logits are its decoder’s, and this analysis does not read them$/,
      /^its scores hold relative position biases besides the product of queries and keys$/
    ]
  },
  'a vision model': {
    open: () => openFile('vit', 'optimum'),
    sentences: [
      /^model without unembedding: the graph ends in hidden states, not in logits over a vocabulary$/,
      /^the model reads pixels, and this analysis gives it token ids$/,
      /^what it reads are pixels: it has no table of tokens$/,
      /^[A-Z][a-z, ]+: 'vit' reads pixels, so name a file in the field 'image' or 'tensors'$/
    ]
  }
} as const;

/** Ten seconds of fitting; its own tests run it. */
const SLOW: readonly string[] = ['linear-probe'];

describe.each(Object.entries(KINDS))('%s', (_, { open, sentences }) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.close());

  const refusal = async (id: string): Promise<string | undefined> => {
    const analysis = analyses.find(one => one.id === id)!;
    const refused = analysis.refuses(subject);
    if (refused !== undefined) {
      return refused;
    }
    const spec = validateSpec(analysis, {});
    try {
      analysis.cost(subject, spec);
      const result: unknown = JSON.parse(JSON.stringify(await analysis.compute(subject, spec, context, 0)));
      const read = analysis.validateResult(result);
      expect(analysis.figures(read, spec).length).toBeGreaterThan(0);
      expect(analysis.summary(read, spec)).not.toMatch(/undefined|NaN|Infinity|\[object/);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each(analyses.map(({ id }) => id).filter(id => !SLOW.includes(id)))(
    '%s runs on an empty spec or refuses in one known sentence',
    async id => {
      const why = await refusal(id);
      expect([why, why === undefined || sentences.some(one => one.test(why))]).toEqual([why, true]);
    }
  );
});
