// How the browser tests and the scripts that take pictures start JupyterLab, on a copy of the examples.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inEnvironment, root } from './environment.mjs';

/** A browser as on a machine without a graphics card and, in containers, as root. */
export const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run'
];

const folder = port => join(root, '.cache', `lab-${port}`);

/** Command, address, environment and root folder of a server. */
export const labServer = port => ({
  program: inEnvironment('jupyter-lab'),
  args: ['--config', join(root, 'ui-tests', 'jupyter_server_config.py')],
  url: `http://localhost:${port}`,
  root: join(folder(port), 'root'),
  env: {
    ORRERY_PORT: String(port),
    JUPYTER_CONFIG_DIR: join(folder(port), 'config'),
    JUPYTER_PATH: join(folder(port), 'data'),
    JUPYTER_PREFER_ENV_PATH: '1'
  }
});

/** Runs `use(page, read)` in a browser on a fresh server; `read` gives a file of its folder. */
export async function withLab({ port, executablePath, context = {} }, use) {
  const { chromium } = await import('@playwright/test');
  const { program, args, url, root: files, env } = labServer(port);
  const server = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'ignore' });
  try {
    await answers(`${url}/lab`, server);
    const browser = await chromium.launch({ executablePath, args: CHROMIUM });
    try {
      const page = await browser.newPage({ baseURL: url, viewport: { width: 1280, height: 1000 }, ...context });
      // A machine that does something else besides is slow to load JupyterLab.
      page.setDefaultTimeout(180_000);
      await use(page, name => readFileSync(join(files, name), 'utf8'));
    } finally {
      await browser.close();
    }
  } finally {
    server.kill();
  }
}

async function answers(url, server) {
  for (let second = 0; second < 120; second++) {
    if (server.exitCode !== null) {
      throw new Error(`JupyterLab ended with exit code ${server.exitCode} before it answered`);
    }
    if (await fetch(url).catch(() => undefined)) {
      return;
    }
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  throw new Error(`JupyterLab did not answer at ${url} within two minutes`);
}

/** Runs all cells of a notebook on its kernel, waits until each of our outputs holds a result, and saves it. */
export async function runNotebook(page, path) {
  await page.goto(`/lab/tree/${path}?reset`);
  await page.waitForFunction(() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
  });
  await execute(page, 'notebook:run-all-cells');
  await page.waitForFunction(
    () => {
      const widget = window.jupyterapp.shell.currentWidget;
      const cells = widget.content.widgets.filter(({ model }) => model.type === 'code');
      const done = cells.map(({ model }) => model.outputs.toJSON()).flat();
      const ours = done.flatMap(({ data }) => data?.['application/vnd.orrery.v1+json'] ?? []);
      const failed = document.querySelector('.jp-orrery-error:not([hidden])')?.textContent;
      if (failed) {
        throw new Error(failed);
      }
      return cells.every(({ model }) => model.executionCount) && ours.length > 0 && ours.every(({ result }) => result);
    },
    undefined,
    { timeout: 900_000 }
  );
  await execute(page, 'docmanager:save');
}

export const execute = (page, id, args = {}) =>
  page.evaluate(
    async ([command, options]) => void (await window.jupyterapp.commands.execute(command, options)),
    [id, args]
  );
