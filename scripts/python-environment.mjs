// A Python environment of its own for one job, under .cache/, made again only when its requirements change.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython, root, run, say } from './environment.mjs';

export const cache = join(root, '.cache');

/** The environment's python. */
export function pythonEnvironment(name, requirements) {
  const folder = join(cache, `${name}-env`);
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stamp = join(folder, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return python;
  }
  const { command } = findPython();
  say(`making a Python environment in ${folder} (some minutes)`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  run(command[0], [...command.slice(1), '-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '-qq', '--disable-pip-version-check', '-r', requirements]);
  writeFileSync(stamp, wanted);
  return python;
}
