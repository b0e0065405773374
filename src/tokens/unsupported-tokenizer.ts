/** A part of a tokenizer.json that the library does not know, or fails on: the file is well, and the model is served without it. */
export class UnsupportedTokenizer extends Error {
  constructor(
    readonly reason: string,
    cause: unknown
  ) {
    super(`tokenizer unsupported: ${reason}`, { cause });
  }
}
