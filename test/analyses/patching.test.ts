import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { activationPatching } from '../../src/analyses/patching/activation-patching';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Context } from '../../src/subject/context';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtureFiles, MODELS, quiet } from '../subject/fixture-files';

/** TransformerLens's loops on the same weights (test/fixtures/patching.py). */
interface Expected {
  readonly clean: number[][];
  readonly corrupted: number[][];
  readonly answers: [number, number][];
  readonly baselines: { clean: number; corrupted: number };
  readonly by_position: Record<string, number[][]>;
  readonly by_head: Record<string, number[][]>;
  readonly by_head_and_position: Record<string, number[][][]>;
  readonly paths: { sender: [string, number, number?]; receivers: [string, number, number][] | null; value: number }[];
}
const expected = JSON.parse(
  readFileSync(join(__dirname, '..', 'fixtures', 'patching', 'lens.json'), 'utf8')
) as Expected;
const prompts = expected.clean.map((clean, row) => ({
  clean,
  corrupted: expected.corrupted[row],
  answer: { correct: [expected.answers[row][0]], wrong: [expected.answers[row][1]] }
}));
/** Single precision on both sides; effects are up to 1. */
const TOLERANCE = 2e-5;

const run = async (
  subject: Subject,
  given: object,
  context: Context = quiet
): Promise<{ values: number[]; result: Awaited<ReturnType<typeof activationPatching.compute>> }> => {
  const spec = validateSpec(activationPatching, { prompts, normalise: false, ...given });
  const result = activationPatching.validateResult(
    JSON.parse(JSON.stringify(await activationPatching.compute(subject, spec, context, 0)))
  );
  return { values: [...decodeTensor(result.values)], result };
};

const furthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, at) => Math.abs(value - b[at])));

describe.each(readdirSync(join(MODELS, 'lens')).filter(name => name.endsWith('.onnx')))(
  "TransformerLens's: %s",
  file => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await openModel(fixtureFiles('lens', file), createNodeRuntime(), quiet);
    });
    afterAll(() => subject.close());

    const { clean, corrupted } = expected.baselines;
    const effect = (value: number): number => value - corrupted;

    test.each(Object.keys(expected.by_head))('patches by head: %s', async hook => {
      const { values, result } = await run(subject, { hook });
      expect(values).toHaveLength(6);
      expect(furthest(values, expected.by_head[hook].flat().map(effect))).toBeLessThan(TOLERANCE);
      expect(result.baselines.clean).toBeCloseTo(clean, 5);
      expect(result.baselines.corrupted).toBeCloseTo(corrupted, 5);
    });

    test.each(Object.keys(expected.by_head_and_position))('patches by head and position: %s', async hook => {
      const { values } = await run(subject, { hook, by: 'head-and-position' });
      const all = expected.by_head_and_position[hook];
      // [layer, position, head] there, but for patterns; [layer, head, position] here.
      const ours = all.flatMap(rows =>
        hook === 'pattern' ? rows : rows[0].map((_, head) => rows.map(row => row[head]))
      );
      expect(furthest(values, ours.flat().map(effect))).toBeLessThan(TOLERANCE);
    });

    test.each(Object.keys(expected.by_position))('patches by position: %s', async hook => {
      const { values } = await run(subject, { hook });
      expect(furthest(values, expected.by_position[hook].flat().map(effect))).toBeLessThan(TOLERANCE);
    });

    test('direct paths', async () => {
      const { values } = await subject.pathSweep(
        {
          base: expected.corrupted,
          source: { kind: 'run', ids: expected.clean },
          paths: expected.paths.map(({ sender: [kind, layer, head], receivers }) => ({
            sender:
              kind === 'z'
                ? { hook: `blocks.${layer}.attn.hook_z`, heads: [head!] }
                : { hook: `blocks.${layer}.hook_mlp_out` },
            receivers:
              receivers?.map(([part, at, own]) => ({ hook: `blocks.${at}.attn.hook_${part}`, heads: [own] })) ??
              'logits'
          })),
          readout: {
            positions: expected.clean.map(ids => [ids.length - 1]),
            columns: expected.answers,
            value: logits => logits[0] - logits[1]
          }
        },
        quiet
      );
      const means = expected.paths.map((_, path) => (values[2 * path] + values[2 * path + 1]) / 2);
      expect(
        furthest(
          means,
          expected.paths.map(({ value }) => value)
        )
      ).toBeLessThan(TOLERANCE);
    });
  }
);

