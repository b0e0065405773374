/** Text ↔ ids. */
export interface Tokens {
  readonly vocabularySize: number;
  encode(text: string): Encoded;
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
