import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { build } from 'esbuild';

import type { PageRequest, PageResult } from './chromium-page';

const DIST = join('node_modules', 'onnxruntime-web', 'dist');
/** Of the whole sweep. */
const PATIENCE = 15 * 60 * 1000;
const FIND =
  "import('./scripts/browser.mjs').then(async ({ findBrowser }) => process.stdout.write(await findBrowser()))";

/** Runs a sweep in a page of Chromium, headless, as JupyterLab's pages run it: WebAssembly, one thread. */
export const sweepInChromium = async (
  files: { readonly model: Uint8Array; readonly weights: Uint8Array },
  request: PageRequest
): Promise<PageResult> => {
  const executablePath = execFileSync('node', ['-e', FIND], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
  const server = await serving(files);
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return await page.evaluate(
      asked => (globalThis as unknown as { sweep(given: PageRequest): Promise<PageResult> }).sweep(asked),
      request
    );
  } finally {
    await browser.close();
    server.close();
  }
};

/** The page, its program, the runtime and the model. */
const serving = async ({
  model,
  weights
}: {
  readonly model: Uint8Array;
  readonly weights: Uint8Array;
}): Promise<Server> => {
  const bundle = await build({
    entryPoints: ['bench/chromium-page.ts'],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    logLevel: 'warning'
  });
  const runtime = (name: string): Uint8Array => readFileSync(join(DIST, name));
  const contents: Readonly<Record<string, readonly [type: string, body: () => Uint8Array | string]>> = {
    '/': ['text/html', () => '<!doctype html><script type="module" src="page.js"></script>'],
    '/page.js': ['text/javascript', () => bundle.outputFiles[0].contents],
    '/model.onnx': ['application/octet-stream', () => model],
    '/weights': ['application/octet-stream', () => weights],
    '/ort/ort-wasm-simd-threaded.wasm': ['application/wasm', () => runtime('ort-wasm-simd-threaded.wasm')],
    '/ort/ort-wasm-simd-threaded.mjs': ['text/javascript', () => runtime('ort-wasm-simd-threaded.mjs')]
  };
  const server = createServer(({ url = '' }, response) => {
    const found = contents[url];
    response.writeHead(found ? 200 : 404, { 'content-type': found?.[0] ?? 'text/plain' });
    response.end(found?.[1]());
  });
  await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready));
  return server;
};
