import { reasonOf } from './reason-of';

/** A tokenizer.json (Hugging Face tokenizers, version 1.0) after `checkTokenizer`. */
export interface TokenizerJson {
  readonly model: TokenizerModel;
  readonly added_tokens: readonly AddedTokenJson[];
  readonly normalizer: Part | null;
  readonly pre_tokenizer: Part | null;
  readonly post_processor: Part | null;
  readonly decoder: Part | null;
}

export interface TokenizerModel {
  readonly type?: string;
  readonly vocab: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
  readonly [field: string]: unknown;
}

export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
}

/** A normalizer, pre-tokenizer, post-processor or decoder; sequences nest more of them. */
export type Part = Readonly<Record<string, unknown>>;

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 64;
/** Ids index arrays: 2^24 is some sixty times the largest vocabulary in use. */
const MAX_ID = 2 ** 24;
const MODELS = ['BPE', 'WordPiece', 'Unigram', 'WordLevel'];
/** Fields of a tokenizer.json that hold a part, or none. */
export const PARTS = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const;

/** Reads JSON, at most 64 MB and 64 levels. `file` and `kind` name the source in errors. */
export const parseTokenizer = (bytes: Uint8Array, file: string, kind = 'tokenizer'): unknown => {
  if (bytes.byteLength > MAX_BYTES) {
    throw new Error(`${kind} too large: '${file}' has ${bytes.byteLength} bytes, the limit is ${MAX_BYTES}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const place = invalidUtf8(bytes);
    const why = place === undefined ? reasonOf(error) : `byte ${place} is not UTF-8`;
    throw new Error(`${kind} malformed: '${file}' is not JSON (${why}, of ${bytes.byteLength} bytes)`, {
      cause: error
    });
  }
  if (depth(json) > MAX_DEPTH) {
    throw new Error(`${kind} malformed: '${file}' nests deeper than ${MAX_DEPTH} levels`);
  }
  return json;
};

/** Fields that are absent in older files become null; what is there and wrong is named. */
export const checkTokenizer = (json: unknown): TokenizerJson => {
  const root = record(json, 'the root');
  const parts = Object.fromEntries(PARTS.map(name => [name, checkPart(root[name], name)]));
  return {
    ...root,
    ...parts,
    model: checkModel(root.model),
    added_tokens: checkAdded(root.added_tokens)
  } as TokenizerJson;
};

const checkPart = (value: unknown, field: string): Part | null => {
  if (value === undefined || value === null) {
    return null;
  }
  const part = record(value, field);
  if (typeof part.type !== 'string') {
    throw malformed(`${field}.type`, part.type, 'a string');
  }
  return part;
};

const checkModel = (value: unknown): TokenizerModel => {
  const model = record(value, 'model');
  if (model.type !== undefined && !MODELS.includes(String(model.type))) {
    throw malformed('model.type', model.type, `one of ${MODELS.join(', ')}`);
  }
  checkVocabulary(model.vocab);
  if (model.type === 'BPE' || model.merges !== undefined) {
    checkMerges(model.merges);
  }
  return model as TokenizerModel;
};

const checkVocabulary = (vocab: unknown): void => {
  if (Array.isArray(vocab)) {
    const bad = vocab.findIndex(row => !Array.isArray(row) || typeof row[0] !== 'string' || typeof row[1] !== 'number');
    if (bad >= 0) {
      throw malformed(`model.vocab[${bad}]`, vocab[bad], 'a pair of token and score');
    }
    return;
  }
  for (const [token, id] of Object.entries(record(vocab, 'model.vocab'))) {
    checkId(id, `model.vocab['${clip(token)}']`);
  }
};

const checkMerges = (merges: unknown): void => {
  if (!Array.isArray(merges)) {
    throw malformed('model.merges', merges, 'a list');
  }
  const pair = (row: unknown): boolean =>
    typeof row === 'string' || (Array.isArray(row) && row.length === 2 && row.every(part => typeof part === 'string'));
  const bad = merges.findIndex(row => !pair(row));
  if (bad >= 0) {
    throw malformed(`model.merges[${bad}]`, merges[bad], 'a pair of tokens');
  }
};

const checkAdded = (value: unknown): readonly AddedTokenJson[] => {
  if (value === undefined || value === null) {
    return [];
  }
  if (!Array.isArray(value)) {
    throw malformed('added_tokens', value, 'a list');
  }
  return value.map((row: unknown, index) => {
    const added = record(row, `added_tokens[${index}]`);
    if (typeof added.content !== 'string' || added.content === '') {
      throw malformed(`added_tokens[${index}].content`, added.content, 'a text that is not empty');
    }
    checkId(added.id, `added_tokens[${index}].id`);
    return added as unknown as AddedTokenJson;
  });
};

const checkId = (value: unknown, field: string): void => {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= MAX_ID) {
    throw malformed(field, value, `an integer from 0 to ${MAX_ID - 1}`);
  }
};

const record = (value: unknown, field: string): Record<string, unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(field, value, 'an object');
  }
  return value as Record<string, unknown>;
};

const malformed = (field: string, value: unknown, wanted: string): Error =>
  new Error(`tokenizer malformed: ${field} is ${clip(JSON.stringify(value) ?? 'missing')}, wanted ${wanted}`);

const clip = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** Where the first bytes that are not UTF-8 stand: the longest beginning that is, cut anywhere, ends before them. */
const invalidUtf8 = (bytes: Uint8Array): number | undefined => {
  const valid = (length: number, stream: boolean): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  if (valid(bytes.length, false)) {
    return undefined;
  }
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    [good, bad] = valid(middle, true) ? [middle, bad] : [good, middle];
  }
  return bad - 1;
};

/** Levels of nesting, without recursion. */
const depth = (json: unknown): number => {
  let deepest = 0;
  let level: unknown[] = [json];
  while (level.length > 0 && deepest <= MAX_DEPTH) {
    deepest++;
    level = level.flatMap(value => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return deepest;
};
