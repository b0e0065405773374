#!/usr/bin/env node
import { processConsole } from './console';
import { runCommandLine } from './run-command-line';

// A reader that closed the pipe (head, less) has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exitCode = error.code === 'EPIPE' ? 0 : 1;
});

void runCommandLine(process.argv.slice(2), processConsole()).then(code => {
  process.exitCode = code;
});
