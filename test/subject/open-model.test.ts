import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { inspectText } from '../../src/cli/inspect-text';
import { readSafetensors } from '../../src/onnx/safetensors';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { fixtures } from '../anatomy/fixtures';
import { fixtureFiles, memoryFiles, MODELS, quiet } from './fixture-files';

const runtime = createNodeRuntime();
const open = (family: string, file?: string): Promise<Subject> => openModel(fixtureFiles(family, file), runtime, quiet);

const largest = (data: ArrayLike<number>): number =>
  Array.from(data).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Scores that PyTorch masks with −∞ or −3.4e38 are compared as masked. */
const capped = (value: number): number => Math.max(value, -1e4);

// Values computed by PyTorch on the checkpoint. Single precision through two layers: 1e-4 of the largest value is some
// hundred roundings; a wrong hook is off by its own size.
describe.each(fixtures().map(({ family, style, facts }) => [`${family}/${style}.onnx`, family, style, facts] as const))(
  '%s',
  (_, family, style, facts) => {
    test('every hook of the oracle has its values, and the certificate holds', async () => {
      const subject = await open(family, `${style}.onnx`);
      expect(subject.certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
      const bytes = readFileSync(join(MODELS, family, 'expected.safetensors'));
      const expected = readSafetensors(bytes, family);
      const hooks = facts.hooks.filter(name => subject.anatomy.hooks.some(hook => hook.name === name && hook.source));
      const outputs = facts.hooks.filter(name => subject.outputs.includes(name));
      expect([...hooks, ...outputs].sort()).toEqual([...facts.hooks].sort());
      const cache = await subject.forward({ ids: facts.ids, hooks, outputs }, quiet);
      for (const name of cache.names) {
        const want = expected.get(name);
        const got = cache.get(name);
        expect([name, got.dims]).toEqual([name, want?.dims]);
        const wanted = Array.from(want?.data as Float32Array, capped);
        const worst = largest(wanted.map((value, index) => value - capped((got.data as Float32Array)[index])));
        expect([name, worst <= 1e-4 * Math.max(largest(wanted), 1e-3)]).toEqual([name, true]);
      }
      await subject.close();
    });
  }
);

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2-hub');
  });
  afterAll(() => subject.close());

  test('facts', () => {
    const { facts } = subject;
    expect(facts).toMatchObject({ label: 'gpt2-hub', runtime: 'onnxruntime-node 1.30.0', threads: 1 });
    expect(facts.hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(facts.tokenizerHash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(Object.keys(facts.dtypes)).toContain('float32');
    expect(facts.bytes).toBe(readFileSync(join(MODELS, 'gpt2-hub/model.onnx')).length);
    expect(subject.certificate.forwards).toBeLessThanOrEqual(3);
  });

  test('text becomes the ids that Hugging Face gives', () => {
    const facts = JSON.parse(readFileSync(join(MODELS, 'gpt2-hub/facts.json'), 'utf8')) as {
      text: string;
      ids: number[][];
    };
    expect(subject.input({ text: facts.text }).ids).toEqual(facts.ids[0]);
  });

  test('refuses text beyond the positions and ids beyond the vocabulary', () => {
    expect(() => subject.input({ text: 'the '.repeat(100) })).toThrow(
      /^text too long: text has \d+ tokens, the model has 64 positions$/
    );
    expect(() => subject.input({ ids: [320] })).toThrow(
      "id out of vocabulary: 320 at position 0, the model's ids are 0 to 319"
    );
  });

  test('a forward refuses ids beyond the vocabulary', async () => {
    await expect(subject.forward({ ids: [[320]], hooks: [] }, quiet)).rejects.toThrow('id out of vocabulary');
  });

  test('a row of a batch is what it is alone', async () => {
    const rows = [
      [1, 2, 3, 4],
      [5, 6, 7, 8]
    ];
    const hooks = ['blocks.1.attn.hook_pattern', 'hook_pos_embed'];
    const both = await subject.forward({ ids: rows, hooks }, quiet);
    for (const hook of hooks) {
      const alone = (await subject.forward({ ids: [rows[1]], hooks: [hook] }, quiet)).get(hook);
      const second = (both.get(hook).data as Float32Array).slice(alone.data.length);
      expect(both.get(hook).dims).toEqual([2, ...alone.dims.slice(1)]);
      // Batches may take other kernels: a few roundings of values below 1.
      expect(largest(second.map((value, index) => value - (alone.data as Float32Array)[index]))).toBeLessThan(1e-6);
    }
  });

  test('many rows run in chunks, and come back in order', async () => {
    const rows = Array.from({ length: 100 }, (_, row) => Array.from({ length: 32 }, (_, at) => (row + at) % 320));
    const request = { ids: rows, hooks: ['hook_embed'] };
    const cost = subject.cost(request);
    expect(cost).toMatchObject({ forwards: 4, bytes: 4 * 100 * 32 * 32 });
    const labels: string[] = [];
    const cache = await subject.forward(request, { ...quiet, progress: ({ label }) => labels.push(label) });
    expect(labels.filter(label => label.startsWith('forward') && label.endsWith('of 4'))).toHaveLength(4);
    const embed = cache.get('hook_embed');
    expect(embed.dims).toEqual([100, 32, 32]);
    expect(embed.data.byteLength).toBe(cost.bytes);
    const last = (await subject.forward({ ids: [rows[99]], hooks: ['hook_embed'] }, quiet)).get('hook_embed');
    expect(embed.data.slice(99 * 32 * 32)).toEqual(last.data);
  });

  test('unembedding the last stream gives the logits', async () => {
    const last = 'blocks.1.hook_resid_post';
    const cache = await subject.forward({ ids: [[1, 2, 3]], hooks: [last], outputs: ['logits'] }, quiet);
    const lens = await subject.unembed(cache.get(last), quiet);
    const logits = cache.get('logits');
    expect(lens.dims).toEqual([1, 3, 320]);
    // The same nodes on the same numbers; kernels may differ with the fusion around them.
    expect(
      largest((lens.data as Float32Array).map((value, at) => value - (logits.data as Float32Array)[at]))
    ).toBeLessThan(1e-5);
    const wrong = { dims: [1, 3, 31], type: 'float32', data: new Float32Array(93) } as const;
    await expect(subject.unembed(wrong, quiet)).rejects.toThrow(
      'residual malformed: float32 [1, 3, 31], wanted float32 [batch, pos, 32]'
    );
  });

  test('an input of the caller’s takes the place of the default', async () => {
    const ids = [[1, 2, 3]];
    const hooks = ['blocks.0.attn.hook_pattern'];
    const positions = { dims: [1, 3], type: 'int64', data: BigInt64Array.of(5n, 6n, 7n) } as const;
    const plain = (await subject.forward({ ids, hooks }, quiet)).get(hooks[0]);
    const moved = (await subject.forward({ ids, hooks, feeds: { position_ids: positions } }, quiet)).get(hooks[0]);
    expect(moved.data).not.toEqual(plain.data);
    const feeds = { positions };
    await expect(subject.forward({ ids, hooks, feeds }, quiet)).rejects.toThrow(
      "input unknown: 'positions' is not an input of this model"
    );
  });

  test('unknown hooks name the nearest, unknown outputs the ones there are', async () => {
    const ask = (hooks: readonly string[], outputs: readonly string[] = []) =>
      subject.forward({ ids: [[1]], hooks, outputs }, quiet);
    await expect(ask(['blocks.0.attn.hook_patern'])).rejects.toThrow(
      /^hook unknown: 'blocks.0.attn.hook_patern' is not a hook of this model \(nearest: blocks.0.attn.hook_pattern/
    );
    await expect(ask(['blocks.2.attn.hook_pattern'])).rejects.toThrow("hook unknown: 'blocks.2.attn.hook_pattern'");
    await expect(ask([], ['logit'])).rejects.toThrow(
      "output unknown: 'logit' is not an output of this model (nearest: logits)"
    );
    const cache = await ask(['hook_embed']);
    expect(() => cache.get('hook_pos_embed')).toThrow("hook not captured: 'hook_pos_embed'");
  });

  test('names of TransformerLens 3', async () => {
    const cache = await subject.forward(
      { ids: [[1, 2]], hooks: ['blocks.0.hook_in', 'blocks.0.hook_resid_pre'] },
      quiet
    );
    expect(cache.get('blocks.0.hook_in').data).toEqual(cache.get('blocks.0.hook_resid_pre').data);
  });

  test('a cancelled forward stops before the next run', async () => {
    const abort = new AbortController();
    const ids = Array.from({ length: 100 }, () => Array<number>(64).fill(1));
    let runs = 0;
    const progress = (): void => void (++runs === 2 && abort.abort(new Error('cancelled')));
    await expect(subject.forward({ ids, hooks: ['hook_embed'] }, { signal: abort.signal, progress })).rejects.toThrow(
      'cancelled'
    );
    expect(runs).toBe(2);
  });

  test('rows of different lengths are refused', async () => {
    await expect(subject.forward({ ids: [[1, 2], [1]], hooks: [] }, quiet)).rejects.toThrow(
      'rows uneven: row 1 has 1 ids, the first has 2'
    );
  });
});

describe('what cannot be opened', () => {
  const bytes = readFileSync(join(MODELS, 'gpt2/optimum.onnx'));
  const openMemory = (files: Readonly<Record<string, Uint8Array>>) =>
    openModel(memoryFiles('tiny', files), runtime, quiet);

  test.each([
    ['an empty folder', {}, "no model: 'tiny' holds no .onnx file (no file is in it or in a folder of it)"],
    ['text', { 'model.onnx': new TextEncoder().encode('<html></html>') }, "not an ONNX file: 'model.onnx'"],
    ['a file cut in the middle', { 'model.onnx': bytes.subarray(0, bytes.length / 2) }, "'model.onnx' is cut off"],
    [
      'a broken tokenizer',
      { 'model.onnx': bytes, 'tokenizer.json': new TextEncoder().encode('{') },
      "tokenizer malformed: 'tokenizer.json' is not JSON"
    ]
  ])('%s', async (_, files, message) => {
    await expect(openMemory(files as Readonly<Record<string, Uint8Array>>)).rejects.toThrow(message);
  });

  test.each(['cnn', 'lstm', 'mlp-only', 'softmax-head', 'pooling'])('%s has no attention', async name => {
    await expect(open('refusals', `${name}.onnx`)).rejects.toThrow(
      `model refused: '${name}.onnx': no attention in the graph`
    );
  });

  test('a cancelled opening', async () => {
    const abort = new AbortController();
    abort.abort(new Error('cancelled'));
    await expect(openModel(fixtureFiles('gpt2-hub'), runtime, { ...quiet, signal: abort.signal })).rejects.toThrow(
      'cancelled'
    );
  });

  test('without a tokenizer ids still work', async () => {
    const subject = await openMemory({ 'model.onnx': bytes });
    expect(() => subject.input({ text: 'a' })).toThrow("no tokenizer: 'tiny' has no tokenizer.json beside it");
    expect(subject.input({ ids: [3, 4] }).labels).toEqual(['3', '4']);
    await subject.close();
  });

  test('with a tokenizer that has an unknown part ids still work, and a text says which', async () => {
    const tokenizer = { model: { type: 'WordLevel', vocab: { a: 0 } }, pre_tokenizer: { type: 'UnicodeScripts' } };
    const subject = await openMemory({
      'model.onnx': bytes,
      'tokenizer.json': new TextEncoder().encode(JSON.stringify(tokenizer))
    });
    expect(() => subject.input({ text: 'a' })).toThrow(
      "no tokenizer: the tokenizer.json of 'tiny' is not served (Unknown PreTokenizer type: UnicodeScripts (in 'pre_tokenizer')), so give ids"
    );
    expect(subject.input({ ids: [3, 4] }).labels).toEqual(['3', '4']);
    expect(inspectText(subject)).toContain('none that is served (Unknown PreTokenizer type: UnicodeScripts');
    await subject.close();
  });
});
