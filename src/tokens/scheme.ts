import type { Part, TokenizerJson } from './tokenizer-json';

/** How a tokenizer writes text in its tokens. */
export interface Scheme {
  /** Byte-level BPE: each character of a token stands for one byte. */
  readonly byteLevel: boolean;
  /** `<0xE2>` stands for one byte. */
  readonly byteFallback: boolean;
  /** `▁` stands for a space. */
  readonly metaspace: boolean;
  /** '##' of WordPiece, '' elsewhere. */
  readonly continuation: string;
  /** '</w>' of CLIP's BPE, '' elsewhere. */
  readonly wordEnd: string;
  /** Written for what the vocabulary lacks. */
  readonly unknown?: string;
}

const SPACE_MARK = '▁';

export const tokenizerScheme = (json: TokenizerJson): Scheme => {
  const { model } = json;
  const parts = [json.normalizer, json.pre_tokenizer, json.decoder].flatMap(flatten);
  const has = (type: string): boolean => parts.some(part => part.type === type);
  return {
    byteLevel: has('ByteLevel'),
    byteFallback: model.byte_fallback === true || has('ByteFallback'),
    metaspace: has('Metaspace') || parts.some(writesSpaceMark),
    continuation: text(model.type === 'WordPiece' ? (model.continuing_subword_prefix ?? '##') : ''),
    wordEnd: text(model.end_of_word_suffix),
    unknown: unknownToken(json)
  };
};

/** A part and those nested in it (sequences). */
const flatten = (part: Part | null): readonly Part[] => {
  if (part === null) {
    return [];
  }
  const nested = Object.values(part).filter(Array.isArray).flat() as unknown[];
  return [part, ...nested.filter(isPart).flatMap(flatten)];
};

const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && typeof (value as Part).type === 'string';

const writesSpaceMark = (part: Part): boolean => {
  const pattern = part.pattern as { readonly String?: unknown } | undefined;
  return part.type === 'Replace' && (part.content === SPACE_MARK || pattern?.String === SPACE_MARK);
};

const unknownToken = ({ model }: TokenizerJson): string | undefined => {
  if (Array.isArray(model.vocab)) {
    return typeof model.unk_id === 'number' ? model.vocab[model.unk_id]?.[0] : undefined;
  }
  return typeof model.unk_token === 'string' ? model.unk_token : undefined;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Byte of each character of GPT-2's byte alphabet: printable Latin-1 stands for itself, the others follow from U+0100. */
const BYTE_OF: ReadonlyMap<string, number> = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(printable(byte) ? byte : next++), byte] as const)
  );
})();

const FALLBACK = /^<0x([0-9A-Fa-f]{2})>$/;
const encoder = new TextEncoder();

/** The bytes of the text that an ordinary token stands for (added tokens stand for their content). */
export const tokenBytes = (scheme: Scheme, token: string): Uint8Array => {
  const byte = scheme.byteFallback ? FALLBACK.exec(token) : null;
  if (byte) {
    return Uint8Array.of(parseInt(byte[1], 16));
  }
  if (scheme.byteLevel) {
    const bytes = [...withoutEnd(scheme, token)].map(char => BYTE_OF.get(char));
    return bytes.includes(undefined) ? encoder.encode(token) : Uint8Array.from(bytes as number[]);
  }
  return encoder.encode(
    scheme.metaspace ? token.replaceAll(SPACE_MARK, ' ') : withoutEnd(scheme, withoutPrefix(scheme, token))
  );
};

const withoutPrefix = ({ continuation }: Scheme, token: string): string =>
  continuation !== '' && token.startsWith(continuation) ? token.slice(continuation.length) : token;

const withoutEnd = ({ wordEnd }: Scheme, token: string): string =>
  wordEnd !== '' && token.endsWith(wordEnd) ? token.slice(0, -wordEnd.length) : token;
