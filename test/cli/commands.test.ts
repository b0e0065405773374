import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { analyses } from '../../src/analyses';
import { VERSION } from '../../src/report/version';
import { readSafetensors, writeSafetensors } from '../../src/onnx/safetensors';
import { halfToNumber } from '../../src/onnx/half';
import type { Tensor } from '../../src/onnx/tensor';
import { validatePayload } from '../../src/report/validate-payload';
import { MODELS } from '../subject/fixture-files';
import { orrery } from './capture';

const HUB = join(MODELS, 'gpt2-hub');
const facts = JSON.parse(readFileSync(join(HUB, 'facts.json'), 'utf8')) as {
  readonly text: string;
  readonly ids: readonly (readonly number[])[];
  readonly tower: Readonly<Record<string, unknown>>;
};
const oracle = readSafetensors(readFileSync(join(HUB, 'expected.safetensors')), 'oracle');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const tensorsOf = (file: string): ReadonlyMap<string, Tensor> => readSafetensors(readFileSync(file), file);

const difference = (a: Tensor, b: Tensor | undefined): number =>
  Array.from(a.data as Float32Array).reduce(
    (most, value, index) => Math.max(most, Math.abs(value - ((b?.data as Float32Array)[index] ?? NaN))),
    0
  );

describe('inspect', () => {
  test('JSON of the fixed shape', async () => {
    const { code, out, said } = await orrery('inspect', HUB, '--json');
    expect([code, said]).toEqual([0, []]);
    const json = JSON.parse(out) as Record<string, never>;
    expect(Object.keys(json)).toEqual(['model', 'towers', 'hooks', 'identities']);
    expect(json.model).toEqual({
      hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      bytes: readFileSync(join(HUB, 'model.onnx')).length,
      dtypes: { float32: expect.any(Number) as number }
    });
    expect(json.towers[0]).toMatchObject(facts.tower);
    expect(json.hooks).toContainEqual({
      name: 'blocks.1.attn.hook_pattern',
      shape: ['batch', 4, 'query_pos', 'key_pos'],
      status: 'verified'
    });
    expect(json.identities).toContainEqual(
      expect.objectContaining({ name: 'pattern-rows-sum-to-one', holds: true, tolerance: 1e-5 })
    );
  });

  test('words, and --strict passes where all holds', async () => {
    const { code, out } = await orrery('inspect', HUB, '--strict');
    expect(code).toBe(0);
    expect(out).toMatch(/^model +gpt2-hub, /);
    expect(out).toMatch(/decoder +2 layers, 4 heads, d_model 32, d_head 8, d_mlp 64, vocabulary 320/);
    expect(out).not.toContain('FAILS');
  });
});

