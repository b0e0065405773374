import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { joinBytes } from '../../src/onnx/join-bytes';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import { writeSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import { MODELS } from '../subject/fixture-files';
import { orrery } from './capture';

const GPT2 = join(MODELS, 'gpt2/optimum.onnx');
const HUB = join(MODELS, 'gpt2-hub');
const FIXTURES = join(MODELS, '..');
const PATTERN = ['--hooks', 'blocks.0.attn.hook_pattern'];

let folder: string;
const at = (...parts: readonly string[]): string => join(folder, ...parts);
const out = (): readonly string[] => ['--out', at('out.safetensors')];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
  const bytes = readFileSync(GPT2);
  const place = (name: string, files: Readonly<Record<string, string | Uint8Array>>): void => {
    mkdirSync(at(name));
    Object.entries(files).forEach(([file, content]) => writeFileSync(at(name, file), content));
  };
  place('empty', { 'config.json': '{}' });
  place('several', { 'a.onnx': bytes, 'b.onnx': bytes });
  place('text', { 'model.onnx': '<!DOCTYPE html><p>404</p>' });
  place('cut', { 'model.onnx': bytes.subarray(0, Math.floor(bytes.length / 2)) });
  place('missing', { 'model.onnx': external(bytes) });
  place('short', { 'model.onnx': external(bytes), 'model.onnx_data': new Uint8Array(16) });
  place('nan', { 'model.onnx': notANumber(bytes) });
  place('nan-position', { 'model.onnx': notANumberPosition(bytes) });
  place('gptj', { 'model.onnx': gunzipSync(readFileSync(join(FIXTURES, 'matrix/gptj/dynamo.onnx.gz'))) });
  place('speech', { 'model.onnx': gunzipSync(readFileSync(join(FIXTURES, 'matrix/whisper/dynamo.onnx.gz'))) });
  place('tokenizer', { 'model.onnx': bytes, 'tokenizer.json': '{"model": {"type": "Magic"}}' });
  const spec = (value: unknown): string => JSON.stringify(value);
  const model = { path: 'x' };
  place('specs', {
    'broken.json': '{"analysis":',
    'list.json': '[]',
    'unknown.json': spec({ analysis: 'horoscope', model }),
    'field.json': spec({ analysis: 'attention-patterns', model, spec: { txt: 'a' } }),
    'type.json': spec({ analysis: 'attention-patterns', model, spec: { text: 3 } }),
    'newer.json': spec({ 'application/vnd.orrery.v2+json': { analysis: 'attention-patterns', model } }),
    'escape.json': spec({ analysis: 'attention-patterns', model: { path: '/etc' }, spec: { text: 'a' } }),
    'nowhere.json': spec({ analysis: 'attention-patterns', model, spec: { text: 'a' } }),
    'pathless.json': spec({ analysis: 'attention-patterns', model: {}, spec: { text: 'a' } }),
    'modelless.json': spec({ analysis: 'attention-patterns', spec: { text: 'a' } }),
    'other.json': spec({
      analysis: 'attention-patterns',
      model: { hash: `sha256:${'0'.repeat(64)}` },
      spec: { text: 'a' }
    }),
    'layer.json': spec({ analysis: 'attention-patterns', model, spec: { text: 'a b', layers: [7] } }),
    'lens.json': spec({ analysis: 'logit-lens', model, spec: { ids: [1, 2] } })
  });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The largest initialiser moved to a file beside the model. */
const external = (bytes: Uint8Array): Uint8Array => {
  const model = readModel(bytes, 'gpt2');
  const { initializers } = model.graph;
  const largest = initializers.reduce((a, b) => (size(b.dims) > size(a.dims) ? b : a));
  const entries = [
    { key: 'location', value: 'model.onnx_data' },
    { key: 'offset', value: '0' },
    { key: 'length', value: String(4 * size(largest.dims)) }
  ];
  const moved = initializers.map(tensor =>
    tensor === largest ? ({ ...tensor, data: { kind: 'external', entries } } as const) : tensor
  );
  const changed: Model = { ...model, graph: { ...model.graph, initializers: moved } };
  return joinBytes(writeModel(changed));
};

/** The bytes of an initialiser are all set, between two of them. */
const setBits = (bytes: Uint8Array, name: string, from?: number, to?: number): Uint8Array => {
  const model = readModel(bytes, 'gpt2');
  const initializers = model.graph.initializers.map(tensor =>
    tensor.name === name && tensor.data.kind === 'raw'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: tensor.data.bytes.slice().fill(0xff, from, to) } }
      : tensor
  );
  return joinBytes(writeModel({ ...model, graph: { ...model.graph, initializers } }));
};

