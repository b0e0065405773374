import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { refuseIncomparable } from '../../../src/analyses/circuits/comparison/comparable';
import { headComparison } from '../../../src/analyses/circuits/comparison/head-comparison';
import { headScores } from '../../../src/analyses/attention/head-scores';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { MODELS as FOLDER, quiet } from '../../subject/fixture-files';
import { fakeSubject } from '../fake-subject';
import { oracleTensors } from '../oracle';
import { furthest, open } from './lens';

// Attention weights of the file and of Hugging Face differ by rounding in single precision.
const TOLERANCE = 2e-5;

const { ids } = JSON.parse(readFileSync(join(FOLDER, 'gpt2/facts.json'), 'utf8')) as {
  ids: readonly (readonly number[])[];
};
const PROMPTS = [{ clean: [1, 2, 3], answer: { correct: [4], wrong: [5] } }];

/** As a notebook gives it back, and how often the second model was closed. */
async function compare(first: Subject, second: () => Promise<Subject>, given: object = {}) {
  let closed = 0;
  const context = {
    ...quiet,
    open: async () => {
      const opened = await second();
      return { ...opened, close: async () => (closed++, opened.close()) };
    }
  };
  const spec = validateSpec(headComparison, { ids: ids[0], other: 'other', batch: 2, length: 8, ...given });
  const done = headComparison.compute(first, spec, context, 3);
  const result = await done.catch((error: Error) => error);
  if (result instanceof Error) {
    return { error: result.message, closed };
  }
  return { result: headComparison.validateResult(JSON.parse(JSON.stringify(result))), closed, spec };
}

describe('a model beside others', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum');
  });
  afterAll(() => subject.close());

  test('its own weights by another exporter: nothing drifts', async () => {
    const { result, closed, spec } = await compare(subject, () => open('gpt2', 'dynamo'), {
      direct: true,
      prompts: PROMPTS
    });
    expect(closed).toBe(1);
    expect(Math.max(...decodeTensor(result!.drift))).toBeLessThan(TOLERANCE);
    expect(result!.logits!.kl).toBeLessThan(1e-6);
    expect(result!.logits!.agreement).toBe(1);
    const scores = decodeTensor(result!.scores);
    expect(furthest(scores.subarray(24), [...scores.subarray(0, 24)])).toBeLessThan(TOLERANCE);
    expect(result!.measured[1]).toBeCloseTo(result!.measured[0], 4);
    const [table] = headComparison.figures(result!, spec!);
    expect(table.kind === 'table' && table.rows.map(({ cells }) => cells[1].text)).toEqual([
      '2 of 2',
      '2 of 2',
      '2 of 2',
      '2 of 2'
    ]);
  });

  test('other weights: drift and KL as from Hugging Face’s patterns and logits', async () => {
    const { result } = await compare(subject, () => open('llama', 'optimum'));
    const [a, b] = ['gpt2', 'llama'].map(oracleTensors);
    const [length, heads] = [ids[0].length, 4];
    const drift = [0, 1].flatMap(layer => {
      const [p, q] = [a, b].map(tensors => tensors(`blocks.${layer}.attn.hook_pattern`).data);
      return [0, 1, 2, 3].map(head => {
        let sum = 0;
        for (let query = 1; query < length; query++) {
          for (let key = 0; key <= query; key++) {
            const at = (head * length + query) * length + key;
            sum += Math.abs(p[at] - q[at]) / 2;
          }
        }
        return sum / (length - 1);
      });
    });
    expect(heads * 2).toBe(drift.length);
    expect(furthest(decodeTensor(result!.drift), drift)).toBeLessThan(TOLERANCE);
    const rows = [a, b].map(tensors =>
      Array.from({ length }, (_, at) => softmax(tensors('logits').data.subarray(at * 96, (at + 1) * 96)))
    );
    const kl = rows[0].map((p, at) => p.reduce((sum, value, id) => sum + value * Math.log(value / rows[1][at][id]), 0));
    expect(Math.abs(result!.logits!.kl - kl.reduce((sum, value) => sum + value, 0) / length)).toBeLessThan(1e-4);
    const alone = await headScores.compute(subject, { batch: 2, length: 8 }, quiet, 3);
    expect(decodeTensor(result!.scores).subarray(0, 24)).toEqual(decodeTensor(alone.values));
  });

  test('figures and words', async () => {
    const { result, spec } = await compare(subject, () => open('llama', 'optimum'), { direct: true, prompts: PROMPTS });
    expect(headComparison.figures(result!, spec!).map(({ title }) => title)).toEqual([
      'Do the heads survive?',
      'Drift of attention patterns',
      'Change of head scores',
      'Change of direct attribution'
    ]);
    // Three scores are shares of weight alike: one scale.
    const [, , changes] = headComparison.figures(result!, spec!);
    const scales = changes.kind === 'plotly' ? changes.data.map(trace => (trace as { zmax?: number }).zmax) : [];
    expect(scales).toHaveLength(3);
    expect(new Set(scales).size).toBe(1);
    const words = headComparison.summary(result!, spec!);
    expect(words).toContain('gpt2 → llama');
    expect(words.split('\n').length).toBeLessThan(41);
  });

  test('a second model that does not fit is closed, and said', async () => {
    expect(await compare(subject, () => open('gpt2-hub', 'model'))).toEqual({
      error: "vocabularies differ: 'gpt2' has 96 tokens, 'gpt2-hub' 320",
      closed: 1
    });
    const { error, closed } = await compare(subject, () => open('bert', 'optimum'));
    expect([error, closed]).toEqual(["models differ: one of 'gpt2' and 'bert' is causal, the other is not", 1]);
  });

  test('no second model', async () => {
    const spec = validateSpec(headComparison, { ids: ids[0] });
    await expect(headComparison.compute(subject, spec, quiet, 0)).rejects.toThrow(
      "other model missing: field 'other' names none"
    );
    const named = validateSpec(headComparison, { ids: ids[0], other: 'models/x' });
    await expect(headComparison.compute(subject, named, quiet, 0)).rejects.toThrow(
      "other model not opened: nothing opens 'models/x' here"
    );
  });

  test('a result whose parts disagree is refused', async () => {
    const { result } = await compare(subject, () => open('gpt2', 'dynamo'));
    expect(() => headComparison.validateResult({ ...result, scores: result!.drift })).toThrow(
      "'result.scores' must be a float32 tensor"
    );
    expect(() => headComparison.validateResult({ ...result, models: [] })).toThrow("'result.models': 0 where 2 belong");
  });
});

const softmax = (row: Float32Array): number[] => {
  const most = Math.max(...row);
  const all = Array.from(row, value => Math.exp(value - most));
  const sum = all.reduce((total, value) => total + value, 0);
  return all.map(value => value / sum);
};

test('head counts and tokenizers', () => {
  const made = (heads: number, tokenizerHash: string): Subject => {
    const subject = fakeSubject({ layers: 2, heads });
    return { ...subject, facts: { ...subject.facts, label: `m${heads}`, tokenizerHash } };
  };
  expect(() => refuseIncomparable(made(3, 'sha256:a'), made(4, 'sha256:a'))).toThrow(
    "heads differ: 'm3' has 2 layers of 3 heads, 'm4' 2 layers of 4 heads, so that none of the one is one of the other"
  );
  expect(() => refuseIncomparable(made(3, 'sha256:a'), made(3, 'sha256:b'))).toThrow(
    "tokenizers differ: 'm3' has sha256:a, 'm3' sha256:b"
  );
  expect(() => refuseIncomparable(made(3, 'sha256:a'), made(3, 'sha256:a'))).not.toThrow();
});