describe('cache', () => {
  test('hooks and outputs by globs, against PyTorch', async () => {
    const out = join(folder, 'hooks.safetensors');
    const hooks = ['--hooks', 'blocks.*.attn.hook_pattern', 'blocks.1.hook_resid_post', '--hooks', 'logits'];
    const { code, said } = await orrery('cache', HUB, '--text', facts.text, ...hooks, '--out', out);
    expect(said).toEqual([expect.stringMatching(/^wrote 4 tensors, \d+ bytes, to /) as string]);
    expect(code).toBe(0);
    const tensors = tensorsOf(out);
    expect([...tensors.keys()].sort()).toEqual([
      'blocks.0.attn.hook_pattern',
      'blocks.1.attn.hook_pattern',
      'blocks.1.hook_resid_post',
      'logits'
    ]);
    for (const [name, tensor] of tensors) {
      expect([name, tensor.dims, tensor.type]).toEqual([name, oracle.get(name)?.dims, 'float32']);
      // Values up to some units, single precision: as in test/subject.
      expect([name, difference(tensor, oracle.get(name)) < 1e-4]).toEqual([name, true]);
    }
  });

  test('half precision', async () => {
    const out = join(folder, 'half.safetensors');
    const args = ['--ids', facts.ids[0].join(','), '--hooks', 'hook_embed', '--dtype', 'float16', '--out', out];
    expect((await orrery('cache', HUB, ...args)).code).toBe(0);
    const embed = tensorsOf(out).get('hook_embed') as Tensor;
    expect(embed.type).toBe('float16');
    const back: Tensor = {
      ...embed,
      type: 'float32',
      data: Float32Array.from(embed.data as Uint16Array, halfToNumber)
    };
    // Half a step of 11 bits, for values below 4.
    expect(difference(back, oracle.get('hook_embed'))).toBeLessThan(4 * 2 ** -11);
  });

  test('tensors for the graph’s inputs', async () => {
    const inputs = join(folder, 'inputs.safetensors');
    const dims = [1, facts.ids[0].length];
    const ids: Tensor = { dims, type: 'int64', data: BigInt64Array.from(facts.ids[0], BigInt) };
    const mask: Tensor = { dims, type: 'int64', data: new BigInt64Array(dims[1]).fill(1n) };
    writeFileSync(
      inputs,
      writeSafetensors(
        new Map([
          ['input_ids', ids],
          ['attention_mask', mask]
        ])
      )
    );
    const out = join(folder, 'from-inputs.safetensors');
    const { code } = await orrery('cache', HUB, '--inputs', inputs, '--hooks', 'logits', '--out', out);
    expect(code).toBe(0);
    expect(difference(tensorsOf(out).get('logits') as Tensor, oracle.get('logits'))).toBeLessThan(1e-4);
    const narrow: Tensor = { dims, type: 'int32', data: Int32Array.from(facts.ids[0]) };
    writeFileSync(inputs, writeSafetensors(new Map([['input_ids', narrow]])));
    expect((await orrery('cache', HUB, '--inputs', inputs, '--hooks', 'logits', '--out', out)).code).toBe(0);
    expect(difference(tensorsOf(out).get('logits') as Tensor, oracle.get('logits'))).toBeLessThan(1e-4);
    writeFileSync(inputs, writeSafetensors(new Map([['attention_mask', mask]])));
    const { said } = await orrery('cache', HUB, '--inputs', inputs, '--hooks', 'logits', '--out', out);
    expect(said).toEqual([expect.stringContaining("has no tensor 'input_ids' with the ids for 'gpt2-hub'") as string]);
  });
});

