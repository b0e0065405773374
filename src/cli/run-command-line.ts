import { cache } from './cache';
import type { Command } from './command';
import type { Console } from './console';
import { generate } from './generate';
import { commandHelp, help } from './help';
import { inspect } from './inspect';
import { list } from './list';
import { prompts } from './prompts';
import { run } from './run';
import { weights } from './weights';
import { UsageError } from './usage-error';
import { VERSION } from '../report/version';

const COMMANDS: readonly Command[] = [inspect, cache, weights, generate, prompts, run, list];

/** Runs one command; gives the exit code: 0 done, 1 refused or failed, 2 wrong usage. An error is one line in `say`. */
export const runCommandLine = async (args: readonly string[], console: Console): Promise<number> => {
  const [name, ...rest] = args;
  if (['--version', '--help', '-h', 'help'].includes(name ?? '')) {
    await console.out(name === '--version' ? `${VERSION}\n` : help(COMMANDS));
    return 0;
  }
  const command = COMMANDS.find(candidate => candidate.name === name);
  if (command === undefined) {
    const known = COMMANDS.map(candidate => candidate.name).join(', ');
    console.say(
      `orrery: ${name === undefined ? 'command missing' : `command unknown: '${oneLine(name)}'`} (${known}; orrery --help)`
    );
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    await console.out(commandHelp(command));
    return 0;
  }
  try {
    await command.run(rest, console);
    return 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = oneLine(error instanceof Error ? error.message : String(error));
    console.say(usage ? `orrery ${command.name}: ${message} (orrery ${command.name} --help)` : `orrery: ${message}`);
    return usage ? 2 : 1;
  }
};

/** Names in messages come from files: no line breaks, no control sequences, no marks that turn the direction of a text. */
const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{Cf}/gu, '\ufffd')
    .trim();
