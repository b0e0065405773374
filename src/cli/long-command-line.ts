import { fork } from 'node:child_process';

/** Characters. ONNX Runtime searches the process's command line with a pattern that recurses for each: near 28,000 its stack ends the process. */
const MOST = 8000;

const MARK = 'ORRERY_ARGUMENTS_FOLLOW';

/** The process's arguments, or those that `runWithArguments` of another process sends. */
export const receiveArguments = async (): Promise<readonly string[]> => {
  if (process.env[MARK] === undefined || process.send === undefined) {
    return process.argv.slice(2);
  }
  const args = await new Promise<readonly string[]>(received => process.once('message', received));
  process.disconnect();
  return args;
};

export const isLong = (): boolean => process.argv.join(' ').length > MOST;

/** Runs this program once more, its arguments sent to it, and gives its exit code. */
export const runWithArguments = async (args: readonly string[]): Promise<number> => {
  const child = fork(process.argv[1], [], { env: { ...process.env, [MARK]: '1' }, stdio: 'inherit' });
  // An interrupt reaches both: the child ends by itself, and is waited for.
  process.on('SIGINT', () => undefined);
  child.send(args);
  return new Promise(ended => child.once('exit', code => ended(code ?? 1)));
};