describe('run', () => {
  const runSpec = async (value: unknown) => {
    const spec = join(folder, 'spec.json');
    writeFileSync(spec, JSON.stringify(value));
    return orrery('run', spec, '--model', HUB);
  };

  const [ids] = facts.ids;
  const prompts = [{ clean: ids, corrupted: [...ids].reverse(), answer: { correct: [9], wrong: [11] } }];
  const labelled = Array.from({ length: 30 }, (_, i) => `${i * 37}/A ${i * 11}/B`);
  const given = (fields: object): object => ({
    ...('text' in fields && { text: facts.text }),
    // Enough tokens for any estimate, in texts that this model's 64 positions hold.
    ...('texts' in fields && { texts: Array.from({ length: 24 }, (_, i) => `${i * 37} ${facts.text}`).join('\n') }),
    ...('prompts' in fields && { prompts }),
    ...('rows' in fields && { task: 'rows', rows: labelled.join('\n') }),
    ...('truth' in fields && { truth: 'L0H0 L1H1' }),
    ...('length' in fields && { length: 16 }),
    ...('other' in fields && { other: HUB })
  });

  test.each(analyses.map(({ id, spec }) => [id, given(spec)] as const))('%s', async (id, spec) => {
    const { code, out, said } = await runSpec({ analysis: id, model: { path: 'gpt2-hub' }, seed: 7, spec });
    expect(said).toEqual([expect.stringMatching(new RegExp(`^ran ${id} on gpt2-hub`)) as string]);
    expect(code).toBe(0);
    const bundle = JSON.parse(out) as Record<string, unknown>;
    expect(Object.keys(bundle)).toEqual(
      expect.arrayContaining(['application/vnd.orrery.v1+json', 'text/html', 'text/plain'])
    );
    const { payload } = validatePayload(bundle['application/vnd.orrery.v1+json']);
    expect(payload).toMatchObject({
      analysis: id,
      seed: 7,
      provenance: { version: VERSION, runtime: 'onnxruntime-node 1.30.0' }
    });
  });

  test('attention patterns carry a picture, and the same spec gives the same numbers', async () => {
    const spec = { analysis: 'attention-patterns', model: { path: 'gpt2-hub' }, spec: { text: facts.text } };
    const [a, b] = [await runSpec(spec), await runSpec(spec)].map(
      ({ out }) => JSON.parse(out) as Record<string, never>
    );
    const picture = Buffer.from(a['image/png'] as string, 'base64');
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    const result = (bundle: Record<string, never>) =>
      (bundle['application/vnd.orrery.v1+json'] as { result: unknown }).result;
    expect(result(a)).toEqual(result(b));
  });

  test('--out, and the model’s path from the spec’s own folder', async () => {
    const spec = join(MODELS, '..', 'spec.tmp.json');
    const out = join(folder, 'bundle.json');
    writeFileSync(spec, JSON.stringify({ analysis: 'model-card', model: { path: 'models/gpt2-hub' } }));
    try {
      const { code, out: data } = await orrery('run', spec, '--out', out);
      expect([code, data]).toEqual([0, '']);
      const bundle = JSON.parse(readFileSync(out, 'utf8')) as Record<string, { model: { path: string } }>;
      expect(bundle).toHaveProperty(['application/vnd.orrery.v1+json', 'result', 'towers']);
      expect(resolve(folder, bundle['application/vnd.orrery.v1+json'].model.path)).toBe(resolve(HUB));
    } finally {
      rmSync(spec);
    }
  });

  test('the bundle names the model that ran, from its own folder', async () => {
    const [spec, out] = [join(folder, 'elsewhere.json'), join(folder, 'ran.json')];
    writeFileSync(spec, JSON.stringify({ analysis: 'model-card', model: { path: 'another' } }));
    expect((await orrery('run', spec, '--model', HUB, '--out', out)).code).toBe(0);
    expect((await orrery('run', out)).code).toBe(0);
    expect(readFileSync(out, 'utf8')).not.toContain('another');
  });

  test('a spec whose model is not there asks for --model; with another file than its saved result’s it says so', async () => {
    const spec = join(folder, 'saved.json');
    const provenance = { modelHash: `sha256:${'0'.repeat(64)}` };
    writeFileSync(spec, JSON.stringify({ analysis: 'model-card', model: { path: 'gone' }, result: {}, provenance }));
    const { code, said } = await orrery('run', spec);
    expect(code).toBe(1);
    expect(said.join()).toMatch(
      /^orrery: model missing: '.*gone', which '.*saved.json' names, is not there, so give --model$/
    );
    const ran = await orrery('run', spec, '--model', HUB);
    expect(ran.code).toBe(0);
    expect(ran.said.join()).toMatch(
      /the result saved in the spec was of another file \(sha256:0{64}\), this one is sha256:/
    );
  });
});

describe('list', () => {
  test('words', async () => {
    const { code, out } = await orrery('list');
    expect(code).toBe(0);
    expect(out.split('\n').filter(Boolean)).toHaveLength(analyses.length);
  });

  test('JSON with schemas', async () => {
    const json = JSON.parse((await orrery('list', '--json')).out) as { id: string; schema: { type: string } }[];
    expect(json.map(({ id }) => id)).toEqual(analyses.map(({ id }) => id));
    expect(json.every(({ schema }) => schema.type === 'object')).toBe(true);
  });
});

test('help and version', async () => {
  expect((await orrery('--help')).out).toMatch(/\n {2}cache {5}runs the model and writes hooks as safetensors\n/);
  expect((await orrery('run', '--help')).out).toMatch(
    /^orrery run runs one analysis .*\n\nUsage: orrery run SPEC.json /
  );
  expect(await orrery('--version')).toEqual({ code: 0, out: `${VERSION}\n`, said: [] });
});

test.each(['inspect', 'cache', 'weights', 'generate', 'prompts', 'run', 'list'])(
  'the help of %s has its options in columns, on lines that a terminal shows whole',
  async name => {
    const { code, out } = await orrery(name, '--help');
    const [, options = ''] = /\nOptions\n((?: {2}.+\n)+)\n/.exec(out) ?? [];
    expect(options).toMatch(/^ {2}--\w/);
    expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(110);
    expect(code).toBe(0);
  }
);

test('the version is the package’s', () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
