// npm start [-- OPTIONS OF JUPYTERLAB]: sets up, builds, and opens JupyterLab on the quickstart.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkNode, ensurePackages, ensurePython, inEnvironment, refuse, root, run, say } from './environment.mjs';

const notebook = join(root, 'examples', 'quickstart.ipynb');

checkNode();
ensurePackages();
ensurePython();
run(process.execPath, [join(root, 'scripts', 'build.mjs')], { failure: 'the build failed' });
if (!existsSync(notebook)) {
  refuse(`notebook missing: '${notebook}'`);
}
const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
say('opening JupyterLab on examples/quickstart.ipynb (Ctrl-C twice ends it)');
const lab = spawn(inEnvironment('jupyter-lab'), [notebook, ...asRoot, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit'
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => signal === 'SIGTERM' && lab.kill(signal));
}
lab.on('error', error => refuse(`JupyterLab did not start: ${error.message}`));
lab.on('exit', code => process.exit(code ?? 1));