/** The projection to queries, keys and values of the second layer holds NaN alone. */
const notANumber = (bytes: Uint8Array): Uint8Array => setBits(bytes, 'transformer.h.1.attn.c_attn.weight');

/** The first number of the table at position 8. */
const notANumberPosition = (bytes: Uint8Array): Uint8Array => {
  const [, width] = readModel(bytes, 'gpt2').graph.initializers.find(({ name }) => name === POSITIONS)!.dims;
  return setBits(bytes, POSITIONS, 4 * 8 * width, 4 * (8 * width + 1));
};

const POSITIONS = 'transformer.wpe.weight';

const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

const IDS: Tensor = { dims: [1, 2], type: 'int64', data: BigInt64Array.of(1n, 2n) };

/** Runs the model on named tensors. */
const withInputs = (tensors: Readonly<Record<string, Tensor>>, path = HUB): readonly string[] => {
  writeFileSync(at('in.safetensors'), writeSafetensors(new Map(Object.entries(tensors))));
  return ['cache', path, '--inputs', at('in.safetensors'), ...PATTERN, ...out()];
};

/** Features, and a decoder's ids beside them. */
const speech = (ids: BigInt64Array): readonly string[] => {
  const features: Tensor = {
    dims: [1, 8, 40],
    type: 'float32',
    data: Float32Array.from({ length: 320 }, (_, i) => Math.sin(i))
  };
  const given = { input_features: features, decoder_input_ids: { dims: [1, ids.length], type: 'int64', data: ids } };
  const read = withInputs(given as Readonly<Record<string, Tensor>>, at('speech'));
  return read.map(word => (word === PATTERN[1] ? `decoder.${word}` : word));
};

type Row = readonly [what: string, args: () => readonly string[], message: RegExp];

