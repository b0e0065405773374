import { runCommandLine } from '../../src/cli/run-command-line';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  /** Lines of stderr. */
  readonly said: readonly string[];
}

/** Runs `orrery` in this process. */
export const orrery = async (...args: readonly string[]): Promise<Outcome> => {
  let out = '';
  const said: string[] = [];
  const code = await runCommandLine(args, {
    out: async text => void (out += text),
    say: line => void said.push(line),
    progress: () => undefined,
    signal: new AbortController().signal
  });
  return { code, out, said };
};
