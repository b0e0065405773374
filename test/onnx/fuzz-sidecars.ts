import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Random } from '../../src/maths/random';
import { readSafetensors, writeSafetensors } from '../../src/onnx/safetensors';
import { contextLength } from '../../src/subject/opening/context-length';
import { decoderStart } from '../../src/subject/opening/decoder-start';
import { imageSize, imageSteps } from '../../src/subject/opening/image-config';
import { loadTokens } from '../../src/tokens/load-tokens';
import { parseTokenizer } from '../../src/tokens/tokenizer-json';

/** Files beside a model, and what reads them. */
export interface Sidecar {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => void;
  /** What a refusal must name. */
  readonly place: RegExp;
}

const FIXTURES = join(process.cwd(), 'test', 'fixtures', 'models');
const TEXT = 'The cat sat on the mat, naïve 東京 12345 <s>';

/** Where the parser stopped, as V8 says it: a position, the end, or what stands there. */
const NOT_JSON = /is not JSON \(.*(position \d+|Unexpected end|byte \d+|Unexpected token).*, of \d+ bytes\)$/;
const OF_TOKENIZER = new RegExp(
  `${NOT_JSON.source}|^tokenizer malformed: (the root|model|added_tokens|normalizer|pre_tokenizer|post_processor|decoder)|\\(in '[a-z_]+'\\)$|^token unknown: '`
);

const tokenizer = (family: string): Sidecar => ({
  name: `${family}/tokenizer.json`,
  bytes: () => readFileSync(join(FIXTURES, family, 'tokenizer.json')),
  read: bytes => {
    const tokens = loadTokens(parseTokenizer(bytes, 'tokenizer.json'), undefined);
    const { ids } = tokens.encode(TEXT);
    tokens.decode(ids.slice(0, 50));
  },
  place: OF_TOKENIZER
});

const CONFIG = {
  model_type: 'gpt2',
  n_positions: 64,
  n_ctx: 64,
  vocab_size: 320,
  nested: { list: [1, 2, { a: null }] }
};

const PREPROCESSOR = {
  do_resize: true,
  size: { shortest_edge: 224 },
  resample: 3,
  crop_size: { height: 224, width: 224 },
  rescale_factor: 1 / 255,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5]
};

export const SIDECARS: readonly Sidecar[] = [
  tokenizer('gpt2-hub'),
  tokenizer('bert-hub'),
  {
    name: 'config.json',
    bytes: () => new TextEncoder().encode(JSON.stringify(CONFIG)),
    read: bytes => {
      const config = parseTokenizer(bytes, 'config.json', 'config');
      [contextLength, decoderStart, imageSize].forEach(of => of(config));
    },
    place: NOT_JSON
  },
  {
    name: 'preprocessor_config.json',
    bytes: () => new TextEncoder().encode(JSON.stringify(PREPROCESSOR)),
    read: bytes => void imageSteps(parseTokenizer(bytes, 'preprocessor_config.json', 'config'), 'm'),
    place: new RegExp(`${NOT_JSON.source}|^image refused: the preprocessor_config.json of 'm' .*('[a-z_]+'|padding)`)
  },
  {
    name: 'inputs.safetensors',
    bytes: () =>
      writeSafetensors(
        new Map([
          ['input_ids', { dims: [1, 3], type: 'int64', data: BigInt64Array.of(1n, 2n, 3n) }],
          ['x', { dims: [2, 2], type: 'float32', data: Float32Array.of(1, 2, 3, 4) }]
        ])
      ),
    read: bytes => void readSafetensors(bytes, 'inputs.safetensors'),
    place: /byte \d+|^'[^']+' is broken: tensor '|bytes \d+ to \d+/
  }
];

const STRANGE: readonly unknown[] = [
  null,
  -1,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  '\u0000',
  '(a+)+$',
  '[',
  'x'.repeat(10_000),
  true,
  [],
  {},
  [[[[]]]],
  { type: 'Replace' }
];

/** One value of a JSON document replaced, taken away or doubled, somewhere. */
export const changedJson = (bytes: Uint8Array, stream: Random): Uint8Array => {
  const change = (value: unknown, depth: number): unknown => {
    if (depth > 0 && stream.below(3) === 0) {
      return STRANGE[stream.below(STRANGE.length)];
    }
    if (Array.isArray(value) && value.length > 0) {
      const at = stream.below(value.length);
      return value.map((item: unknown, i) => (i === at ? change(item, depth + 1) : item));
    }
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
      const entries = Object.entries(value);
      const at = stream.below(entries.length);
      const kept = entries.map(([key, item], i) => [key, i === at ? change(item, depth + 1) : item] as const);
      return Object.fromEntries(stream.below(8) === 0 ? kept.filter((_, i) => i !== at) : kept);
    }
    return STRANGE[stream.below(STRANGE.length)];
  };
  const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return new TextEncoder().encode(JSON.stringify(change(json, 0)));
};
