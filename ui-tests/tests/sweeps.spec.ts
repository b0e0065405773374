import type { IJupyterLabPageFixture as Page } from '@jupyterlab/galata';

import {
  MIME_TYPE,
  TINY,
  bundles,
  code,
  expect,
  finished,
  notebook,
  open,
  outputs,
  reopen,
  save,
  specOutput,
  test
} from '../lab';

/** The tiny GPT-2 of the fixtures, with as many patches and prompts as take a browser some seconds. */
const LENGTH = 14;
const PROMPTS = 200;
const row = (salt: number): number[] => Array.from({ length: LENGTH }, (_, at) => (at * 7 + salt * 5 + 3) % 48);
const prompts = Array.from({ length: PROMPTS }, (_, at) => ({
  clean: row(at),
  corrupted: row(at + 11),
  answer: { correct: [1], wrong: [2] }
}));
const sweep = {
  analysis: 'activation-patching',
  model: { path: TINY },
  seed: 0,
  spec: { prompts, hook: 'pattern', by: 'head-and-position' }
};
const cells = /(\d+) of (\d+) cells are computed/;

interface Saved {
  readonly result: { readonly done: number; readonly values: { readonly shape: readonly number[] } };
}

const total = ({ result }: Saved): number => result.values.shape.reduce((product, size) => product * size, 1);
const saved = async (page: Page, path: string): Promise<Saved> =>
  bundles(await save(page, path)).map(data => data[MIME_TYPE] as Saved)[0];

const begun = async (page: Page, tmpPath: string): Promise<string> => {
  const path = await open(page, tmpPath, notebook([code('1', [specOutput(sweep)])]));
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await expect(outputs(page)).toContainText(cells, { timeout: 60_000 });
  await expect(outputs(page).locator('.js-plotly-plot')).toBeVisible();
  return path;
};

/** What is done is some, and what follows is all. */
const continued = async (page: Page, path: string, kept: Saved): Promise<void> => {
  expect(kept.result.done).toBeGreaterThan(0);
  expect(kept.result.done).toBeLessThan(total(kept));
  await outputs(page).getByRole('button', { name: 'Continue' }).click();
  await finished(page, 1);
  expect((await saved(page, path)).result.done).toBe(total(kept));
  await expect(outputs(page).getByRole('button', { name: 'Run again' })).toBeVisible();
  await expect(outputs(page)).not.toContainText(cells);
};

test('a sweep fills its map while one watches, is cancelled with what it has, and goes on from there', async ({
  page,
  tmpPath,
  seen
}) => {
  const path = await begun(page, tmpPath);
  await outputs(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(outputs(page)).toContainText('Cancelled: what was done is kept.');
  const kept = await saved(page, path);
  await reopen(page, path);
  await expect(outputs(page)).toContainText(`${kept.result.done} of ${total(kept)} cells are computed`);
  await continued(page, path, kept);
  expect(seen.problems).toEqual([]);
});

test('a sweep whose worker dies keeps what is done, and goes on from there in another', async ({ page, tmpPath }) => {
  const path = await begun(page, tmpPath);
  const [worker] = page.workers().filter(one => one.url().includes('model'));
  await worker.evaluate(() => {
    setTimeout(() => {
      throw new Error('killed');
    });
  });
  await expect(outputs(page).getByRole('alert')).toContainText(/the model's worker stopped .*What was done is kept/);
  await continued(page, path, await saved(page, path));
});
