import { loadTokens } from '../../src/tokens/load-tokens';
import { parseTokenizer } from '../../src/tokens/tokenizer-json';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const model = { type: 'WordLevel', vocab: { a: 0, b: 1, '?': 2 }, unk_token: '?' };

test.each([
  ['a list', [], 'the root is [], wanted an object'],
  ['no model', {}, 'model is missing, wanted an object'],
  [
    'unknown model',
    { model: { type: 'Magic' } },
    'model.type is "Magic", wanted one of BPE, WordPiece, Unigram, WordLevel'
  ],
  ['no vocabulary', { model: { type: 'BPE' } }, 'model.vocab is missing, wanted an object'],
  [
    'negative id',
    { model: { type: 'WordPiece', vocab: { a: -1 } } },
    "model.vocab['a'] is -1, wanted an integer from 0 to 16777215"
  ],
  ['huge id', { model: { type: 'WordPiece', vocab: { a: 2 ** 31 } } }, "model.vocab['a'] is 2147483648"],
  ['id as text', { model: { type: 'WordPiece', vocab: { a: '0' } } }, 'model.vocab[\'a\'] is "0"'],
  ['merges missing', { model: { type: 'BPE', vocab: {} } }, 'model.merges is missing, wanted a list'],
  [
    'bad merge',
    { model: { type: 'BPE', vocab: {}, merges: ['a b', 3] } },
    'model.merges[1] is 3, wanted a pair of tokens'
  ],
  [
    'bad score',
    { model: { type: 'Unigram', vocab: [['a', 'b']] } },
    'model.vocab[0] is ["a","b"], wanted a pair of token and score'
  ],
  ['added tokens', { model, added_tokens: 3 }, 'added_tokens is 3, wanted a list'],
  ['added token without content', { model, added_tokens: [{ id: 3 }] }, 'added_tokens[0].content is missing'],
  ['added token with a bad id', { model, added_tokens: [{ id: 0.5, content: 'x' }] }, 'added_tokens[0].id is 0.5'],
  ['decoder', { model, decoder: 'ByteLevel' }, 'decoder is "ByteLevel", wanted an object'],
  ['decoder without type', { model, decoder: {} }, 'decoder.type is missing, wanted a string']
])('refuses %s', (_, json, message) => {
  expect(() => loadTokens(json, undefined)).toThrow(`tokenizer malformed: ${message}`);
});

test('refuses a part that the library does not know, by its name', () => {
  const json = { model, normalizer: { type: 'Rot13' } };
  expect(() => loadTokens(json, undefined)).toThrow('tokenizer unsupported: Unknown Normalizer type: Rot13');
});

test('word-level models, with their own unknown token', () => {
  const tokens = loadTokens({ model, pre_tokenizer: { type: 'WhitespaceSplit' } }, undefined);
  expect(tokens.encode('a x b').tokens).toEqual([
    { id: 0, label: 'a', start: 0, end: 1 },
    { id: 2, label: '?', start: 2, end: 3 },
    { id: 1, label: 'b', start: 4, end: 5 }
  ]);
  expect(tokens.vocabularySize).toBe(3);
});

test('a token that is nowhere in the vocabulary is refused', () => {
  const json = { model: { type: 'WordLevel', vocab: { a: 0 } }, pre_tokenizer: { type: 'WhitespaceSplit' } };
  expect(() => loadTokens(json, undefined).encode('a b')).toThrow("token unknown: 'b' is not in the vocabulary");
});

test('parses JSON only, within size and depth', () => {
  expect(parseTokenizer(bytes('{"a": [1]}'), 't')).toEqual({ a: [1] });
  expect(() => parseTokenizer(bytes('{'), 'tokenizer.json')).toThrow(
    "tokenizer malformed: 'tokenizer.json' is not JSON"
  );
  expect(() => parseTokenizer(Uint8Array.of(0xff), 't')).toThrow("'t' is not JSON");
  expect(() => parseTokenizer(bytes('['.repeat(70) + ']'.repeat(70)), 't')).toThrow("'t' nests deeper than 64 levels");
  const large = { byteLength: 64 * 1024 * 1024 + 1 } as Uint8Array;
  expect(() => parseTokenizer(large, 't')).toThrow("tokenizer too large: 't' has 67108865 bytes");
});

test('names of object fields are ordinary tokens', () => {
  const json = JSON.parse('{"model": {"type": "WordLevel", "vocab": {"__proto__": 0, "constructor": 1}}}') as {
    model: object;
  };
  const tokens = loadTokens({ ...json, pre_tokenizer: { type: 'WhitespaceSplit' } }, undefined);
  expect(tokens.encode('constructor __proto__').ids).toEqual([1, 0]);
});
