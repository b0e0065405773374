import { readFileSync } from 'node:fs';

import type { Page } from '@playwright/test';

import { atMost, type Bench } from './bench';
import { withLabPage } from './lab';
import { median } from './median';

const OUTPUTS = 50;
const ROUNDS = 7;
const PORT = 8993;
const MIME_TYPE = 'application/vnd.orrery.v1+json';

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

/** Bytes of the page's process that it has written to itself (Linux), after a collection: scripts, elements and canvases. */
const memory = async (page: Page): Promise<number> => {
  const browser = page.context().browser()!;
  const [inPage, inBrowser] = [await page.context().newCDPSession(page), await browser.newBrowserCDPSession()];
  await inPage.send('HeapProfiler.collectGarbage');
  const { processInfo } = await inBrowser.send('SystemInfo.getProcessInfo');
  await Promise.all([inPage.detach(), inBrowser.detach()]);
  const written = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]));
  return 1024 * Math.max(...written);
};

interface Side {
  readonly seconds: number[];
  readonly bytes: number[];
}
type Sides = Readonly<Record<keyof typeof FILES, Side>>;

let once: Promise<Sides> | undefined;
/** Both notebooks opened by turns; no worker may start. */
const measured = (): Promise<Sides> => (once ??= measure());

const measure = async (): Promise<Sides> => {
  const saved = savedOutputs();
  const sides: Sides = { ours: { seconds: [], bytes: [] }, plain: { seconds: [], bytes: [] } };
  let asked = 0;
  await withLabPage(PORT, async page => {
    page.on('worker', () => asked++);
    page.on('request', request => void (/\.wasm|\.onnx|\.worker\./.test(request.url()) && asked++));
    for (const side of ['ours', 'plain'] as const) {
      const content = notebook(saved, side === 'ours');
      await page.request.put(`/api/contents/${FILES[side]}`, { data: { type: 'notebook', content } });
      await open(page, side);
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const side of round % 2 ? (['ours', 'plain'] as const) : (['plain', 'ours'] as const)) {
        sides[side].seconds.push(await open(page, side));
        sides[side].bytes.push(await memory(page));
      }
    }
  });
  if (asked > 0) {
    throw new Error(`saved outputs ran something: ${asked} workers and requests for wasm or models`);
  }
  return sides;
};

/** Of the pairs: the median of what ours add, its spread, and the medians of both. */
const added = (sides: Sides, key: keyof Side) => {
  const [ours, plain] = [sides.ours[key], sides.plain[key]];
  const pairs = ours.map((value, i) => value - plain[i]);
  return {
    value: median(pairs),
    least: Math.min(...pairs),
    most: Math.max(...pairs),
    ours: median(ours),
    plain: median(plain)
  };
};

const WHAT = `added by ${OUTPUTS} saved outputs in Chromium, median of ${ROUNDS} pairs`;

/** What 50 saved outputs add to the opening of a notebook and to its page's memory, against the same outputs without our type. */
export const savedOutputsBenches: readonly Bench[] = [
  {
    name: 'saved-outputs',
    run: async () => {
      const { value, least, most, ours, plain } = added(await measured(), 'seconds');
      return atMost({
        name: 'saved-outputs',
        value,
        unit: 's',
        target: 1,
        detail: `${WHAT} (${least.toFixed(1)} to ${most.toFixed(1)}); opening takes ${plain.toFixed(1)} → ${ours.toFixed(1)} s; 0 workers, 0 requests for wasm or models`
      });
    }
  },
  {
    name: 'saved-outputs-memory',
    run: async () => {
      const { value, least, most, ours, plain } = added(await measured(), 'bytes');
      const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
      return atMost({
        name: 'saved-outputs-memory',
        value: value / 1e6,
        unit: 'MB',
        target: 150,
        detail: `${WHAT} (${megabytes(least)} to ${megabytes(most)}); the page's process holds ${megabytes(plain)} → ${megabytes(ours)} MB of its own`
      });
    }
  }
];
