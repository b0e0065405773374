// npm run test:real [-- MODEL…]: the analyses on real models against Hugging Face; writes their sections of docs/real.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runInChromium } from '../test-real/chromium.mjs';
import { countHooks, runInNode } from '../test-real/node.mjs';
import { MODELS } from '../test-real/specs.mjs';
import { writeTable } from '../test-real/table.mjs';
import { refuse, root, run, say } from './environment.mjs';
import { cache, pythonEnvironment } from './python-environment.mjs';

const scripts = join(root, 'scripts', 'models');
const named = process.argv.slice(2);
const nameOf = ({ folder, about }) => (about === undefined ? folder : `${folder}-${about}`);
const unknown = named.find(name => !MODELS.some(model => nameOf(model) === name));
if (unknown !== undefined) {
  refuse(`model unknown: '${unknown}' is none of ${MODELS.map(nameOf).join(', ')}`);
}
const chosen = MODELS.filter(model => named.length === 0 || named.includes(nameOf(model)));
const runtimesOf = ({ chromium }) => [['Node', runInNode], ...(chromium ? [['Chromium', runInChromium]] : [])];
if (!existsSync(join(root, 'lib', 'cli', 'orrery.mjs'))) {
  refuse("not built: 'lib/cli/orrery.mjs' is missing, run npm run build");
}
run(process.execPath, [join(root, 'scripts', 'models.mjs'), 'minilm', 'smollm2', 'minilm-forms', 'smollm2-forms']);
const python = pythonEnvironment('models', join(scripts, 'requirements.txt'));

const sections = [];
for (const model of chosen) {
  for (const [runtime, start] of runtimesOf(model)) {
    say(`${nameOf(model)} in ${runtime}`);
    const runs = join(cache, 'real', `${nameOf(model)}-${runtime.toLowerCase()}`);
    const { seconds, memory } = await start(model, runs);
    run(python, [join(scripts, 'compare.py'), join(cache, 'models', model.folder), runs]);
    const rows = JSON.parse(readFileSync(join(runs, 'table.json'), 'utf8'));
    const hooks = runtime === 'Node' && model.hooks.length > 0 ? countHooks(model) : undefined;
    sections.push({ model: nameOf(model), runtime, seconds, memory, rows, hooks });
  }
}
const page = join(root, 'docs', 'real.md');
const titles = MODELS.flatMap(model => runtimesOf(model).map(([runtime]) => `${nameOf(model)}, ${runtime}`));
writeFileSync(page, writeTable(sections, titles, readFileSync(page, 'utf8')));
process.stdout.write(`wrote ${page}\n`);
const failed = sections.flatMap(({ model, runtime, rows }) =>
  rows.filter(row => !row.holds).map(row => `${model} in ${runtime}: ${row.what} differs by ${row.deviation}\n`)
);
process.stderr.write(failed.join(''));
process.exit(failed.length ? 1 : 0);
