// The analyses of one model in a real Chromium: the page talks to the model's worker as JupyterLab's page does.
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { chromium } from '@playwright/test';

import { findBrowser } from '../scripts/browser.mjs';
import { root } from '../scripts/environment.mjs';
import { cache } from '../scripts/python-environment.mjs';

const ORT = join(root, 'node_modules', 'onnxruntime-web', 'dist');
const ASSETS = {
  '/worker.js': join(root, 'lib', 'worker', 'model.worker.js'),
  '/ort.wasm': join(ORT, 'ort-wasm-simd-threaded.wasm'),
  '/ort.mjs': join(ORT, 'ort-wasm-simd-threaded.mjs')
};
const TYPES = { js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm', json: 'application/json' };

/** Leaves <analysis>.json in `runs`; returns seconds by name, and bytes. */
export async function runInChromium(model, runs) {
  rmSync(runs, { recursive: true, force: true });
  mkdirSync(runs, { recursive: true });
  const folder = join(cache, 'models', model.folder);
  const server = await serve(folder);
  const browser = await chromium.launch({ executablePath: await findBrowser() });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const files = readdirSync(folder).filter(name => statSync(join(folder, name)).isFile());
    const sized = files.map(name => ({ name, size: statSync(join(folder, name)).size }));
    const opened = await page.evaluate(open, { label: model.folder, files: sized });
    const seconds = { open: opened.seconds };
    const memory = { opened: opened.heapBytes, examined: opened.heapBytes };
    for (const { analysis, name = analysis, spec, refused } of model.runs) {
      const answer = await page.evaluate(ask, { type: 'run', analysis, spec, seed: 0 });
      check(analysis, answer, refused);
      if (!refused) {
        seconds[name] = answer.seconds;
        memory.examined = answer.heapBytes;
        writeFileSync(join(runs, `${name}.json`), JSON.stringify({ analysis, spec, result: answer.result }));
      }
    }
    return { seconds, memory: { ...memory, peak: await peakOf(browser) } };
  } finally {
    await browser.close();
    server.close();
  }
}

/** Resident bytes, at their peak, of the process that the page and its worker share (Linux). */
async function peakOf(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentPeak(id));
  return Math.max(...peaks);
}

const residentPeak = id => 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]);

function check(analysis, answer, refused = false) {
  if (answer.type !== (refused ? 'error' : 'result')) {
    throw new Error(`${analysis} in Chromium was answered by '${answer.type}': ${answer.message ?? ''}`);
  }
}

/** In the page: makes the worker, opens the model; seconds, and bytes of the worker's wasm heap. */
async function open({ label, files }) {
  const worker = new Worker('/worker.js', { type: 'module' });
  const waiting = new Map();
  const last = ({ type }) => type !== 'progress' && type !== 'partial' && type !== 'outline';
  worker.onmessage = ({ data }) => last(data) && waiting.get(data.id)?.(data);
  worker.onerror = event => waiting.forEach(answer => answer({ type: 'error', message: event.message }));
  let id = 0;
  window.ask = message =>
    new Promise(resolve => {
      waiting.set(++id, resolve);
      worker.postMessage({ ...message, id });
    });
  const url = path => new URL(path, location.href).href;
  const source = { label, headers: {}, files: files.map(file => ({ ...file, content: url(`/model/${file.name}`) })) };
  const assets = { wasm: url('/ort.wasm'), mjs: url('/ort.mjs') };
  const start = performance.now();
  const answer = await window.ask({ type: 'open', source, assets });
  if (answer.type !== 'opened') {
    throw new Error(`${label} was not opened: ${answer.message}`);
  }
  return { seconds: (performance.now() - start) / 1000, heapBytes: answer.model.heapBytes };
}

/** In the page. */
function ask(message) {
  return window.ask(message);
}

function serve(folder) {
  const server = createServer(({ url }, response) => {
    const path = url.startsWith('/model/')
      ? join(folder, decodeURIComponent(url.slice('/model/'.length)))
      : ASSETS[url];
    if (url === '/') {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>orrery</title>');
    } else if (path && existsSync(path)) {
      response.setHeader('content-type', TYPES[path.split('.').pop()] ?? 'application/octet-stream');
      createReadStream(path).pipe(response);
    } else {
      response.writeHead(404).end();
    }
  });
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)));
}
