const MOST = 200;

/** What an error says, on one line: parsers and the tokenizers' library quote the file, which may hold anything. */
export const reasonOf = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .split('\n', 1)[0]
    .replace(/\p{Cc}/gu, '\ufffd')
    .slice(0, MOST);
