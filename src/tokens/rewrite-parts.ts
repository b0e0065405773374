import type { Part, TokenizerJson } from './tokenizer-json';

/**
 * The file with parts that the tokenizers' library lacks, or reads otherwise than the Rust library does, written as other parts
 * that do the same. The library takes `\w` and `\s` of Whitespace for ASCII's words and JavaScript's spaces.
 */
export const rewriteParts = (json: TokenizerJson): TokenizerJson => ({
  ...json,
  normalizer: json.normalizer && rewrite(json.normalizer),
  pre_tokenizer: json.pre_tokenizer && rewrite(json.pre_tokenizer)
});

const rewrite = (part: Part): Part => {
  const known = REWRITTEN[String(part.type)];
  if (known !== undefined) {
    return known(part);
  }
  const nested = NESTED.filter(field => Array.isArray(part[field]));
  return { ...part, ...Object.fromEntries(nested.map(field => [field, (part[field] as unknown[]).map(inner)])) };
};

const inner = (part: unknown): unknown => (typeof part === 'object' && part !== null ? rewrite(part as Part) : part);

const NESTED = ['normalizers', 'pretokenizers'];

/** `\w` and `\s` of Rust's regular expressions. */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
const SPACE = '\\p{White_Space}';

/** Of SentencePiece's nmt_nfkc: controls that vanish, and what becomes a space. */
const NMT_REMOVED = '[\\u0001-\\u0008\\u000b\\u000e-\\u001f\\u007f\\u008f\\u009f]';
const NMT_SPACES = '[\\u0009\\u000a\\u000c\\u000d\\u1680\\u200b-\\u200f\\u2028\\u2029\\u2581\\ufeff\\ufffd]';

const replace = (pattern: string, content: string): Part => ({ type: 'Replace', pattern: { Regex: pattern }, content });

const split = (pattern: Part, invert = false): Part => ({ type: 'Split', pattern, behavior: 'Removed', invert });

const REWRITTEN: Readonly<Record<string, (part: Part) => Part>> = {
  Nmt: () => ({ type: 'Sequence', normalizers: [replace(NMT_REMOVED, ''), replace(NMT_SPACES, ' ')] }),
  Whitespace: () => split({ Regex: `[${WORD}]+|[^${WORD}${SPACE}]+` }, true),
  WhitespaceSplit: () => split({ Regex: `${SPACE}+` }),
  CharDelimiterSplit: ({ delimiter }) => split({ Regex: `\\u{${String(delimiter).codePointAt(0)?.toString(16)}}` })
};
