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

/** Why ONNX Runtime failed: in words of ours, or the first line of its message, cut at 400 characters. */
export const plainReason = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  for (const [pattern, words] of KNOWN) {
    const found = pattern.exec(text);
    if (found) {
      return words(...found.slice(1));
    }
  }
  return text.split('\n', 1)[0].slice(0, MOST);
};
