import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { attentionPatterns } from '../../src/analyses/attention/attention-patterns';
import { seeing } from '../../src/analyses/seen';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import type { Tensor } from '../../src/onnx/tensor';
import { writeSafetensors } from '../../src/onnx/safetensors';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from './fixture-files';
import { expectedOf } from './matrix-cells';

const { pairs } = expectedOf('clip') as unknown as {
  pairs: { ids: number[][]; tensors: Record<string, { dims: number[]; values: number[] }> };
};

const images = (count: number): Tensor => {
  const { dims, values } = pairs.tensors.pixel_values;
  const size = values.length / dims[0];
  const data = Float32Array.from({ length: count * size }, (_, i) => values[i % values.length]);
  return { dims: [count, ...dims.slice(1)], type: 'float32', data };
};

test.each([
  ['clip', 'optimum'],
  ['siglip-both', 'optimum'],
  ['siglip', 'int8']
])('%s/%s: the size of images is that of their own table, whatever a text has', async (family, style) => {
  const bytes = gunzipSync(readFileSync(join(__dirname, `../fixtures/matrix/${family}/${style}.onnx.gz`)));
  const subject = await openModel(memoryFiles(family, { 'model.onnx': bytes }), createNodeRuntime(), quiet);
  const open = subject.anatomy.hooks.filter(({ status }) => status !== 'verified');
  expect([subject.imageSizes?.from, open]).toEqual(['the table of positions', []]);
  await subject.close();
});

describe('a text tower beside an image tower', () => {
  let subject: Subject;
  beforeAll(async () => {
    const bytes = gunzipSync(readFileSync(join(__dirname, '../fixtures/matrix/clip/optimum.onnx.gz')));
    const config = new TextEncoder().encode('{"image_size": 16}');
    subject = await openModel(
      memoryFiles('clip', { 'model.onnx': bytes, 'config.json': config }),
      createNodeRuntime(),
      quiet
    );
  });
  afterAll(() => subject.close());

  test('have names by what they read, and the text tower comes first', () => {
    expect(subject.anatomy.towers.map(({ name }) => name).sort()).toEqual(['text', 'vision']);
    expect(subject.tower.name).toBe('text');
  });

  test('give logits for each image and each text, however many there are of each', async () => {
    const outputs = ['logits_per_image', 'logits_per_text'];
    const run = (ids: number[][], count: number) =>
      subject.forward({ ids, hooks: [], outputs, feeds: { pixel_values: images(count) } }, quiet);
    const both = await run(pairs.ids, 2);
    const three = await run(pairs.ids, 3);
    expect(three.get('logits_per_image').dims).toEqual([3, 2]);
    expect(three.get('logits_per_text').dims).toEqual([2, 3]);
    // The third image is the first again; float32 sums in another order.
    const [two, more] = [both, three].map(cache => Array.from(cache.get('logits_per_image').data as Float32Array));
    [...two, two[0], two[1]].forEach((value, i) => expect(Math.abs(value - more[i])).toBeLessThan(1e-4));
  });

  test('refuses what is told of an image where none is given', async () => {
    const { ids } = pairs;
    const wrong = (hooks: string[], outputs: string[]) => subject.forward({ ids, hooks, outputs }, quiet);
    await expect(wrong(['vision.blocks.0.hook_resid_post'], [])).rejects.toThrow(
      "input missing: 'vision.blocks.0.hook_resid_post' of 'clip' needs 'pixel_values' (pixels) as well, which is not given"
    );
    await expect(wrong([], ['logits_per_image'])).rejects.toThrow("input missing: 'logits_per_image'");
    expect((await wrong(['text.blocks.0.hook_resid_post'], ['text_embeds'])).get('text_embeds').dims[0]).toBe(2);
  });

  test('refuses hooks of another number of rows than the run has', async () => {
    const feeds = { pixel_values: images(3) };
    const asked = subject.forward({ ids: pairs.ids, hooks: ['vision.blocks.0.hook_resid_pre'], feeds }, quiet);
    await expect(asked).rejects.toThrow(
      "rows differ: 'vision.blocks.0.hook_resid_pre' has the 3 rows of 'pixel_values', this run has 2"
    );
  });

  test('are each read alone, with the same values as together', async () => {
    const hook = 'vision.blocks.1.attn.hook_pattern';
    const feeds = { pixel_values: images(2) };
    const together = await subject.forward({ ids: pairs.ids, hooks: [hook], feeds }, quiet);
    const vision = subject.reading!({ tower: 'vision' });
    const input = vision.tensorInput(new Map([['pixel_values', images(2)]]), 'f');
    const alone = await vision.forward({ ...input, hooks: [hook] }, quiet);
    expect(alone.get(hook).data).toEqual(together.get(hook).data);
    const text = subject.forward({ ids: pairs.ids, hooks: ['text.blocks.1.hook_resid_post'] }, quiet);
    expect((await text).get('text.blocks.1.hook_resid_post').dims).toEqual([2, 7, 24]);
  });

  test('an analysis means the tower that something is given for, or the one it names', async () => {
    const read = async (): Promise<Uint8Array> => writeSafetensors(new Map([['pixel_values', images(1)]]), {});
    const run = async (given: object) => {
      const spec = validateSpec(attentionPatterns, given);
      const context = { ...quiet, read };
      return attentionPatterns.compute(await seeing(subject, spec as object, context), spec as never, context, 0);
    };
    const ids = pairs.ids[0];
    expect(await run({ ids })).toMatchObject({ tower: 'text', causal: true, size: 7 });
    expect(await run({ tensors: 'image.safetensors' })).toMatchObject({ tower: 'vision', causal: false, size: 17 });
    expect(await run({ ids, tower: 'text' })).toMatchObject({ tower: 'text', size: 7 });
    await expect(run({ ids, tower: 'vision' })).rejects.toThrow('pixel');
    await expect(run({ ids, tower: 'decoder' })).rejects.toThrow(
      "tower unknown: 'decoder' is not a tower of 'clip' (towers: 'vision', 'text')"
    );
  });
});
