// npm run bench [-- NAME…] [--json FILE] [--write]: prints a table of the project's speed and size targets.
import { fileURLToPath } from 'node:url';

import { runTypeScript } from './run-typescript.mjs';

const main = fileURLToPath(new URL('../bench/main.ts', import.meta.url));
process.exit(await runTypeScript(main, process.argv.slice(2)));
