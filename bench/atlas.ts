import { build } from 'esbuild';
import { readFileSync } from 'node:fs';

import type { Browser, Page } from '@playwright/test';

import type { AtlasPage } from './atlas-page';
import { atMost, type Bench } from './bench';
import { median } from './median';
import { peers } from './peers';
import { sharedScript } from './shared-script';

const ROUNDS = 9;
const MOVES = 200;

/** A browser with pages that hold the atlas and its style, and nothing else. */
export async function withAtlasPages<T>(use: (fresh: () => Promise<Page>, browser: Browser) => Promise<T>): Promise<T> {
  const [{ findBrowser }, { CHROMIUM }] = await Promise.all([
    sharedScript('browser.mjs'),
    sharedScript('lab-server.mjs')
  ]);
  const { chromium } = await import('@playwright/test');
  const bundle = await build({
    entryPoints: ['bench/atlas-page.ts'],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    define: { 'process.env': '{}', global: 'window' },
    loader: { '.css': 'empty', '.svg': 'text' },
    logLevel: 'error'
  });
  const browser: Browser = await chromium.launch({
    executablePath: await (findBrowser as () => Promise<string>)(),
    args: CHROMIUM as string[]
  });
  try {
    return await use(async () => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
      await page.setContent('<div class="jp-orrery-output"><div id="host"></div></div>');
      await page.addStyleTag({ content: readFileSync('style/base.css', 'utf8') });
      await page.addScriptTag({ content: bundle.outputFiles[0].text });
      return page;
    }, browser);
  } finally {
    await browser.close();
  }
}

/** Layers, heads, tokens, side of a stored pattern. */
const SIZES = { paint: [12, 12, 128, 128], large: [48, 32, 1024, 64] } as const;

type Evaluated = Window & { readonly atlasPage: AtlasPage };

const paint = (page: Page, sizes: readonly [number, number, number, number]): Promise<number> =>
  page.evaluate(given => (window as unknown as Evaluated).atlasPage.paint(...given), sizes);

/** The first atlas of a page: 144 heads on 128 tokens, from its data to the frame that shows it; the peers on as many. */
export const atlasPaintBench: Bench = {
  name: 'atlas-paint',
  run: () =>
    withAtlasPages(async (fresh, browser) => {
      const times: { first: number[]; large: number[] } = { first: [], large: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const page = await fresh();
        times.first.push(await paint(page, SIZES.paint));
        times.large.push(await paint(page, SIZES.large));
        await page.close();
      }
      const [layers, heads, tokens] = SIZES.paint;
      const beside: string[] = [];
      for (const { name, paint: draw } of peers()) {
        beside.push(`${name} ${((await draw(browser, { layers, heads, tokens })) / 1000).toFixed(1)} s`);
      }
      const [least, most] = [Math.min(...times.first), Math.max(...times.first)];
      return atMost({
        name: 'atlas-paint',
        value: median(times.first),
        unit: 'ms',
        target: 100,
        detail: `144 heads × 128 tokens on one canvas in Chromium, the first in a fresh page, median of ${ROUNDS} (${least.toFixed(0)} to ${most.toFixed(0)}); 48 × 32 heads × 1,024 tokens in groups of 16: ${median(times.large).toFixed(0)} ms; in the same run, all heads at once, ${beside.join(', ')}`
      });
    })
};

/** A move of the pointer over the heads, and over the cells of one, until all of it is drawn. */
export const atlasHoverBench: Bench = {
  name: 'atlas-hover',
  run: () =>
    withAtlasPages(async fresh => {
      const page = await fresh();
      await paint(page, SIZES.paint);
      const times = await page.evaluate(moves => (window as unknown as Evaluated).atlasPage.hover(moves), MOVES);
      const sorted = [...times].sort((a, b) => a - b);
      return atMost({
        name: 'atlas-hover',
        value: median(times),
        unit: 'ms',
        target: 16,
        detail: `144 heads × 128 tokens, ${MOVES} moves over heads and over cells by turns, layout and drawing included; nine of ten within ${sorted[Math.floor(0.9 * MOVES)].toFixed(1)} ms`
      });
    })
};
