const MOST = 400;

/** What ONNX Runtime says of files that no version of it takes, and the same in a few words. */
const KNOWN: readonly (readonly [RegExp, (...parts: readonly string[]) => string])[] = [
  [
    /Opset (\d+) is under development.* support for domain (\S+) is till opset (\d+)/,
    (opset, domain, newest) => `opset ${opset} of ${domain} is newer than ${newest}, the newest that is known`
  ],
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    (version, newest) => `IR version ${version} is newer than ${newest}, the newest that is known`
  ],
  [
    /Fatal error: (\S*):(\w+)\(-?\d+\) is not a registered function/,
    (domain, operator) =>
      `the operator '${operator}' of ${domain ? `'${domain}'` : 'ai.onnx'} is not known, and the file does not define it`
  ],
  [
    /No Op registered for (\w+) with domain_version of (\d+)/,
    (operator, opset) => `the operator '${operator}' is not known in opset ${opset}`
  ]
];

/** A run that failed: the operator, its node, and what it says. */
const RUN =
  /^(?:Error: )?Non-zero status code returned while running (\w+) node\. Name:'([^']*)' Status Message: (.*)/s;

/** A source file of ONNX Runtime, the function there and the condition that was not met. */
const PLACE = /^\S+\.(?:cc|h):\d+ (?:.* was false\.? |.*[)\]] )/;

/** What operators say of indices that a table does not have. */
const LOOK_UPS: readonly (readonly [RegExp, (...parts: readonly string[]) => string])[] = [
  [
    /^indices element out of data bounds, idx=(-?\d+) must be within the inclusive range \[-(\d+),/,
    (index, rows) => `it looks up row ${index} of a table of ${rows}`
  ],
  [/^invalid index found, index = (-?\d+)/, index => `it looks up row ${index} of a table that has fewer`],
  [/Out of range value in index tensor/, () => 'it looks up a row beyond the end of a table']
];

/** Why ONNX Runtime failed: in words of ours, or the first line of its message, cut at 400 characters. */
export const plainReason = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  const [, operator, node, said] = RUN.exec(text) ?? [];
  return said === undefined ? inWords(text, KNOWN) : `${operator} node '${node}': ${inWords(said, LOOK_UPS)}`;
};

const inWords = (text: string, known: typeof KNOWN): string => {
  for (const [pattern, words] of known) {
    const found = pattern.exec(text);
    if (found) {
      return words(...found.slice(1));
    }
  }
  return text.split('\n', 1)[0].replace(PLACE, '').slice(0, MOST);
};
