#!/usr/bin/env node
import { processConsole } from './console';
import { isLong, receiveArguments, runWithArguments } from './long-command-line';
import { runCommandLine } from './run-command-line';

// A reader that closed the pipe (head, less) has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exitCode = error.code === 'EPIPE' ? 0 : 1;
});

const main = async (): Promise<void> => {
  const args = await receiveArguments();
  process.exitCode = isLong() ? await runWithArguments(args) : await runCommandLine(args, processConsole());
};

void main();
