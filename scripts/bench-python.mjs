// Prints the python of the bench's own environment (bench/requirements.txt), made where it is missing.
import { fileURLToPath } from 'node:url';

import { pythonEnvironment } from './python-environment.mjs';

const requirements = fileURLToPath(new URL('../bench/requirements.txt', import.meta.url));
process.stdout.write(pythonEnvironment('bench', requirements));
