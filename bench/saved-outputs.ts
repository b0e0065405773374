import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Page } from '@playwright/test';

import { atMost, type Bench } from './bench';
import { median } from './median';

const OUTPUTS = 50;
const ROUNDS = 7;
const MIME_TYPE = 'application/vnd.orrery.v1+json';

/** The scripts that other commands share; loaded where they lie, since they find the repository by their own place. */
const script = (name: string): Promise<Record<string, (...args: never[]) => unknown>> =>
  import(pathToFileURL(join(process.cwd(), 'scripts', name)).href);

type Data = Readonly<Record<string, unknown>>;
interface Cell {
  readonly outputs?: readonly { readonly data?: Data }[];
}

/** Outputs as the quickstart has saved them. */
const savedOutputs = (): Data[] => {
  const { cells } = JSON.parse(readFileSync('examples/quickstart.ipynb', 'utf8')) as { cells: Cell[] };
  const saved = cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ data }) => (data?.[MIME_TYPE] ? [data] : [])));
  if (saved.length === 0) {
    throw new Error("no outputs saved: 'examples/quickstart.ipynb' has none; npm run pictures fills it");
  }
  return saved;
};

/** A notebook of 50 such outputs; without our type, JupyterLab draws the page saved beside it. */
const notebook = (saved: readonly Data[], ours: boolean): object => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: Array.from({ length: OUTPUTS }, (_, i) => {
    const { [MIME_TYPE]: payload, ...others } = saved[i % saved.length];
    const data = ours ? { ...others, [MIME_TYPE]: payload } : others;
    const output = { output_type: 'display_data', metadata: {}, data };
    return { cell_type: 'code', id: `c${i}`, metadata: {}, execution_count: null, source: '', outputs: [output] };
  })
});

const FILES = { ours: 'ours.ipynb', plain: 'plain.ipynb' } as const;
const DRAWN = {
  ours: '.jp-orrery-footer button',
  plain: '.jp-OutputArea-output img, .jp-OutputArea-output table'
} as const;

/** Seconds from the request of the page to all outputs in it. */
const open = async (page: Page, side: keyof typeof FILES): Promise<number> => {
  const start = performance.now();
  await page.goto(`/lab/tree/${FILES[side]}?reset`);
  await page.waitForFunction(
    ([selector, count]) => {
      const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
      return cells.filter(cell => cell.querySelector(String(selector))).length === count;
    },
    [DRAWN[side], OUTPUTS] as const,
    { timeout: 120_000 }
  );
  return (performance.now() - start) / 1000;
};

/** What 50 saved outputs add to the opening of a notebook, against the same outputs without our type; no worker may start. */
export const savedOutputsBench: Bench = {
  name: 'saved-outputs',
  run: async () => {
    const [{ withLab }, { findBrowser }] = await Promise.all([script('lab-server.mjs'), script('browser.mjs')]);
    const saved = savedOutputs();
    const times = { ours: [] as number[], plain: [] as number[] };
    let asked = 0;
    const use = async (page: Page): Promise<void> => {
      page.on('worker', () => asked++);
      page.on('request', request => void (/\.wasm|\.onnx|\.worker\./.test(request.url()) && asked++));
      for (const side of ['ours', 'plain'] as const) {
        const content = notebook(saved, side === 'ours');
        await page.request.put(`/api/contents/${FILES[side]}`, { data: { type: 'notebook', content } });
        await open(page, side);
      }
      for (let round = 0; round < ROUNDS; round++) {
        for (const side of round % 2 ? (['ours', 'plain'] as const) : (['plain', 'ours'] as const)) {
          times[side].push(await open(page, side));
        }
      }
    };
    await withLab({ port: 8993, executablePath: await findBrowser() } as never, use as never);
    if (asked > 0) {
      throw new Error(`saved outputs ran something: ${asked} workers and requests for wasm or models`);
    }
    const added = times.ours.map((seconds, i) => seconds - times.plain[i]);
    const [least, most] = [Math.min(...added), Math.max(...added)];
    return atMost({
      name: 'saved-outputs',
      value: median(added),
      unit: 's',
      target: null,
      detail: `added by ${OUTPUTS} outputs in Chromium, median of ${ROUNDS} pairs (${least.toFixed(1)} to ${most.toFixed(1)}); opening takes ${median(times.plain).toFixed(1)} → ${median(times.ours).toFixed(1)} s; 0 workers, 0 requests for wasm or models`
    });
  }
};
