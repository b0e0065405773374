// npm start [-- OPTIONS OF JUPYTERLAB]: sets up, builds, and opens JupyterLab on the quickstart.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkNode, ensurePackages, ensurePython, inEnvironment, refuse, root, run, say } from './environment.mjs';

const examples = join(root, 'examples');
const NOTEBOOK = 'quickstart.ipynb';

checkNode();
ensurePackages();
ensurePython();
run(process.execPath, [join(root, 'scripts', 'build.mjs')], { failure: 'the build failed' });
if (!existsSync(join(examples, NOTEBOOK))) {
  refuse(`notebook missing: '${NOTEBOOK}' is not in '${examples}'`);
}
const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
say('opening JupyterLab on examples/quickstart.ipynb (Ctrl-C twice ends it)');
const options = [`--ServerApp.root_dir=${examples}`, `--LabApp.default_url=/lab/tree/${NOTEBOOK}`, ...asRoot];
const lab = spawn(inEnvironment('jupyter-lab'), [...options, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  // This extension's own build wins over one that the user has installed elsewhere.
  env: { ...process.env, JUPYTER_PREFER_ENV_PATH: '1' }
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => signal === 'SIGTERM' && lab.kill(signal));
}
lab.on('error', error => refuse(`JupyterLab did not start: ${error.message}`));
lab.on('exit', code => process.exit(code ?? 1));
