import { Tokenizer } from '@huggingface/tokenizers';

import { tokenBytes, tokenizerScheme, type Scheme } from './scheme';
import { reasonOf } from './reason-of';
import { rewriteParts } from './rewrite-parts';
import { tokenLabel, visible } from './token-label';
import { tokenSpans, type Piece } from './token-spans';
import { checkTokenizer, PARTS, type TokenizerJson } from './tokenizer-json';
import type { Encoded, Tokens } from './tokens';
import { UnsupportedTokenizer } from './unsupported-tokenizer';

const MAX_TEXT = 1_000_000;
const encoder = new TextEncoder();

/**
 * Text ↔ ids from the contents of tokenizer.json and of tokenizer_config.json (only its names of special tokens are
 * used; undefined where there is none). Special tokens are added as the tokenizer's own post-processor does.
 * Truncation and padding that the file asks for are not done: a text is never cut silently.
 */
export const loadTokens = (tokenizerJson: unknown, config: unknown): Tokens => {
  const json = checkTokenizer(tokenizerJson);
  const scheme = tokenizerScheme(json);
  const { tokenizer, before } = construct(json, scheme);
  const specials = new Set(json.added_tokens.filter(({ special }) => special === true).map(({ id }) => id));
  const added = new Map(json.added_tokens.map(({ id, content }) => [id, content]));
  const model = { tokenizer, scheme, added, specials, before };
  return {
    vocabularySize: vocabularySize(json),
    bosId: attempt(() => bosId(model, config)),
    maskId: attempt(() => namedId(model, config, 'mask_token')),
    specialIds: [...specials],
    encode: text => encode(model, text),
    decode: ids => attempt(() => decode(tokenizer, ids)),
    label: id => attempt(() => label(model, id))
  };
};

interface Loaded {
  readonly tokenizer: Tokenizer;
  readonly scheme: Scheme;
  /** Content of added tokens by id. */
  readonly added: ReadonlyMap<number, string>;
  readonly specials: ReadonlySet<number>;
  /** How many special tokens the post-processor puts in front. */
  readonly before: number;
}

/** The error names the part of the file without which the rest is taken. */
const construct = (json: TokenizerJson, { unknown }: Scheme): Pick<Loaded, 'tokenizer' | 'before'> => {
  const make = (file: TokenizerJson): Pick<Loaded, 'tokenizer' | 'before'> => {
    const tokenizer = new Tokenizer(rewriteParts(file), { unk_token: unknown });
    return { tokenizer, before: specialsBefore(tokenizer) };
  };
  try {
    return make(json);
  } catch (error) {
    const part = PARTS.find(name => json[name] && succeeds(() => make({ ...json, [name]: null })));
    throw unsupported(error, part ?? 'model');
  }
};

const succeeds = (work: () => unknown): boolean => {
  try {
    work();
    return true;
  } catch {
    return false;
  }
};

/** What the library does with parts of the file that no check here knows may fail in any way. */
const attempt = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw unsupported(error);
  }
};

const unsupported = (error: unknown, part?: string): Error =>
  new UnsupportedTokenizer(`${reasonOf(error)}${part === undefined ? '' : ` (in '${part}')`}`, error);

const vocabularySize = ({ model, added_tokens }: TokenizerJson): number => {
  const ids = Array.isArray(model.vocab)
    ? [model.vocab.length - 1]
    : Object.values(model.vocab as Record<string, number>);
  return [...ids, ...added_tokens.map(({ id }) => id)].reduce((largest, id) => Math.max(largest, id), -1) + 1;
};

/** One letter with and without special tokens: where its own tokens begin. */
const specialsBefore = (tokenizer: Tokenizer): number => {
  const plain = tokenizer.tokenize('a', { add_special_tokens: false });
  const all = tokenizer.tokenize('a', { add_special_tokens: true });
  const at = all.findIndex((_, index) => plain.every((token, offset) => all[index + offset] === token));
  return plain.length === 0 || at < 0 ? 0 : at;
};

/** The token that the post-processor puts first, else the one that the config names. */
const bosId = (model: Loaded, config: unknown): number | undefined => {
  if (model.before > 0) {
    return model.tokenizer.encode('a').ids[0];
  }
  return namedId(model, config, 'bos_token');
};

/** Of a special token that the config names, as a text or as an added token. */
const namedId = ({ tokenizer }: Loaded, config: unknown, key: 'bos_token' | 'mask_token'): number | undefined => {
  const name = (config as Readonly<Partial<Record<typeof key, unknown>>> | null | undefined)?.[key];
  const content =
    typeof name === 'string' ? name : (name as { readonly content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? tokenizer.token_to_id(content) : undefined;
};

const encode = (model: Loaded, text: string): Encoded => {
  if (text.length > MAX_TEXT) {
    throw new Error(`text too long: ${text.length} characters, the limit is ${MAX_TEXT}`);
  }
  const { ids, tokens } = attempt(() => model.tokenizer.encode(text));
  const lost = ids.findIndex((id, index) => !Number.isInteger(id) || typeof tokens[index] !== 'string');
  if (lost >= 0) {
    throw new Error(
      `token unknown: '${visible(String(tokens[lost])).slice(0, 100)}' is not in the vocabulary, which has no unknown token`
    );
  }
  const own = attempt(() => model.tokenizer.tokenize(text, { add_special_tokens: false }).length);
  return attempt(() => {
    const pieces = tokens.map((token, index) =>
      piece(model, token, ids[index], index < model.before || index >= model.before + own)
    );
    const spans = tokenSpans(text, pieces);
    return { ids, tokens: ids.map((id, index) => ({ id, label: label(model, id), ...spans[index] })) };
  });
};

const piece = ({ scheme, added }: Loaded, token: string, id: number, outside: boolean): Piece => {
  const wordStart = scheme.continuation !== '' && !token.startsWith(scheme.continuation);
  if (outside) {
    return { kind: 'outside', bytes: new Uint8Array(), wordStart };
  }
  const content = added.get(id);
  if (content !== undefined) {
    return { kind: token === scheme.unknown ? 'unknown' : 'literal', bytes: encoder.encode(content), wordStart };
  }
  return { kind: token === scheme.unknown ? 'unknown' : 'text', bytes: tokenBytes(scheme, token), wordStart };
};

const decode = (tokenizer: Tokenizer, ids: readonly number[]): string =>
  ids.length === 0
    ? ''
    : tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false });

const label = ({ tokenizer, scheme, added, specials }: Loaded, id: number): string => {
  const content = added.get(id);
  if (content !== undefined) {
    return specials.has(id) ? content : visible(content);
  }
  const token = tokenizer.id_to_token(id);
  return token === undefined ? `⟨${id}⟩` : tokenLabel(scheme, token);
};
