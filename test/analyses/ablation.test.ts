import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ablation, type Ablation } from '../../src/analyses/patching/ablation';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Context } from '../../src/subject/context';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtureFiles, quiet } from '../subject/fixture-files';

type Metrics = Readonly<Record<string, readonly number[]>>;

/** TransformerLens's hooks on the same weights (test/fixtures/ablation.py). */
interface Family {
  readonly clean: readonly (readonly number[])[];
  readonly corrupted: readonly (readonly number[])[];
  readonly plain: Metrics;
  /** [layer][component], numbers by prompt. */
  readonly ablations: Readonly<Record<string, readonly (readonly Metrics[])[]>>;
}
const expected = JSON.parse(readFileSync(join(__dirname, '../fixtures/analyses/ablation.json'), 'utf8')) as {
  readonly answers: readonly (readonly [readonly number[], readonly number[]])[];
  readonly families: Readonly<Record<string, Family>>;
};

const promptsOf = ({ clean, corrupted }: Family, pairs = true): readonly object[] =>
  clean.map((ids, row) => ({
    clean: ids,
    ...(pairs && { corrupted: corrupted[row] }),
    answer: { correct: expected.answers[row][0], wrong: expected.answers[row][1] }
  }));

const run = async (subject: Subject, given: object, context: Context = quiet, seed = 0): Promise<Ablation> => {
  const spec = validateSpec(ablation, given);
  return ablation.validateResult(JSON.parse(JSON.stringify(await ablation.compute(subject, spec, context, seed))));
};

const KINDS = {
  zero: { ablation: 'zero' },
  'mean of all': { ablation: 'mean', over: 'all' },
  'mean by position': { ablation: 'mean', over: 'positions' },
  resample: { ablation: 'resample' }
} as const;

const spread = (values: readonly number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
};

// Differences of logits of up to 10 in single precision on both sides.
const TOLERANCE = 5e-5;

describe.each([
  ['gpt2', 'optimum'],
  ['gpt2', 'dynamo'],
  ['llama', 'optimum-with-past'],
  ['neox', 'optimum'],
  ['attn-only', 'torchscript']
])('%s/%s.onnx as in TransformerLens', (family, style) => {
  let subject: Subject;
  const oracle = expected.families[family];
  beforeAll(async () => {
    subject = await openModel(fixtureFiles(family, `${style}.onnx`), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s: every part, every metric', async kind => {
    for (const [metric, plain] of Object.entries(oracle.plain)) {
      const result = await run(subject, { ...KINDS[kind], metric, prompts: promptsOf(oracle) });
      const layers = oracle.ablations[kind];
      expect(result.values.shape).toEqual([layers.length, layers[0].length]);
      const [means, deviations] = [decodeTensor(result.values), decodeTensor(result.deviations)];
      layers.flat().forEach((cell, at) => {
        const changes = cell[metric].map((value, prompt) => value - plain[prompt]);
        const mean = changes.reduce((sum, value) => sum + value, 0) / changes.length;
        expect(Math.abs(means[at] - mean)).toBeLessThan(TOLERANCE);
        expect(Math.abs(deviations[at] - spread(changes))).toBeLessThan(2 * TOLERANCE);
      });
    }
  });
});

describe('on a model with a tokenizer', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles('gpt2-hub'), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  const TEXT = 'The keeper counted the ships.';
  const prompts = [{ clean: TEXT, answer: { correct: [9], wrong: [11] } }];

  test('means over reference texts of different lengths; one layer alone; words and a figure', async () => {
    const reference = `${TEXT}\n\nThe ships were gone`;
    const result = await run(subject, { prompts, ablation: 'mean', reference, layers: [1] });
    expect([result.rows, result.layers, result.done]).toEqual([2, [1], 6]);
    expect(ablation.summary(result, validateSpec(ablation, {}))).toMatch(
      /^Ablation \(mean\): Each part's output replaced by the mean over 2 texts and all positions: change of the logit difference from -?\d/
    );
    const [figure] = ablation.figures(result, validateSpec(ablation, {}));
    expect(figure).toMatchObject({ kind: 'plotly', title: 'Ablation (mean)' });
    expect(figure.table!.columns).toEqual(['place', 'effect (change, logits)']);
  });

  test('partial results come, and a run goes on from one', async () => {
    const seen: Ablation[] = [];
    const result = await run(subject, { prompts });
    const values = decodeTensor(result.values).slice();
    values.fill(NaN, 4);
    const data = Buffer.from(values.buffer).toString('base64');
    const earlier = {
      ...result,
      done: 4,
      values: { ...result.values, data },
      deviations: { ...result.deviations, data }
    };
    const again = await run(
      subject,
      { prompts },
      { ...quiet, earlier, partial: value => seen.push(value as Ablation) }
    );
    expect(decodeTensor(again.values)).toEqual(decodeTensor(result.values));
    expect(again.done).toBe(12);
  });

  test.each<readonly [string, object, string]>([
    [
      'the mean of one prompt by position',
      { prompts, ablation: 'mean', over: 'positions' },
      "ablation does nothing: the mean of one prompt by position is that prompt, so give reference texts or say over 'all'"
    ],
    [
      'nothing to draw from',
      { prompts, ablation: 'resample' },
      'ablation does nothing: prompts[0] has no corrupted version and there is no other prompt to take values from, so give reference texts'
    ],
    [
      'a reference that is longer',
      { prompts, ablation: 'resample', reference: `${TEXT} And more` },
      'reference text not aligned: line 1 has'
    ],
    ['a layer that is not there', { prompts, layers: [2] }, "field 'layers' names 2, this model has layers 0 to 1"]
  ])('refuses %s', async (_, given, message) => {
    await expect(run(subject, given)).rejects.toThrow(message);
  });
});
