import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Anatomy, Patches, Tower } from '../../src/anatomy/anatomy';
import { certify } from '../../src/anatomy/certificate/certify';
import { deviation } from '../../src/anatomy/certificate/deviation';
import type { Sides } from '../../src/anatomy/certificate/identity';
import { applyCertificate } from '../../src/anatomy/certificate/judge-hooks';
import { matrixReader } from '../../src/anatomy/certificate/layer-maths';
import { patchEmbedding } from '../../src/anatomy/certificate/patch-identity';
import { probe } from '../../src/anatomy/certificate/probe';
import { recognise } from '../../src/anatomy/recognise';
import { collectWeights } from '../../src/onnx/collect-weights';
import { readModel } from '../../src/onnx/read-model';
import type { Tensor } from '../../src/onnx/tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { capture } from '../anatomy/certificate';
import { memoryFiles, quiet } from './fixture-files';

const bytesOf = (family: string, style: string): Uint8Array =>
  gunzipSync(readFileSync(join(__dirname, `../fixtures/matrix/${family}/${style}.onnx.gz`)));

const open = (family: string, style: string, files: Readonly<Record<string, object>> = {}): Promise<Subject> => {
  const beside = Object.entries(files).map(([name, json]) => [name, new TextEncoder().encode(JSON.stringify(json))]);
  const all = { 'model.onnx': bytesOf(family, style), ...Object.fromEntries(beside) };
  return openModel(memoryFiles(family, all), createNodeRuntime(), quiet);
};

const image = (...dims: readonly number[]): Tensor => ({
  dims,
  type: 'float32',
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i))
});

const pixels = (tensor: Tensor): ReadonlyMap<string, Tensor> => new Map([['pixel_values', tensor]]);

describe('a vision tower', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('deit', 'optimum');
  });
  afterAll(() => subject.close());

  test('has its sizes from the table of positions where the file leaves them open', () => {
    expect(subject.imageSizes).toEqual({
      input: 'pixel_values',
      shape: ['batch_size', 3, 16, 16],
      from: 'the table of positions'
    });
    expect(subject.tower).toMatchObject({ name: 'vision', kind: 'vision', layers: 2, heads: 4, maxPositions: 18 });
    expect(subject.tower.content).toMatchObject({ kind: 'pixels', length: 18, patches: { grid: [4, 4], leading: 2 } });
  });

  test('names its tokens by the patch', () => {
    const { ids, labels } = subject.tensorInput(pixels(image(2, 3, 16, 16)), 'f');
    expect(ids).toEqual([labels.map((_, place) => place), labels.map((_, place) => place)]);
    expect(labels.slice(0, 8)).toEqual(['[CLS]', '[DIST]', 'r0c0', 'r0c1', 'r0c2', 'r0c3', 'r1c0', 'r1c1']);
    expect(labels[17]).toBe('r3c3');
  });

  test('gives each row of a batch what it gives it alone', async () => {
    const both = image(2, 3, 16, 16);
    const hooks = ['blocks.1.attn.hook_pattern'];
    const together = await subject.forward({ ...subject.tensorInput(pixels(both), 'f'), hooks }, quiet);
    const second = { ...image(1, 3, 16, 16), data: (both.data as Float32Array).slice(768) };
    const alone = await subject.forward({ ...subject.tensorInput(pixels(second), 'f'), hooks }, quiet);
    const whole = together.get(hooks[0]).data as Float32Array;
    const own = alone.get(hooks[0]).data as Float32Array;
    // float32 softmaxes whose products may be summed in another order.
    own.forEach((weight, i) => expect(Math.abs(weight - whole[own.length + i])).toBeLessThan(1e-6));
  });

  test('can be intervened on, at one place', async () => {
    const input = subject.tensorInput(pixels(image(1, 3, 16, 16)), 'f');
    const hooks = ['blocks.0.hook_resid_post', 'blocks.1.hook_resid_pre'];
    const list = [{ hook: hooks[0], op: 'zero', pos: [3] }] as const;
    const cache = await subject.forward({ ...input, hooks, interventions: { list } }, quiet);
    const stream = cache.get(hooks[1]);
    const rows = Array.from({ length: 18 }, (_, at) => stream.data.slice(at * 24, (at + 1) * 24) as Float32Array);
    expect(rows.map(row => row.every(value => value === 0)).indexOf(true)).toBe(3);
    expect(rows.filter(row => row.every(value => value === 0))).toHaveLength(1);
  });

  test.each([
    [
      'ids',
      () => subject.forward({ ids: [[1, 2]], hooks: [] }, quiet),
      "input differs: 'deit' reads 'pixel_values' [batch_size, 3, 16, 16] (pixels) instead of ids, so give it as a tensor or an image"
    ],
    [
      'text',
      () => subject.input({ text: 'a' }),
      "input differs: 'deit' reads 'pixel_values' [batch_size, 3, 16, 16] (pixels) instead of ids, so give it as a tensor or an image"
    ],
    [
      'another size',
      () => subject.tensorInput(pixels(image(1, 3, 8, 16)), 'f'),
      "input shape wrong: 'pixel_values' is [1, 3, 8, 16], the file takes [1, 3, 16, 16] here"
    ],
    [
      'another type',
      () => subject.tensorInput(pixels({ ...image(1, 3, 16, 16), type: 'float64' }), 'f'),
      "input type wrong: 'pixel_values' is float64, the file takes float32"
    ],
    [
      'another name',
      () => subject.tensorInput(new Map([['pixels', image(1, 3, 16, 16)]]), 'f.safetensors'),
      "input unknown: 'pixels' of 'f.safetensors' is not an input of 'deit' (nearest: pixel_values)"
    ],
    [
      'nothing',
      () => subject.tensorInput(new Map(), 'f.safetensors'),
      "input missing: 'f.safetensors' has no tensor 'pixel_values' [batch_size, 3, 16, 16] for 'deit'"
    ],
    [
      'no rows',
      () => subject.tensorInput(pixels(image(0, 3, 16, 16)), 'f'),
      "input malformed: 'pixel_values' of 'f' is [0, 3, 16, 16]"
    ]
  ])('refuses %s', async (_, run, message) => {
    await expect((async () => run())()).rejects.toThrow(message);
  });
});

