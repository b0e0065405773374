import { once } from 'node:events';

/** Where a command reads and writes. */
export interface Console {
  /** Data. */
  out(text: string): Promise<void>;
  /** Words, a line each. */
  say(line: string): void;
  /** Shown on a terminal only, replaced by the next. */
  progress(line: string): void;
  readonly signal: AbortSignal;
}

const CLEAR = '\r\u001b[K';

/** The process's own streams; an interrupt aborts the signal. */
export const processConsole = (): Console => {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  const terminal = process.stderr.isTTY === true;
  return {
    out: async text => {
      if (!process.stdout.write(text)) {
        await once(process.stdout, 'drain');
      }
    },
    say: line => void process.stderr.write(`${terminal ? CLEAR : ''}${line}\n`),
    progress: line => void (terminal && process.stderr.write(`${CLEAR}${line}`)),
    signal: abort.signal
  };
};
