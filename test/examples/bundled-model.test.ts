import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { headScores } from '../../src/analyses/attention/head-scores';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Context } from '../../src/subject/context';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';

const MODELS = join(__dirname, '../../examples/models');
const FOLDER = join(MODELS, 'induction-2l');
const CHECKPOINTS = join(MODELS, 'induction-2l-checkpoints');

const context: Context = { signal: new AbortController().signal, progress: () => undefined };
const open = async (folder: string): Promise<Subject> =>
  openModel(await folderFiles(folder), createNodeRuntime(), context);
const json = <T>(...path: readonly string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;

/** What PyTorch measured: per layer and head, and losses in nats a token. */
interface Scores {
  readonly step: number;
  readonly lossTextFirstCopy: number;
  readonly lossTextSecondCopy: number;
  readonly lossFirstHalf: number;
  readonly lossSecondHalf: number;
  readonly induction: readonly (readonly number[])[];
  readonly previousToken: readonly (readonly number[])[];
}

/** PyTorch on one text: ids, the top token at each position, the log-probability of each token that follows. */
interface Reading {
  readonly text: string;
  readonly ids: readonly number[];
  readonly top: readonly number[];
  readonly logProbs: readonly number[];
}

interface Thresholds {
  readonly induction: { readonly layer: number; readonly atLeast: number };
  readonly previousToken: { readonly layer: number; readonly atLeast: number };
  readonly atStep0: { readonly below: number };
  readonly phaseChange: { readonly inductionCrosses: number };
  readonly repeatGain: { readonly natsAtLeast: number };
  readonly textGain: { readonly natsAtLeast: number };
  readonly checkpoints: { readonly atLeast: number; readonly atMost: number; readonly bytesAtMost: number };
  readonly folder: { readonly bytesAtMost: number };
}

const thresholds = json<Thresholds>(MODELS, 'train/accept.json');
const scores = json<Scores & { readonly reading: Reading }>(FOLDER, 'scores.json');
const { checkpoints } = json<{ readonly checkpoints: readonly Scores[] }>(CHECKPOINTS, 'manifest.json');

const best = (matrix: readonly (readonly number[])[]): number => Math.max(...matrix.flat());
const bytesOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => statSync(join(folder, name)))
    .reduce((sum, info) => sum + (info.isFile() ? info.size : 0), 0);

describe('the numbers of the training run meet the thresholds', () => {
  test('an induction head above a previous-token head', () => {
    const { induction, previousToken } = thresholds;
    expect(best([scores.induction[induction.layer]])).toBeGreaterThanOrEqual(induction.atLeast);
    expect(best([scores.previousToken[previousToken.layer]])).toBeGreaterThanOrEqual(previousToken.atLeast);
  });

  test('neither at step 0', () => {
    expect(checkpoints[0].step).toBe(0);
    expect(best([...checkpoints[0].induction, ...checkpoints[0].previousToken])).toBeLessThan(thresholds.atStep0.below);
  });

  test('one phase change, between two kept checkpoints', () => {
    const level = thresholds.phaseChange.inductionCrosses;
    const above = checkpoints.map(({ induction }) => best(induction) >= level);
    expect(above.filter((now, i) => i > 0 && now !== above[i - 1])).toEqual([true]);
  });

  test('a second copy is easier than the first, of random tokens and of text', () => {
    const { repeatGain, textGain } = thresholds;
    expect(scores.lossFirstHalf - scores.lossSecondHalf).toBeGreaterThanOrEqual(repeatGain.natsAtLeast);
    expect(scores.lossTextFirstCopy - scores.lossTextSecondCopy).toBeGreaterThanOrEqual(textGain.natsAtLeast);
  });

  test('small enough to be bundled', () => {
    expect(checkpoints.length).toBeGreaterThanOrEqual(thresholds.checkpoints.atLeast);
    expect(checkpoints.length).toBeLessThanOrEqual(thresholds.checkpoints.atMost);
    expect(bytesOf(CHECKPOINTS)).toBeLessThanOrEqual(thresholds.checkpoints.bytesAtMost);
    expect(bytesOf(FOLDER)).toBeLessThanOrEqual(thresholds.folder.bytesAtMost);
  });
});

describe('the exported model', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(FOLDER);
  });
  afterAll(() => subject.close());

  test('is understood whole', () => {
    const { layers, heads, dModel, causal, positional, mlp } = subject.tower;
    expect({ layers, heads, dModel, causal, positional, mlp }).toEqual({
      layers: 2,
      heads: 4,
      dModel: 128,
      causal: true,
      positional: 'rotary',
      mlp: 'none'
    });
    expect(subject.anatomy.refusals).toEqual([]);
    expect(subject.certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
    expect(subject.anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
  });

  test('reads a text as PyTorch does', async () => {
    const { text, ids, top, logProbs } = scores.reading;
    expect(subject.input({ text }).ids).toEqual(ids);
    const cache = await subject.forward({ ids: [ids], hooks: [], outputs: ['logits'] }, context);
    const { dims, data } = cache.get('logits');
    const rows = ids.map((_, i) => Array.from(data.subarray(i * dims[2], (i + 1) * dims[2]), Number));
    expect(rows.map(row => row.indexOf(Math.max(...row)))).toEqual(top);
    logProbs.forEach((expected, i) => {
      const largest = Math.max(...rows[i]);
      const sum = rows[i].reduce((total, logit) => total + Math.exp(logit - largest), 0);
      // Stored with four decimals; logits of the two runtimes agree to 1e-4.
      expect(Math.abs(rows[i][ids[i + 1]] - largest - Math.log(sum) - expected)).toBeLessThan(3e-4);
    });
  });

  test("has the heads that PyTorch's own measurement found", async () => {
    const result = await headScores.compute(subject, validateSpec(headScores, {}), context, 0);
    const [previous, , induction] = Array.from({ length: 3 }, (_, s) =>
      decodeTensor(result.values).subarray(s * 8, s * 8 + 8)
    );
    // Means over 10 sequences of other random tokens, whose blocks have no token twice: standard errors up to 0.006 each.
    scores.previousToken.flat().forEach((value, i) => expect(Math.abs(previous[i] - value)).toBeLessThan(0.03));
    scores.induction.flat().forEach((value, i) => expect(Math.abs(induction[i] - value)).toBeLessThan(0.03));
  });
});

describe('the checkpoints', () => {
  test.each(checkpoints.map(record => [record.step, record] as const))('step %i opens, fp16', async (step, record) => {
    const subject = await open(join(CHECKPOINTS, `step-${String(step).padStart(5, '0')}`));
    try {
      expect(subject.certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
      const result = await headScores.compute(subject, validateSpec(headScores, { batch: 4 }), context, 0);
      const induction = decodeTensor(result.values).subarray(16, 24);
      // Standard errors up to 0.02 each in the phase change; PyTorch's blocks hold some tokens twice, which costs up to 0.05.
      record.induction.flat().forEach((value, i) => expect(Math.abs(induction[i] - value)).toBeLessThan(0.1));
    } finally {
      await subject.close();
    }
  });
});