test.each([
  [{ 'config.json': { image_size: 24 } }, [24, 24], 'config.json'],
  [
    { 'config.json': { image_size: 32 }, 'preprocessor_config.json': { size: { height: 16, width: 20 } } },
    [16, 20],
    'preprocessor_config.json'
  ],
  [
    { 'preprocessor_config.json': { size: { shortest_edge: 32 }, crop_size: { height: 16, width: 16 } } },
    [16, 16],
    'preprocessor_config.json'
  ],
  [{ 'config.json': { image_size: -3 } }, [56, 56], 'no file: 14 × 14 patches by default'],
  [{ 'config.json': [] }, [56, 56], 'no file: 14 × 14 patches by default']
])('sizes that the graph leaves open come from the files beside it: %j', async (files, sides, from) => {
  const subject = await open('beit', 'optimum', files);
  expect(subject.imageSizes).toEqual({ input: 'pixel_values', shape: ['batch_size', 3, ...sides], from });
  await subject.close();
});

describe('the patch embedding from the bytes of the file', () => {
  const { model, weights } = collectWeights(readModel(bytesOf('vit', 'torchscript'), 'vit'), new Map());
  const right = recognise(model, weights);
  const captured = capture(model, weights, right);

  const withPatches = (change: (patches: Patches) => Partial<Patches>): Anatomy => ({
    ...right,
    towers: right.towers.map(tower => {
      const patches = tower.content!.patches!;
      return { ...tower, content: { ...tower.content!, patches: { ...patches, ...change(patches) } } };
    })
  });

  const withTensor = (hook: string, tensor: string): Anatomy => ({
    ...right,
    hooks: right.hooks.map(one => (one.name === hook ? { ...one, source: { ...one.source!, tensor } } : one))
  });

  const judge = async (anatomy: Anatomy, runs = captured) => {
    const request = { anatomy, model, weights, captured: await runs, probe: probe(right).ids, forwards: 2 };
    const certificate = certify(request);
    const identity = certificate.identities.find(({ name }) => name === 'patches-reproduce-embed')!;
    const hook = applyCertificate(anatomy, certificate).hooks.find(({ name }) => name === 'hook_embed')!;
    return { identity, status: hook.status };
  };

  test('holds', async () => {
    const { identity, status } = await judge(right);
    expect(identity).toMatchObject({ holds: true, tolerance: 5e-5 });
    expect(status).toBe('verified');
  });

  test.each<[string, (patches: Patches) => Partial<Patches>]>([
    ['patches from top to bottom first', ({ grid }) => ({ strides: [4, 3], grid })],
    ['without its bias', () => ({ bias: undefined })],
    ['one pixel further', () => ({ pads: [1, 1, 0, 0] })]
  ])('%s: fails', async (_, change) => {
    const { identity, status } = await judge(withPatches(change));
    expect(identity.holds).toBe(false);
    expect(status).toBe('unavailable');
  });

  test('the stream behind the positions instead of before them: fails', async () => {
    const anatomy = withTensor('hook_embed', right.towers[0].blocks[0].residPre);
    const { identity, status } = await judge(anatomy, capture(model, weights, anatomy));
    expect(identity.holds).toBe(false);
    expect(status).toBe('unavailable');
  });

  test('a token that is computed leaves it open', async () => {
    const { identity, status } = await judge(withPatches(() => ({ before: [undefined] })));
    expect(identity.why).toBe('vision: its convolution is not stored as plain numbers'.replace('vision', 'model'));
    expect(status).toBe('unverified');
  });
});

/** DynamicQuantizeLinear and ConvInteger: the file's kernel gives hook_embed, float64 from its bytes the other side. */
test.each(['deit', 'siglip'])(
  'the patch embedding of %s in eight bits is of pixels as the file rounds them',
  async family => {
    const subject = await open(family, 'int8', { 'config.json': { image_size: 16 } });
    const held = subject.certificate.identities.find(({ name }) => name === 'patches-reproduce-embed')!;
    expect(held).toMatchObject({ holds: true, tolerance: 5e-5 });
    const input = subject.tensorInput(pixels(image(1, 3, 16, 16)), 'f');
    const embed = (await subject.forward({ ...input, hooks: ['hook_embed'] }, quiet)).get('hook_embed');
    const { model, weights } = collectWeights(readModel(bytesOf(family, 'int8'), family), new Map());
    const read = matrixReader(model, weights, true);
    const off = (tower: Tower): number => {
      const nothing = (): undefined => undefined;
      const rest = {
        read,
        whole: true,
        hook: () => embed,
        fed: () => image(1, 3, 16, 16),
        output: nothing,
        route: nothing
      };
      return Number(deviation(patchEmbedding({ tower, probe: input.ids, ...rest }) as Sides));
    };
    const { content } = subject.tower;
    const { rounds, ...exact } = content!.patches!;
    expect(rounds).toBe(true);
    expect(off(subject.tower)).toBeLessThan(5e-5);
    // Pixels that are not rounded are off by a part of a step of 255.
    expect(off({ ...subject.tower, content: { ...content!, patches: exact } })).toBeGreaterThan(5e-4);
    await subject.close();
  }
);
