import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { ablation } from '../../src/analyses/patching/ablation';
import { activationPatching } from '../../src/analyses/patching/activation-patching';
import { pathPatching } from '../../src/analyses/patching/path-patching';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { steering } from '../../src/analyses/steering/steering';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtureFiles, memoryFiles, quiet } from '../subject/fixture-files';

const FIXTURES = join(__dirname, '../fixtures');

type Numbers = readonly (number | Numbers)[];

/** Hugging Face's, under forward hooks (test/fixtures/pair_patching.py). */
const expected = JSON.parse(readFileSync(join(FIXTURES, 'pair-patching.json'), 'utf8')) as {
  readonly ids: readonly number[];
  readonly clean: readonly number[];
  readonly corrupted: readonly number[];
  readonly direction: readonly number[];
  readonly correct: number;
  readonly wrong: number;
  readonly models: Readonly<
    Record<
      string,
      {
        readonly clean: number;
        readonly corrupted: number;
        readonly patched: Readonly<Record<string, Numbers>>;
        readonly steered: readonly number[];
        readonly without: Readonly<Record<string, readonly (readonly number[])[]>>;
      }
    >
  >;
};
const { ids, clean, corrupted, correct, wrong } = expected;
const prompts = [{ clean, corrupted, answer: { correct: [correct], wrong: [wrong] } }];
const SPEC = { prompts, encoderIds: ids, normalise: false };

/** Single precision on both sides; effects are up to 1. */
const TOLERANCE = 2e-5;

const furthest = (a: readonly number[], b: readonly number[]): number => {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, at) => Math.abs(value - b[at])));
};
const flat = (numbers: Numbers): readonly number[] => numbers.flat(3) as number[];

const openPair = (family: string): Promise<Subject> => {
  const part = (name: string): Uint8Array =>
    gunzipSync(readFileSync(join(FIXTURES, 'matrix', family, `optimum.${name}.onnx.gz`)));
  const files = { 'encoder_model.onnx': part('encoder'), 'decoder_model.onnx': part('decoder') };
  return openModel(memoryFiles(family, files), createNodeRuntime(), quiet);
};

describe.each(['t5', 'bart'])("what a decoder writes, patched: Hugging Face's %s", family => {
  const theirs = expected.models[family];
  let subject: Subject;
  beforeAll(async () => {
    subject = await openPair(family);
  });
  afterAll(() => subject.close());

  test.each([
    ['z', 'attn.hook_z'],
    ['cross_z', 'cross_attn.hook_z'],
    ['resid_pre', 'hook_resid_pre']
  ] as const)('activation patching of %s', async (hook, name) => {
    const spec = validateSpec(activationPatching, { ...SPEC, hook, by: 'head-and-position' });
    const result = await activationPatching.compute(subject, spec, quiet, 0);
    expect(result.method).toBe('positions');
    expect(Math.abs(result.baselines.clean - theirs.clean)).toBeLessThanOrEqual(TOLERANCE);
    const effects = flat(theirs.patched[name]).map(value => value - theirs.corrupted);
    expect(Math.max(...effects.map(Math.abs))).toBeGreaterThan(0.01);
    expect(furthest([...decodeTensor(result.values)], effects)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('ablation of its heads', async () => {
    const spec = validateSpec(ablation, { prompts, encoderIds: ids });
    const result = await ablation.compute(subject, spec, quiet, 0);
    const columns = result.values.shape[1];
    const heads = [...decodeTensor(result.values)].filter((_, at) => at % columns < result.heads);
    const effects = flat(theirs.without['decoder.attn.hook_z']).map(value => value - theirs.clean);
    expect(furthest(heads, effects)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('the last MLP reaches the logits directly alone: a path there is a patch of it', async () => {
    const path = await pathPatching.compute(subject, validateSpec(pathPatching, SPEC), quiet, 0);
    const own = validateSpec(activationPatching, { ...SPEC, hook: 'mlp_out', layers: [1], positions: [5] });
    const patch = await activationPatching.compute(subject, own, quiet, 0);
    const [effect] = decodeTensor(patch.values);
    expect(Math.abs(effect)).toBeGreaterThan(0.01);
    expect(Math.abs(decodeTensor(path.values).at(-1)! - effect)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('steering', async () => {
    const spec = validateSpec(steering, {
      prompts,
      encoderIds: ids,
      source: 'vector',
      vector: expected.direction.join(', '),
      hook: 'resid_pre',
      layer: 1,
      strength: 2,
      steps: 2,
      tokens: 0
    });
    const result = await steering.compute(subject, spec, quiet, 0);
    expect(result.alphas).toEqual([-2, -1, 0, 1, 2]);
    expect(furthest([...decodeTensor(result.values)], theirs.steered)).toBeLessThanOrEqual(TOLERANCE);
  });

  test.each(['decoder.attn.hook_z', 'decoder.cross_attn.hook_z', 'encoder.attn.hook_z'])(
    'a sweep over the heads of %s',
    async name => {
      const [tower, ...rest] = name.split('.');
      const reading = subject.reading!({ tower: 'decoder', other: { ids } });
      const patches = [0, 1].flatMap(layer =>
        [0, 1, 2, 3].map(head => ({ hook: `${tower}.blocks.${layer}.${rest.join('.')}`, heads: [head] }))
      );
      const { values, method } = await reading.sweep(
        {
          base: [clean],
          source: { kind: 'zero' },
          patches,
          readout: {
            positions: [[clean.length - 1]],
            columns: [[correct, wrong]],
            value: logits => logits[0] - logits[1]
          }
        },
        quiet
      );
      expect(method).toBe(tower === 'encoder' ? 'whole' : 'positions');
      expect(furthest([...values], flat(theirs.without[name]))).toBeLessThanOrEqual(TOLERANCE);
    }
  );

  test('an encoder has something to read, said once', async () => {
    const compute = (given: object): Promise<unknown> =>
      activationPatching.compute(subject, validateSpec(activationPatching, { prompts, ...given }), quiet, 0);
    await expect(compute({})).rejects.toThrow(
      `encoder without input: '${family}' is an encoder–decoder, so give 'encoderText' or 'encoderIds' for what its encoder reads`
    );
    await expect(compute({ encoderIds: ids, encoderText: 'words' })).rejects.toThrow(
      "fields 'encoderText' and 'encoderIds' are both given"
    );
    expect(activationPatching.refuses(subject)).toBeUndefined();
  });
});

test('a model without encoder has nothing to read beside its prompts', async () => {
  const subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), createNodeRuntime(), quiet);
  const spec = validateSpec(activationPatching, SPEC);
  await expect(activationPatching.compute(subject, spec, quiet, 0)).rejects.toThrow(
    "field 'encoderIds' is for encoder–decoders, 'gpt2' is none"
  );
  await subject.close();
});
