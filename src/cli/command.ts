import type { Console } from './console';

/** One command of `orrery`. */
export interface Command {
  readonly name: string;
  /** Shown where it is called wrongly. */
  readonly usage: string;
  readonly summary: string;
  /** Throws UsageError (exit code 2) or another error of one sentence (1). */
  run(args: readonly string[], console: Console): Promise<void>;
}