describe('activation patching', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openModel(fixtureFiles('lens', 'torchscript.onnx'), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test('normalised: 0 as corrupted, 1 as clean; noising: −1 as corrupted', async () => {
    const everything = { hook: 'resid_pre', layers: [0], normalise: true };
    const { values, result } = await run(subject, { ...everything, by: 'head' });
    expect(result.normalised).toBe(true);
    const { clean, corrupted } = expected.baselines;
    const ours = expected.by_position.resid_pre[0].map(value => (value - corrupted) / (clean - corrupted));
    expect(furthest(values, ours)).toBeLessThan(TOLERANCE / Math.abs(clean - corrupted));
    const noising = await run(subject, { hook: 'z', direction: 'noising', normalise: true });
    const both = await run(subject, { hook: 'z', normalise: true });
    expect(noising.result.baselines).toEqual(both.result.baselines);
    expect(noising.values).not.toEqual(both.values);
  });

  test('clean and corrupted metric the same: not normalised, raw effects are shown and it is said', async () => {
    const [first] = prompts;
    const turned = { ...first, clean: first.corrupted, corrupted: first.clean };
    const given = { prompts: [first, turned], normalise: true };
    const { result, values } = await run(subject, given);
    expect(result.baselines.clean).toBeCloseTo(result.baselines.corrupted, 5);
    expect(result.normalised).toBe(false);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0);
    const spec = validateSpec(activationPatching, given);
    expect(activationPatching.summary(result, spec)).toContain('effects are changes of the metric, not normalised');
  });

  test('partial results fill the cells, late layers first; a later run goes on from one', async () => {
    const partials: unknown[] = [];
    const context: Context = { ...quiet, partial: result => partials.push(result) };
    const whole = await run(subject, { by: 'head-and-position' }, context);
    const half = {
      ...whole.result,
      values: { ...whole.result.values, ...gaps(whole.result.values) },
      deviations: { ...whole.result.deviations, ...gaps(whole.result.deviations) }
    };
    const resumed = await run(subject, { by: 'head-and-position' }, { ...quiet, earlier: half });
    expect(furthest(resumed.values, whole.values)).toBeLessThan(1e-6);
    expect(resumed.result.done).toBe(54);
    partials.forEach(partial => activationPatching.validateResult(JSON.parse(JSON.stringify(partial))));
  });

  test.each([
    [{ heads: [3] }, "field 'heads' names 3, this model has heads 0 to 2"],
    [{ positions: [9] }, "field 'positions' names 9, this model has positions 0 to 8"],
    [{ layers: [2] }, "field 'layers' names 2"],
    [
      { prompts: [{ clean: [1, 2, 3], corrupted: [1, 2] }] },
      'prompts not aligned: prompts[0] has 3 tokens clean and 2 corrupted; clean 1|2|3; corrupted 1|2'
    ],
    [{ prompts: [{ clean: [1, 2], corrupted: [1, 2] }] }, 'prompts equal: clean and corrupted of prompts[0]'],
    [{ prompts: [{ clean: [1, 2] }] }, 'corrupted prompt missing: prompts[0]'],
    [
      { prompts: [{ clean: [1, 2], corrupted: [1, 3] }] },
      "answer missing: the metric 'logit-diff' needs an answer of prompts[0]"
    ],
    [
      { prompts: [{ clean: [1, 2], corrupted: [1, 3], answer: { correct: [4], wrong: [4] } }] },
      'answers equal: token 4 is correct and wrong in prompts[0]'
    ],
    [
      { prompts: [...prompts, { clean: [1, 2], corrupted: [1, 3], answer: { correct: [4], wrong: [5] } }] },
      'prompts of different lengths: prompts[0] has 9 tokens'
    ]
  ])('refuses %j', async (given, message) => {
    await expect(run(subject, given)).rejects.toThrow(message);
  });
});

/** Every other cell missing. */
const gaps = (tensor: { readonly data: string }): { readonly data: string } => {
  const values = new Float32Array(Uint8Array.from(Buffer.from(tensor.data, 'base64')).buffer);
  values.forEach((_, at) => at % 2 && (values[at] = NaN));
  return { data: Buffer.from(values.buffer).toString('base64') };
};
