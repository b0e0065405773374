import type { Console } from './console';
import type { Options } from './read-arguments';

/** One command of `orrery`. */
export interface Command {
  readonly name: string;
  /** Its arguments behind its name, those that are wanted always. */
  readonly usage: string;
  readonly summary: string;
  /** In the order of the help. */
  readonly options: Options;
  /** Throws UsageError (exit code 2) or another error of one sentence (1). */
  run(args: readonly string[], console: Console): Promise<void>;
}
