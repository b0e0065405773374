// npm run lock:python: writes requirements*.lock from requirements*.in, for Python 3.10 and later on all platforms.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensurePython, inEnvironment, root, run } from './environment.mjs';

const tools = join(root, '.cache', 'lock-tools');
const OPTIONS = ['--universal', '--generate-hashes', '--python-version', '3.10', '--no-header', '--quiet'];

ensurePython();
if (
  spawnSync(inEnvironment('python'), ['-c', 'import uv'], { env: { ...process.env, PYTHONPATH: tools } }).status !== 0
) {
  run(inEnvironment('python'), ['-m', 'pip', 'install', '-qq', '--target', tools, 'uv']);
}
for (const name of ['requirements', 'requirements-test']) {
  run(inEnvironment('python'), ['-m', 'uv', 'pip', 'compile', ...OPTIONS, '-o', `${name}.lock`, `${name}.in`], {
    env: { PYTHONPATH: tools }
  });
}
