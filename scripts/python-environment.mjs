// A Python environment of its own for one job, under .cache/, made again only when its requirements change.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const cache = join(root, '.cache');

/** The environment's python; prints what it does. */
export function pythonEnvironment(name, requirements) {
  const folder = join(cache, `${name}-env`);
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stamp = join(folder, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return python;
  }
  process.stderr.write(`making a Python environment in ${folder} (${requirements})\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  run(systemPython(), ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  writeFileSync(stamp, wanted);
  return python;
}

/** Runs to the end, or ends this process with the same exit code. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error) {
    process.stderr.write(`cannot run '${command}': ${error.message}\n`);
  }
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}

function systemPython() {
  const test = 'import sys, venv; raise SystemExit(sys.version_info < (3, 10))';
  const found = ['python3', 'python'].find(name => spawnSync(name, ['-c', test]).status === 0);
  if (!found) {
    process.stderr.write("Python missing: neither 'python3' nor 'python' is Python 3.10 or later with venv\n");
    process.exit(1);
  }
  return found;
}
