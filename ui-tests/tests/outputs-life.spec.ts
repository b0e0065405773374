import type { CDPSession, Page } from '@playwright/test';

import {
  bundles,
  code,
  execute,
  expect,
  finished,
  kernelReady,
  modelWorkers,
  notebook,
  open,
  outputs,
  payload,
  read,
  specOutput,
  test,
  withoutKernel
} from '../lab';

const TEXT = 'the cat sat on the mat';
const waiting = (analysis = 'attention-patterns', spec: object = { text: TEXT }) =>
  code('1', [specOutput(payload(spec, analysis))]);

const press = (page: Page, name: string, at = 0): Promise<void> =>
  outputs(page).nth(at).getByRole('button', { name, exact: true }).click();

test('two outputs that run at once take turns, first come first served', async ({ page, tmpPath }) => {
  const path = await open(page, tmpPath, notebook([waiting(), waiting('logit-lens')], {}));
  await withoutKernel(page);
  await press(page, 'Run', 1);
  await press(page, 'Run', 0);
  await finished(page, 2);
  await execute(page, 'docmanager:save');
  const created = bundles(await read(page, path)).map(
    data => (Object.values(data)[0] as { provenance: { created: string } }).provenance.created
  );
  expect(Date.parse(created[1])).toBeLessThanOrEqual(Date.parse(created[0]));
  expect(modelWorkers(page)).toHaveLength(1);
});

test('a run goes on while the kernel restarts', async ({ page, tmpPath, seen }) => {
  await open(page, tmpPath, notebook([waiting()]));
  await kernelReady(page);
  await page.route(/model\.worker/, route => setTimeout(() => void route.continue(), 1500));
  await press(page, 'Run');
  await expect(outputs(page).getByRole('progressbar')).toBeVisible();
  const restarting = execute(page, 'kernelmenu:restart');
  await page.locator('.jp-Dialog').getByRole('button', { name: 'Confirm Kernel Restart' }).click();
  await restarting;
  await finished(page, 1);
  expect(seen.problems).toEqual([]);
});

test('closing the notebook cancels what runs in it, and nothing breaks', async ({ page, tmpPath, seen }) => {
  const path = await open(page, tmpPath, notebook([waiting()], {}));
  await withoutKernel(page);
  await page.route(/model\.worker/, route => setTimeout(() => void route.continue(), 3000));
  await press(page, 'Run');
  await expect(outputs(page).getByRole('progressbar')).toBeVisible();
  await execute(page, 'docmanager:save');
  await execute(page, 'application:close');
  await expect(outputs(page)).toHaveCount(0);
  // Nobody waits for the model any more.
  await expect.poll(() => modelWorkers(page).length).toBe(0);
  await page.unroute(/model\.worker/);
  await execute(page, 'docmanager:open', { path });
  await withoutKernel(page);
  await press(page, 'Run');
  await finished(page, 1);
  expect(seen.problems).toEqual([]);
});

test('a save that fails keeps the result in the page, and says so', async ({ page, tmpPath }) => {
  const path = await open(page, tmpPath, notebook([waiting()], {}));
  await withoutKernel(page);
  await press(page, 'Run');
  await finished(page, 1);
  await page.route(/\/api\/contents\/.*notebook\.ipynb/, route =>
    route.request().method() === 'PUT'
      ? route.fulfill({ status: 403, json: { message: 'Permission denied' } })
      : route.continue()
  );
  const saving = execute(page, 'docmanager:save').catch(() => undefined);
  await page.locator('.jp-Dialog').getByRole('button').last().click();
  await saving;
  await expect(outputs(page)).toContainText('in the page, not in the notebook’s file');
  await expect(outputs(page).locator('canvas').first()).toBeVisible();
  expect(bundles(await read(page, path))[0]).not.toHaveProperty(['image/png']);
});

interface Held {
  readonly listeners: number;
  readonly nodes: number;
  readonly heap: number;
}

/** What the page holds after its garbage was collected. */
async function held(cdp: CDPSession): Promise<Held> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const read = (name: string): number => metrics.find(metric => metric.name === name)!.value;
  return { listeners: read('JSEventListeners'), nodes: read('Nodes'), heap: read('JSHeapUsedSize') };
}

test('fifty runs leave workers, listeners, nodes and heap as they were', async ({ page, tmpPath }) => {
  test.setTimeout(240_000);
  await open(page, tmpPath, notebook([waiting('head-scores', { batch: 1, length: 4 })], {}));
  await withoutKernel(page);
  await press(page, 'Run');
  await finished(page, 1);
  // Galata's page is a wrapper.
  const cdp = await page.context().newCDPSession(page.context().pages()[0]);
  await cdp.send('Performance.enable');
  const again = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const line = outputs(page).locator('.jp-orrery-provenance dl');
      const before = await line.textContent();
      await press(page, 'Run again');
      await expect(line).not.toHaveText(before!);
    }
  };
  // What the first runs leave is made once: the plot's own parts, caches.
  await again(10);
  const after = [await held(cdp)];
  for (let ten = 0; ten < 5; ten++) {
    await again(10);
    after.push(await held(cdp));
  }
  expect(modelWorkers(page)).toHaveLength(1);
  // What leaks grows in every ten runs; what is made once, in one of them. Each run draws some 300 nodes and 60 listeners
  // anew and has a result of some 100 kB with its picture: what one run in ten left would exceed these.
  const least = (of: (one: Held) => number): number =>
    Math.min(...after.slice(1).map((one, i) => of(one) - of(after[i])));
  expect(least(({ listeners }) => listeners)).toBeLessThan(20);
  expect(least(({ nodes }) => nodes)).toBeLessThan(300);
  expect(least(({ heap }) => heap)).toBeLessThan(0.8e6);
});
