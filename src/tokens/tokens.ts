/** Text ↔ ids. */
export interface Tokens {
  /** The largest id plus one. */
  readonly vocabularySize: number;
  /** The beginning-of-sequence token: what the post-processor puts first, else what tokenizer_config.json names. */
  readonly bosId?: number;
  /** What stands for a word that is left out: '[MASK]', '<mask>'; where tokenizer_config.json names it. */
  readonly maskId?: number;
  /** Ids that stand for no text: beginning, end, padding, mask, … */
  readonly specialIds: readonly number[];
  /** Special tokens are added as the tokenizer's post-processor does. */
  encode(text: string): Encoded;
  /** Without special tokens. */
  decode(ids: readonly number[]): string;
  /** The token as a person reads it: space `·`, newline `⏎`, bytes `⟨0xE2⟩`. */
  label(id: number): string;
}

export interface Encoded {
  readonly ids: readonly number[];
  readonly tokens: readonly Token[];
}

export interface Token {
  readonly id: number;
  readonly label: string;
  /** UTF-16 range in the text, [start, end); equal where the token is not in the text (a special token). */
  readonly start: number;
  readonly end: number;
}
