import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { inOneFile } from './in-one-file';
import { withLabPage } from './lab';
import { median } from './median';

const ROUNDS = 7;
const PORT = 8994;

interface Opened {
  /** Milliseconds from the command to the document's skeleton, and to the picture of the file's graph. */
  readonly skeleton: number;
  readonly picture: number;
}

type Lab = Window & {
  readonly jupyterapp: { readonly commands: { execute(id: string, args: object): Promise<unknown> } };
};

const open = (page: Page, path: string): Promise<Opened> =>
  page.evaluate(async asked => {
    const painted = (): Promise<void> =>
      new Promise(resolve => requestAnimationFrame(() => setTimeout(() => resolve(), 0)));
    const start = performance.now();
    const since = async (selector: string): Promise<number> => {
      while (!document.querySelector(selector)) {
        await painted();
      }
      await painted();
      return performance.now() - start;
    };
    void (window as unknown as Lab).jupyterapp.commands.execute('docmanager:open', { path: asked });
    const skeleton = since('.jp-orrery-document .jp-orrery-bone');
    return { skeleton: await skeleton, picture: await since('.jp-orrery-document [role=gridcell]') };
  }, path);

/** A file of 653 MB in JupyterLab: from the command to the document's skeleton, and to its graph, whose bytes are read in ranges. */
export const openSkeleton: Bench = {
  name: 'open-skeleton',
  run: async () => {
    const bytes = inOneFile(gpt2Files({ ...GPT2_SMALL }));
    const times: Opened[] = [];
    let asked = 0;
    await withLabPage(PORT, async (page, folder) => {
      mkdirSync(join(folder, 'large'), { recursive: true });
      writeFileSync(join(folder, 'large', 'model.onnx'), bytes);
      for (let round = -1; round < ROUNDS; round++) {
        await page.goto('/lab?reset');
        await page.waitForSelector('#jupyterlab-splash', { state: 'detached' });
        await page.waitForSelector('.jp-DirListing-item');
        await page.waitForTimeout(1000);
        asked = 0;
        const count = (): void => void asked++;
        page.on('request', count);
        const time = await open(page, 'large/model.onnx');
        page.off('request', count);
        if (round >= 0) {
          times.push(time);
        }
      }
    });
    const [skeleton, picture] = [times.map(time => time.skeleton), times.map(time => time.picture)];
    const spread = (values: readonly number[]): string =>
      `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
    return atMost({
      name: 'open-skeleton',
      value: median(skeleton),
      unit: 'ms',
      target: 300,
      detail: `from the command to the painted document, a file of ${(bytes.length / 1e6).toFixed(0)} MB in JupyterLab in Chromium, median of ${ROUNDS} (${spread(skeleton)}); the picture of all heads, from the graph alone, after ${median(picture).toFixed(0)} ms (${spread(picture)}) and ${asked} requests`
    });
  }
};
