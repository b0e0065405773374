// The analyses and the hooks of one model through the command line.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../scripts/environment.mjs';
import { cache } from '../scripts/python-environment.mjs';

const MIME_TYPE = 'application/vnd.orrery.v1+json';
const ORRERY = join(root, 'lib', 'cli', 'orrery.mjs');

/** Leaves <name of the run>.json and, where hooks are asked for, hooks.safetensors and its text.txt in `runs`; returns seconds by name. */
export function runInNode(model, runs) {
  const folder = join(cache, 'models', model.folder);
  rmSync(runs, { recursive: true, force: true });
  mkdirSync(runs, { recursive: true });
  const seconds = {};
  if (model.hooks.length > 0) {
    writeFileSync(join(runs, 'text.txt'), model.text);
    const hooks = model.hooks.flatMap(glob => ['--hooks', glob]);
    seconds.hooks = orrery(['cache', folder, '--text', model.text, ...hooks, '--out', join(runs, 'hooks.safetensors')]);
  }
  for (const { analysis, name = analysis, spec, refused } of model.runs) {
    const [wanted, bundle] = ['spec', 'bundle'].map(kind => join(runs, `${name}.${kind}.json`));
    writeFileSync(wanted, JSON.stringify({ analysis, model: { path: 'model' }, seed: 0, spec }));
    seconds[name] = orrery(['run', wanted, '--model', folder, '--out', bundle], refused);
    if (!refused) {
      const payload = JSON.parse(readFileSync(bundle, 'utf8'))[MIME_TYPE];
      writeFileSync(join(runs, `${name}.json`), JSON.stringify(payload));
    }
  }
  return { seconds };
}

/** How many hooks of the file have each status: `605 verified, 0 unverified, 0 unavailable`. */
export function countHooks(model) {
  const { stdout } = spawnSync(process.execPath, [ORRERY, 'inspect', join(cache, 'models', model.folder), '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28
  });
  const { hooks } = JSON.parse(stdout);
  const count = wanted => hooks.filter(({ status }) => status === wanted).length;
  return ['verified', 'unverified', 'unavailable'].map(status => `${count(status)} ${status}`).join(', ');
}

/** Seconds of one command, which must succeed, or be refused in one line. */
function orrery(args, refused = false) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [ORRERY, ...args], { encoding: 'utf8' });
  const lines = stderr.trim().split('\n').filter(Boolean);
  if (status !== (refused ? 1 : 0) || (refused && lines.length !== 1)) {
    throw new Error(`orrery ${args.join(' ')} ended with ${status}: ${stderr}`);
  }
  return (performance.now() - start) / 1000;
}
