import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { attentionPatterns } from '../../src/analyses/attention/attention-patterns';
import { findAnalysis } from '../../src/analyses';
import { reckoning, seeing } from '../../src/analyses/seen';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { decodePng } from '../../src/maths/decode-png';
import { writeSafetensors } from '../../src/onnx/safetensors';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Context } from '../../src/subject/context';
import { imageSteps } from '../../src/subject/opening/image-config';
import { openModel } from '../../src/subject/opening/open-model';
import { prepareImage } from '../../src/subject/inputs/prepare-image';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from './fixture-files';

interface Facts {
  readonly png: Readonly<Record<string, { readonly png: string }>>;
  readonly prepared: Readonly<Record<string, { config: object; dims: readonly number[]; values: readonly number[] }>>;
}

/** Hugging Face's image processors'. */
const { png, prepared }: Facts = JSON.parse(readFileSync(join(__dirname, '../fixtures/images.json'), 'utf8'));
const PICTURE = new Uint8Array(Buffer.from(png.RGB.png, 'base64'));

test.each(Object.keys(prepared))('an image as the processor %s prepares it', name => {
  const { config, dims, values } = prepared[name];
  const steps = imageSteps(config, 'm');
  const tensor = prepareImage(decodePng(PICTURE, 'a.png'), steps, 'a.png');
  expect(tensor.dims).toEqual(dims);
  const off = values.map((value, i) => Math.abs(value - Number(tensor.data[i])));
  // The five digits of the fixture.
  expect(Math.max(...off)).toBeLessThan(1e-5);
});

test.each([
  [undefined, "image refused: 'm' has no preprocessor_config.json beside it, so give tensors instead"],
  [{}, "image refused: the preprocessor_config.json of 'm' has no 'size' that is understood, so give tensors instead"],
  [{ size: 16, resample: 5 }, "names a 'resample' other than nearest, lanczos, bilinear and bicubic"],
  [{ size: 16, image_mean: [1, 2], image_std: [1, 1, 1] }, "has no 'image_mean' of three numbers"],
  [{ size: 16, image_mean: [1, 1, 1], image_std: [0, 1, 1] }, "has an 'image_std' that is not positive"],
  [{ size: 16, do_pad: true }, 'asks for padding'],
  [{ size: { height: 16, width: 99999 } }, "has no 'size' that is understood"]
])('refuses a configuration: %j', (config, message) => {
  expect(() => imageSteps(config, 'm')).toThrow(message);
});

const open = (family: string): Promise<Subject> => {
  const model = gunzipSync(readFileSync(join(__dirname, `../fixtures/matrix/${family}/dynamo.onnx.gz`)));
  const preprocessor = new TextEncoder().encode(JSON.stringify(prepared.vit.config));
  const files = memoryFiles(family, { 'model.onnx': model, 'preprocessor_config.json': preprocessor });
  return openModel(files, createNodeRuntime(), quiet);
};

const reading = (bytes: Uint8Array): Context => ({ ...quiet, read: async () => bytes });

describe('a vision model', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('vit');
  });
  afterAll(() => subject.close());

  const tensors = (rows = 1): Uint8Array => {
    const pixels = prepareImage(decodePng(PICTURE, 'a.png'), imageSteps(prepared.vit.config, 'm'), 'a.png');
    const data = Float32Array.from(Array.from({ length: rows }, () => Array.from(pixels.data as Float32Array)).flat());
    return writeSafetensors(new Map([['pixel_values', { ...pixels, dims: [rows, 3, 16, 16], data }]]));
  };

  test('shows the same patterns of an image and of its tensors, its patches named', async () => {
    const spec = validateSpec(attentionPatterns, { image: 'a.png' });
    expect(spec.text).toBeUndefined();
    expect(attentionPatterns.cost(reckoning(subject, spec), spec).forwards).toBe(1);
    const seen = await seeing(subject, spec, reading(PICTURE));
    const result = await attentionPatterns.compute(seen, spec, quiet, 0);
    expect(result.input.labels.slice(0, 3)).toEqual(['[CLS]', 'r0c0', 'r0c1']);
    const same = await seeing(subject, { tensors: 'a.safetensors' }, reading(tensors()));
    expect(await attentionPatterns.compute(same, spec, quiet, 0)).toEqual(result);
  });

  test.each(['attention-entropy', 'token-uniformity', 'massive-activations', 'rank-collapse'])(
    'serves %s',
    async id => {
      const analysis = findAnalysis(id);
      const spec = validateSpec(analysis, { image: 'a.png' });
      const seen = await seeing(subject, spec, reading(PICTURE));
      expect(analysis.refuses(seen)).toBeUndefined();
      const result = await analysis.compute(seen, spec, quiet, 0);
      expect(analysis.validateResult(JSON.parse(JSON.stringify(result)))).toBeDefined();
      expect(analysis.summary(result, spec)).toContain('17 tokens');
    }
  );

  test.each<[string, object, Context, string]>([
    ['without a file system', { image: 'a.png' }, quiet, "file not read: 'a.png', because nothing can be read here"],
    [
      'what is no image',
      { image: 'a.jpg' },
      reading(Uint8Array.of(1, 2)),
      "image refused: 'a.jpg' is no PNG, and here only PNGs are read: save it as one (in Python: PIL.Image.open(…).save('image.png')), or open it in JupyterLab"
    ],
    ['two rows', { tensors: 'a' }, reading(tensors(2)), "input malformed: 'a' holds 2 rows, an analysis looks at one"]
  ])('refuses %s', async (_, spec, context, message) => {
    await expect(seeing(subject, spec, context)).rejects.toThrow(message);
  });

  test('refuses a text instead of an image', async () => {
    const spec = validateSpec(attentionPatterns, { text: 'a' });
    await expect(attentionPatterns.compute(subject, spec, quiet, 0)).rejects.toThrow(
      "Attention patterns: 'vit' reads pixels, so name a file in the field 'image' or 'tensors'"
    );
  });

  test('refuses an image and a text together', () => {
    expect(() => validateSpec(attentionPatterns, { text: 'a', image: 'b' })).toThrow(
      "fields 'text' and 'image' exclude each other: give one"
    );
  });
});

test('a model that reads ids refuses an image', async () => {
  const subject = await open('gpt2');
  await expect(seeing(subject, { image: 'a.png' }, reading(PICTURE))).rejects.toThrow(
    "input differs: 'gpt2' reads ids, so give text or ids instead of 'a.png'"
  );
  await subject.close();
});