const REFUSED: readonly Row[] = [
  ['a path that is not there', () => ['inspect', at('nothing')], /no such file or folder: '.*nothing'/],
  ['a folder without a model', () => ['inspect', at('empty')], /no model: 'empty' holds no .onnx file \(config.json\)/],
  [
    'a folder with several models',
    () => ['inspect', at('several')],
    /model ambiguous: 'several' holds 2 .onnx files .*a.onnx, b.onnx/
  ],
  ['a file that is not ONNX', () => ['inspect', at('text')], /not an ONNX file: 'model.onnx'/],
  ['a file cut in the middle', () => ['inspect', at('cut')], /'model.onnx' is cut off/],
  [
    'external data that are missing',
    () => ['inspect', at('missing')],
    /external data missing: 'model.onnx_data' \(initialiser '.+' at offset \d+\) is not beside 'model.onnx'/
  ],
  [
    'external data that are too short',
    () => ['inspect', at('short')],
    /external data too short: 'model.onnx_data' has 16 bytes, initialiser '.+' at offset \d+ needs/
  ],
  [
    'a graph without attention',
    () => ['inspect', join(MODELS, 'refusals/cnn.onnx')],
    /model refused: 'cnn.onnx': no attention in the graph/
  ],
  ['a broken tokenizer', () => ['inspect', at('tokenizer')], /tokenizer malformed: model.type is "Magic"/],
  [
    'a hook of a model with NaN weights',
    () => ['cache', at('nan'), '--ids', '1,2', '--hooks', 'blocks.1.attn.hook_pattern', ...out()],
    /hook unavailable: 'blocks.1.attn.hook_pattern', because identity '[a-z-]+' fails at blocks.1, where 'blocks.1.attn.hook_attn_scores' has NaN in row 0$/
  ],
  [
    'a hook at a position with a NaN embedding, which the probe does not have',
    () => [
      'cache',
      at('nan-position'),
      '--ids',
      '1,2,3,4,5,6,7,8,9',
      '--hooks',
      'blocks.1.attn.hook_pattern',
      ...out()
    ],
    /hook NaN: 'blocks.1.hook_resid_post' \[1, 9, 32\] has NaN in row 0, the first hook that has it is 'hook_pos_embed'$/
  ],
  [
    'the logits of a model with NaN weights',
    () => ['cache', at('nan'), '--ids', '1,2', '--hooks', 'logits', ...out()],
    /output NaN: 'logits' \[1, 2, 96\] has NaN in row 0, the first hook that has it is 'blocks.1.attn.hook_k'$/
  ],
  [
    'text without a tokenizer',
    () => ['cache', GPT2, '--text', 'a', ...PATTERN, ...out()],
    /no tokenizer: 'optimum.onnx' has no tokenizer.json beside it, so give ids/
  ],
  [
    'text longer than the context',
    () => ['cache', HUB, '--text', 'the '.repeat(200), ...PATTERN, ...out()],
    /text too long: text has \d+ tokens, the model has 64 positions/
  ],
  ['empty text', () => ['cache', HUB, '--text', '', ...PATTERN, ...out()], /text empty: no token to run/],
  [
    'ids outside the vocabulary',
    () => ['cache', HUB, '--ids', '1,999', ...PATTERN, ...out()],
    /id out of vocabulary: 999 at position 1, the model's ids are 0 to 319/
  ],
  [
    'an unknown hook',
    () => ['cache', HUB, '--ids', '1', '--hooks', 'blocks.0.hook_patern', ...out()],
    /hook unknown: 'blocks.0.hook_patern' is not a hook of this model \(nearest: /
  ],
  [
    'a glob without a match',
    () => ['cache', HUB, '--ids', '1', '--hooks', 'blocks.*.cross_attn.*', ...out()],
    /hook unknown: 'blocks.\*.cross_attn.\*' matches no hook and no output/
  ],
  [
    'inputs that are not there',
    () => ['cache', HUB, '--inputs', at('no.safetensors'), ...PATTERN, ...out()],
    /no such file: '.*no.safetensors'/
  ],
  [
    'inputs that are not safetensors',
    () => ['cache', HUB, '--inputs', GPT2, ...PATTERN, ...out()],
    /not a safetensors file: /
  ],
  [
    'ids that are not whole numbers',
    () => withInputs({ input_ids: { dims: [1, 2], type: 'float32', data: Float32Array.of(1, 2) } }),
    /input malformed: 'input_ids' of '.*in.safetensors' is float32, wanted whole numbers$/
  ],
  [
    'ids of another rank',
    () => withInputs({ input_ids: { dims: [2], type: 'int64', data: BigInt64Array.of(1n, 2n) } }),
    /input malformed: 'input_ids' of '.*in.safetensors' has shape \[2\], wanted \[batch, pos\]$/
  ],
  [
    'an id that single precision would round into the vocabulary’s range',
    () => withInputs({ input_ids: { dims: [1, 1], type: 'int64', data: BigInt64Array.of(2n ** 24n + 1n) } }),
    /id out of vocabulary: 16777217 at position 0, the model's ids are 0 to 319$/
  ],
  [
    'a mask of another type',
    () =>
      withInputs({ input_ids: IDS, attention_mask: { dims: [1, 2], type: 'float32', data: Float32Array.of(1, 1) } }),
    /input type wrong: 'attention_mask' is float32, the file takes int64$/
  ],
  [
    'a mask of another rank',
    () => withInputs({ input_ids: IDS, attention_mask: { dims: [2], type: 'int64', data: BigInt64Array.of(1n, 1n) } }),
    /input shape wrong: 'attention_mask' is \[2\], the file takes \[1, 2\] here$/
  ],
  [
    'a mask of another length',
    () =>
      withInputs({
        input_ids: IDS,
        attention_mask: { dims: [1, 3], type: 'int64', data: new BigInt64Array(3).fill(1n) }
      }),
    /input shape wrong: 'attention_mask' is \[1, 3\], the file takes \[1, .+\] here$/
  ],
  [
    'a mask of other numbers than 0 and 1',
    () =>
      withInputs({
        input_ids: IDS,
        attention_mask: { dims: [1, 2], type: 'int64', data: BigInt64Array.of(1n, 5n) }
      }),
    /input out of range: 'attention_mask' holds 5 in row 0, wanted 0 or 1$/
  ],
  [
    'a position in front of the first, which files would take from the table’s end',
    () =>
      withInputs({ input_ids: IDS, position_ids: { dims: [1, 2], type: 'int64', data: BigInt64Array.of(0n, -1n) } }),
    /input out of range: 'position_ids' holds -1 in row 0, wanted 0 or more$/
  ],
  [
    'a position behind the last, in other words than the runtime’s',
    () =>
      withInputs({ input_ids: IDS, position_ids: { dims: [1, 2], type: 'int64', data: BigInt64Array.of(0n, 9999n) } }),
    /run failed in graph '.+': Gather node '.+': it looks up row 9999 of a table of \d+$/
  ],
  [
    'a type of token that the table has not',
    () =>
      withInputs(
        { input_ids: IDS, token_type_ids: { dims: [1, 2], type: 'int64', data: BigInt64Array.of(0n, 5n) } },
        join(MODELS, 'bert-hub')
      ),
    /run failed in graph '.+': Gather node '.+': it looks up row 5 of a table of 2$/
  ],
  [
    'ids of a decoder beyond its vocabulary',
    () => speech(BigInt64Array.of(1n, 200n)),
    /id out of vocabulary: 200 at position 1 of 'decoder_input_ids', the decoder's ids are 0 to 47$/
  ],
  [
    'more ids of a decoder than it has positions',
    () => speech(new BigInt64Array(49)),
    /ids too long: 'decoder_input_ids' has 49, the decoder has 48 positions$/
  ],
  [
    'no id of a decoder',
    () => speech(new BigInt64Array(0)),
    /ids empty: 'decoder_input_ids' is \[1, 0\], no token to run$/
  ],
  [
    'features of another rank',
    () => withInputs({ input_features: { dims: [8, 40], type: 'float32', data: new Float32Array(320) } }, at('speech')),
    /input shape wrong: 'input_features' is \[8, 40\], the file takes \[.+, 8, 40\] here$/
  ],
  [
    'a text longer than a fused rotation’s tables',
    () => [
      'cache',
      join(FIXTURES, 'models-fused/llama-genai.onnx'),
      '--ids',
      Array(70).fill(1).join(),
      ...PATTERN,
      ...out()
    ],
    /ids too long: there are 70 ids, the model has 64 positions$/
  ],
  [
    'a text longer than the rotation’s tables',
    () => ['cache', at('gptj'), '--ids', Array(49).fill(1).join(), ...PATTERN, ...out()],
    /ids too long: there are 49 ids, the model has 48 positions$/
  ],
  [
    'a past without the positions behind it, which files would begin at 0',
    () => {
      const past = [0, 1].flatMap(layer => [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`]);
      const empty: Tensor = { dims: [1, 4, 3, 8], type: 'float32', data: new Float32Array(96) };
      const mask: Tensor = { dims: [1, 5], type: 'int64', data: new BigInt64Array(5).fill(1n) };
      const given = { input_ids: IDS, attention_mask: mask, ...Object.fromEntries(past.map(name => [name, empty])) };
      return withInputs(given, join(MODELS, 'gpt2/optimum-with-past.onnx'));
    },
    /input missing: with a past \('past_key_values.0.key'\) 'position_ids' must be given, too$/
  ],
  [
    'a mask of zeros',
    () => withInputs({ input_ids: IDS, attention_mask: { dims: [1, 2], type: 'int64', data: new BigInt64Array(2) } }),
    /mask empty: 'attention_mask' hides every token of row 0$/
  ],
  [
    'an input that the file does not have',
    () => withInputs({ input_ids: IDS, pixel_values: { dims: [1], type: 'float32', data: Float32Array.of(1) } }),
    /input unknown: 'pixel_values' is not an input of this model/
  ],
  [
    'a place that cannot be written',
    () => ['cache', HUB, '--ids', '1', ...PATTERN, '--out', at('no', 'where')],
    /cannot write: '.*where' \(ENOENT\)/
  ],
  ['a spec that is not there', () => ['run', at('specs', 'no.json')], /no such file: '.*no.json'/],
  ['a spec that is not JSON', () => ['run', at('specs', 'broken.json')], /spec malformed: '.*broken.json' is not JSON/],
  [
    'a spec that is a list',
    () => ['run', at('specs', 'list.json')],
    /spec '.*list.json': output: its content must be an object, got/
  ],
  [
    'an unknown analysis',
    () => ['run', at('specs', 'unknown.json')],
    /unknown analysis .*horoscope.*known: .*logit-lens/
  ],
  ['an unknown field', () => ['run', at('specs', 'field.json')], /txt/],
  ['a field of the wrong type', () => ['run', at('specs', 'type.json')], /'text'.*3/],
  [
    'a spec of a newer version',
    () => ['run', at('specs', 'newer.json')],
    /its format is version 2, this extension reads version 1: update the extension/
  ],
  [
    'a path outside the folder',
    () => ['run', at('specs', 'escape.json')],
    /'path' must be a relative path|path.*relative/
  ],
  [
    'a model that is not where the spec says',
    () => ['run', at('specs', 'nowhere.json')],
    /model missing: '.*x', which '.*nowhere.json' names, is not there, so give --model/
  ],
  [
    'a spec without a path',
    () => ['run', at('specs', 'pathless.json')],
    /model missing: '.*pathless.json' names no path, so give --model/
  ],
  [
    'a spec without a model',
    () => ['run', at('specs', 'modelless.json')],
    /model missing: '.*modelless.json' names no path, so give --model/
  ],
  [
    'another model than the spec’s',
    () => ['run', at('specs', 'other.json'), '--model', HUB],
    /model differs: 'gpt2-hub' has sha256:[0-9a-f]+, the spec names sha256:0+/
  ],
  [
    'a layer that is not there',
    () => ['run', at('specs', 'layer.json'), '--model', HUB],
    /field 'layers' names 7, this model has layers 0 to 1/
  ],
  [
    'an analysis that the model cannot serve',
    () => ['run', at('specs', 'lens.json'), '--model', join(MODELS, 'bert-model/optimum.onnx')],
    /logit-lens is not possible on 'optimum.onnx': /
  ]
];

test.each(REFUSED)('%s: exit code 1 and one line', async (_, args, message) => {
  const { code, out: data, said } = await orrery(...args());
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(message);
  expect(said[0]).toMatch(/^orrery: [^\n]+$/);
  expect(data).toBe('');
  expect(code).toBe(1);
});

const MISUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    'no command',
    [],
    /^orrery: command missing \(inspect, cache, weights, generate, prompts, run, list; orrery --help\)$/
  ],
  ['an unknown command', ['explain'], /command unknown: 'explain'/],
  ['no model', ['inspect'], /MODEL is missing \(orrery inspect --help\)$/],
  ['two models', ['inspect', 'a', 'b'], /one MODEL is wanted, got 'a', 'b'/],
  ['an unknown option', ['inspect', 'a', '--jason'], /Unknown option '--jason'/],
  [
    'an option twice',
    ['cache', 'a', '--text', 'b', '--text', 'c', '--hooks', 'x', '--out', 'o'],
    /--text is given twice/
  ],
  ['no hooks', ['cache', 'a', '--ids', '1', '--out', 'o'], /--hooks is missing/],
  ['no output', ['cache', 'a', '--ids', '1', '--hooks', 'x'], /--out is missing/],
  ['no input', ['cache', 'a', '--hooks', 'x', '--out', 'o'], /one of --text, --ids and --inputs is wanted, got none/],
  ['two inputs', ['cache', 'a', '--ids', '1', '--text', 'b', '--hooks', 'x', '--out', 'o'], /is wanted, got 2/],
  ['ids that are no numbers', ['cache', 'a', '--ids', '1,b', '--hooks', 'x', '--out', 'o'], /--ids holds 'b'/],
  [
    'an unknown dtype',
    ['cache', 'a', '--ids', '1', '--hooks', 'x', '--out', 'o', '--dtype', 'int8'],
    /--dtype is 'int8', wanted float16 or float32/
  ],
  ['no spec', ['run'], /SPEC.json is missing/],
  ['a word too many', ['list', 'all'], /no argument is wanted, got 'all'/]
];

test.each(MISUSED)('%s: exit code 2 and one line', async (_, args, message) => {
  const { code, out: data, said } = await orrery(...args);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(message);
  expect(said[0]).not.toContain('\n');
  expect(data).toBe('');
  expect(code).toBe(2);
});

test('a message is one line, whatever a file is called', async () => {
  const { said } = await orrery('inspect', at('two\nlines\u001b[31m'));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^orrery: no such file or folder: '[^\n\u001b]*two lines \[31m'$/);
});

test('what is shown of a file holds none of its control characters', async () => {
  const model = readModel(readFileSync(GPT2), 'gpt2');
  writeFileSync(at('hostile.onnx'), joinBytes(writeModel({ ...model, producer: 'a\u001b[31m\n\u202eb' })));
  const { code, out: shown } = await orrery('inspect', at('hostile.onnx'));
  expect(code).toBe(0);
  expect(shown).toMatch(/^graph +\d+ nodes by a\ufffd\[31m\ufffd\ufffdb$/m);
});
