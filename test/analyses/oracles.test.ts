import { join } from 'node:path';
import type { Analysis } from '../../src/analyses/analysis';
import { attentionEntropy } from '../../src/analyses/attention/attention-entropy';
import { attentionPatterns } from '../../src/analyses/attention/attention-patterns';
import { diagonalScore, SCORES } from '../../src/analyses/attention/diagonal-scores';
import { headScores } from '../../src/analyses/attention/head-scores';
import { matrices } from '../../src/analyses/attention/head-values';
import { logitLens } from '../../src/analyses/lens/logit-lens';
import { modelCard } from '../../src/analyses/model-card';
import { visitPatterns } from '../../src/analyses/attention/pattern-runs';
import type { SpecFields } from '../../src/analyses/spec/spec';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { context } from './fake-subject';
import { oracleNumbers, oracleTensors } from './oracle';

/** The same weights run by ONNX Runtime and by PyTorch, single precision through two layers. */
const RUNTIMES = 2e-5;

type Numbers = readonly (Numbers | number)[];

const opened = new Map<string, Subject>();

async function subjectOf(family: string, file = 'optimum.onnx'): Promise<Subject> {
  const path = join(__dirname, '..', 'fixtures', 'models', family, file);
  const subject = opened.get(path) ?? (await openModel(await folderFiles(path), createNodeRuntime(), context));
  opened.set(path, subject);
  return subject;
}

afterAll(() => Promise.all([...opened.values()].map(subject => subject.close())));

async function run<F extends SpecFields, R>(analysis: Analysis<F, R>, subject: Subject, spec: object): Promise<R> {
  expect(analysis.refuses(subject)).toBeUndefined();
  return analysis.compute(subject, validateSpec(analysis, spec), context, 0);
}

const flatten = (values: Numbers): number[] =>
  values.flatMap(value => (typeof value === 'number' ? [value] : flatten(value)));

function expectClose(found: ArrayLike<number>, expected: Numbers, tolerance: number): void {
  const flat = flatten(expected);
  expect(found.length).toBe(flat.length);
  const worst = flat.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** Families whose one export is not by optimum. */
const FILES: Readonly<Record<string, string>> = { 'attn-only': 'dynamo.onnx', 'attn-only-rope': 'dynamo.onnx' };

describe('attention patterns', () => {
  test.each(['gpt2', 'llama', 'bert', 'attn-only'])('%s: within half a step of the stored scale', async family => {
    const ids = oracleNumbers('attention-entropy').gpt2.ids as number[][];
    const result = await run(attentionPatterns, await subjectOf(family, FILES[family]), { ids: ids[0] });
    const read = oracleTensors(family);
    const weights = [0, 1].flatMap(layer => [...read(`blocks.${layer}.attn.hook_pattern`).data]);
    const stored = Array.from(decodeTensor(result.values), value => value / 255);
    // Half a step of 1/255 in √weight; single precision moves a weight of 1e-6 by less than that.
    expectClose(stored, weights.map(Math.sqrt), 0.5 / 255 + 1e-4);
  });
});

describe('head scores', () => {
  const oracles = oracleNumbers('head-scores');
  test.each(Object.keys(oracles))('%s: agree with numpy and with TransformerLens’s detector', async family => {
    const {
      ids,
      scores,
      detect_head_mul: detected
    } = oracles[family] as {
      ids: number[][];
      scores: Record<string, number[][]>;
      detect_head_mul: Record<string, number[][]>;
    };
    const subject = await subjectOf(family, FILES[family]);
    const found = SCORES.map(() => [0, 1].map(() => [0, 0, 0, 0]));
    await visitPatterns(subject, { rows: ids, layers: [0, 1] }, context, pattern =>
      SCORES.forEach((score, s) =>
        found[s][pattern.layer].forEach((_, head) => {
          found[s][pattern.layer][head] += diagonalScore(pattern, head, score) / ids.length;
        })
      )
    );
    SCORES.forEach((score, s) => expectClose(found[s].flat(), scores[score.id], RUNTIMES));
    // Its previous-token pattern is the same diagonal over all rows, the first one included: (n − 1)/n of ours.
    const rows = ids[0].length;
    expectClose(
      found[0].flat().map(value => (value * (rows - 1)) / rows),
      detected['previous-token'],
      RUNTIMES
    );
  });

  test('gpt2: the whole analysis on its own random tokens', async () => {
    const result = await run(headScores, await subjectOf('gpt2'), { batch: 3, length: 40 });
    expect([result.length, result.asked, result.values.shape]).toEqual([32, 40, [3, 2, 4]]);
    expect([...decodeTensor(result.values)].every(value => value >= 0 && value <= 1)).toBe(true);
    expect(headScores.validateResult(JSON.parse(JSON.stringify(result)))).toEqual(result);
  });
});

describe('logit lens', () => {
  const oracles = oracleNumbers('logit-lens');
  test.each(Object.keys(oracles))('%s: agrees with Hugging Face and scipy', async family => {
    const oracle = oracles[family] as Record<'ids' | 'top_ids' | 'top_probabilities' | 'entropy' | 'kl', Numbers>;
    const subject = await subjectOf(family, FILES[family]);
    const result = await run(logitLens, subject, { ids: (oracle.ids as number[][])[0], topK: 5 });
    expect([...decodeTensor(result.ids)]).toEqual(flatten(oracle.top_ids));
    expectClose(decodeTensor(result.values), oracle.top_probabilities, RUNTIMES);
    // Nats of logits up to about 20, whose error in single precision the divergence multiplies.
    expectClose(decodeTensor(result.entropy), oracle.entropy, 2e-4);
    expectClose(decodeTensor(result.kl), oracle.kl, 5e-4);
    const last = result.kl.shape[1] * (result.kl.shape[0] - 1);
    expect([...decodeTensor(result.kl).subarray(last)].every(value => value === 0)).toBe(true);
  });

  test('bert: an encoder with a masked-language head is read through its own stream', async () => {
    const subject = await subjectOf('bert');
    const result = await run(logitLens, subject, { ids: [3, 1, 4, 1, 5] });
    expect(subject.tower.head?.hook).toBe('blocks.1.hook_normalized_resid_post');
    // Single precision on logits of a few units.
    expect(result.outputError).toBeLessThan(1e-4);
  });

  test('an encoder without an unembedding is refused', async () => {
    expect(logitLens.refuses(await subjectOf('bert-model'))).toMatch(
      /^model without unembedding: the graph ends in hidden states/
    );
  });
});

describe('attention entropy', () => {
  const oracles = oracleNumbers('attention-entropy');
  test.each(Object.keys(oracles))('%s: agrees with scipy', async family => {
    const { ids, means } = oracles[family] as { ids: number[][]; means: Record<string, Numbers> };
    const result = await run(attentionEntropy, await subjectOf(family), { ids: ids[0] });
    const found = matrices(result.values);
    ['entropy', 'normalised', 'distance', 'sink'].forEach((name, m) =>
      // Distances are sums of up to 12 tokens × weights.
      expectClose(found[m].flat(), means[name], 1e-4)
    );
  });
});

describe('model card', () => {
  test.each(['gpt2', 'llama', 'bert'])('%s', async family => {
    const card = await run(modelCard, await subjectOf(family), {});
    expect(card.towers[0]).toMatchObject({ layers: 2, heads: 4, dModel: 32 });
    expect(modelCard.validateResult(JSON.parse(JSON.stringify(card)))).toEqual(card);
    expect(modelCard.summary(card, { certificate: 'quick' }).split('\n').length).toBeLessThanOrEqual(40);
  });
});
