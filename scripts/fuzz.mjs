// npm run fuzz [-- --seconds N] [--cases N] [--seed N]: reads files changed at random until the time is over; a fault ends with exit code 1.
import { fileURLToPath } from 'node:url';

import { runTypeScript } from './run-typescript.mjs';

const main = fileURLToPath(new URL('../test/onnx/fuzz-main.ts', import.meta.url));
process.exit(await runTypeScript(main, process.argv.slice(2)));
