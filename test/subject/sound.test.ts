import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Anatomy, StemLayer } from '../../src/anatomy/anatomy';
import { certify } from '../../src/anatomy/certificate/certify';
import { probe } from '../../src/anatomy/certificate/probe';
import { recognise } from '../../src/anatomy/recognise';
import { collectWeights } from '../../src/onnx/collect-weights';
import { joinBytes } from '../../src/onnx/join-bytes';
import { readModel } from '../../src/onnx/read-model';
import { writeSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { capture } from '../anatomy/certificate';
import { memoryFiles, quiet } from './fixture-files';

const bytesOf = (family: string, part: string): Uint8Array =>
  gunzipSync(readFileSync(join(__dirname, `../fixtures/matrix/${family}/optimum.${part}.onnx.gz`)));

const START = new TextEncoder().encode('{"decoder_start_token_id": 2}');

const open = (family: string, encoder = bytesOf(family, 'encoder')): Promise<Subject> =>
  openModel(
    memoryFiles(family, {
      'encoder_model.onnx': encoder,
      'decoder_model.onnx': bytesOf(family, 'decoder'),
      'config.json': START
    }),
    createNodeRuntime(),
    quiet
  );

const features = (...dims: readonly number[]): Tensor => ({
  dims,
  type: 'float32',
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i))
});

const sound = (dims: readonly number[]) => ({
  kind: 'tensors' as const,
  path: 'sound.safetensors',
  bytes: writeSafetensors(new Map([['input_features', features(...dims)]]), {})
});

describe('a model that hears', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('whisper');
  });
  afterAll(() => subject.close());

  test('is an encoder of features and a decoder of text', () => {
    expect(subject.anatomy.towers.map(({ name, positional, causal }) => [name, positional, causal])).toEqual([
      ['encoder', 'sinusoidal', false],
      ['decoder', 'learned', true]
    ]);
    expect(subject.tower.content).toMatchObject({ kind: 'features', input: 'input_features', length: 20 });
    expect(subject.tower.content?.stem?.layers).toMatchObject([
      { stride: 1, pad: 1, curve: 'gelu' },
      { stride: 2, pad: 1, curve: 'gelu' }
    ]);
    expect(subject.anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
  });

  test('the decoder reads what was heard, whichever tower has the rows', async () => {
    const hearing = await subject.looking!(sound([1, 8, 40]));
    const written = { ids: [2, 5, 7] };
    const hook = 'decoder.blocks.1.cross_attn.hook_pattern';
    const ids = hearing.reading!({ tower: 'encoder', other: written }).input({ text: '' }).ids;
    const beside = hearing.reading!({ tower: 'encoder', other: written });
    const own = hearing.reading!({ tower: 'decoder', other: { text: '' } });
    const [one, other] = [
      (await beside.forward({ ids: [ids], hooks: [hook] }, quiet)).get(hook),
      (await own.forward({ ids: [[...own.input(written).ids]], hooks: [hook] }, quiet)).get(hook)
    ];
    expect(one.dims).toEqual([1, 4, 3, 20]);
    expect(other).toEqual(one);
  });

  test('refuses a decoder that has heard nothing, and sounds of another length', async () => {
    const deaf = subject.reading!({ tower: 'decoder', other: { ids: [0, 1, 2] } });
    await expect(deaf.forward({ ids: [[2]], hooks: [] }, quiet)).rejects.toThrow(
      "input differs: 'whisper' reads 'input_features' [batch_size, 8, 40] (features) instead of ids, so give it as a tensor"
    );
    await expect(subject.looking!(sound([1, 8, 42]))).rejects.toThrow(
      "input shape wrong: 'input_features' is [1, 8, 42], the file takes [1, 8, 40] here"
    );
  });
});

test('a file that leaves its frames open has as many as its table has positions for', async () => {
  const model = readModel(bytesOf('whisper', 'encoder'), 'encoder');
  const inputs = model.graph.inputs.map(input => ({
    ...input,
    type: { ...input.type!, shape: ['batch', 'bins', 'frames'] }
  }));
  const unsized = joinBytes(writeModel({ ...model, graph: { ...model.graph, inputs } }));
  const subject = await open('whisper', unsized);
  expect(subject.imageSizes).toEqual({
    input: 'input_features',
    shape: ['batch', 8, 40],
    from: 'the table of positions'
  });
  await subject.close();
});

test('a long sound is certified by one row, at a few places of it', async () => {
  const subject = await open('whisper-long');
  const { certificate, anatomy } = subject;
  expect(certificate.probe).toHaveLength(1);
  expect(certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
  expect(anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
  await subject.close();
});

describe('the convolutions from the bytes of the file', () => {
  const { model, weights } = collectWeights(readModel(bytesOf('whisper', 'encoder'), 'encoder'), new Map());
  const right = recognise(model, weights);
  const captured = capture(model, weights, right);

  const held = async (change: (layer: StemLayer, at: number) => Partial<StemLayer>) => {
    const anatomy: Anatomy = {
      ...right,
      towers: right.towers.map(tower => {
        const layers = tower.content!.stem!.layers.map((layer, at) => ({ ...layer, ...change(layer, at) }));
        return { ...tower, content: { ...tower.content!, stem: { layers } } };
      })
    };
    const request = { anatomy, model, weights, captured: await captured, probe: probe(right).ids, forwards: 2 };
    return certify(request).identities.find(({ name }) => name === 'convolutions-reproduce-embed')!;
  };

  test('hold', async () => {
    expect(await held(() => ({}))).toMatchObject({ holds: true, tolerance: 5e-5 });
  });

  test.each<[string, (layer: StemLayer, at: number) => Partial<StemLayer>]>([
    ['a frame further', (_, at) => (at === 0 ? { pad: 0 } : {})],
    ['without a bias', (_, at) => (at === 1 ? { bias: undefined } : {})],
    ['in steps of one', () => ({ stride: 1 })]
  ])('%s: fail', async (_, change) => {
    expect((await held(change)).error).toBeGreaterThan(1e-3);
  });

  test('behind another curve: not checked', async () => {
    expect(await held(() => ({ curve: 'relu' }))).toMatchObject({
      holds: false,
      why: 'model: its features become tokens by more than plain convolutions and GELUs'
    });
  });
});
