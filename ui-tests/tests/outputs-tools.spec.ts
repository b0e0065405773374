import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import {
  MIME_TYPE,
  bundles,
  code,
  countRuns,
  execute,
  expect,
  finished,
  kernelReady,
  notebook,
  open,
  outputs,
  payload,
  reopen,
  runAll,
  save,
  specOutput,
  test,
  withoutKernel
} from '../lab';

const lens = (text: string) => code('', [specOutput(payload({ text }, 'logit-lens'))]);

/** A notebook of lenses that have run. */
async function lenses(page: Parameters<typeof open>[0], folder: string, texts: readonly string[]): Promise<string> {
  const path = await open(page, folder, notebook(texts.map(lens), {}));
  await withoutKernel(page);
  for (let i = 0; i < texts.length; i++) {
    await outputs(page).getByRole('button', { name: 'Run', exact: true }).first().click();
    await finished(page, i + 1);
  }
  return path;
}

const audit = async (page: Page, part: string): Promise<string[]> => {
  const { violations } = await new AxeBuilder({ page }).include(part).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
};

test('a height is saved with the output, and given back', async ({ page, tmpPath }) => {
  const path = await lenses(page, tmpPath, ['the cat sat']);
  const edge = outputs(page).getByRole('separator', { name: 'Height of the figures' });
  await edge.focus();
  await page.keyboard.press('PageUp');
  const saved = await save(page, path);
  const { height } = saved.cells[0].outputs![0].metadata![MIME_TYPE] as { height: number };
  expect(height).toBeGreaterThanOrEqual(80);
  await reopen(page, path);
  await withoutKernel(page);
  await expect(outputs(page).locator('.jp-orrery-body')).toHaveCSS('height', `${height}px`);
  await outputs(page).getByRole('button', { name: 'Run again' }).click();
  await expect(outputs(page).getByRole('progressbar')).toHaveCount(0);
  await finished(page, 1);
  expect((await save(page, path)).cells[0].outputs![0].metadata).toHaveProperty([MIME_TYPE, 'height'], height);
  await outputs(page).getByRole('separator', { name: 'Height of the figures' }).dblclick();
  expect((await save(page, path)).cells[0].outputs![0].metadata).not.toHaveProperty([MIME_TYPE]);
});

test('the figures follow a text, and the output changes when it is kept', async ({ page, tmpPath, seen }) => {
  const path = await lenses(page, tmpPath, ['the cat sat']);
  await outputs(page).getByRole('button', { name: 'Try a text…' }).click();
  const text = outputs(page).getByRole('textbox', { name: 'Text to try' });
  await text.fill('a mat');
  // A tokenizer of bytes: five tokens, where there were eight.
  await expect(outputs(page).locator('thead th')).toHaveCount(6);
  expect(await audit(page, '.jp-orrery-output')).toEqual([]);
  await expect(page.locator('.jp-mod-current .jp-mod-dirty')).toHaveCount(0);
  await outputs(page).getByRole('button', { name: 'Keep', exact: true }).click();
  await expect(text).toHaveCount(0);
  const [data] = bundles(await save(page, path));
  expect(data[MIME_TYPE]).toMatchObject({ spec: { text: 'a mat' } });
  expect(seen.problems).toEqual([]);
});

test('two outputs are compared side by side; the form and the comparison have no fault of access', async ({
  page,
  tmpPath,
  seen
}) => {
  await lenses(page, tmpPath, ['the cat sat', 'the cbt sat']);
  await outputs(page).first().getByRole('button', { name: 'Compare with' }).click();
  await page.getByRole('menuitem', { name: /^Cell 2/ }).click();
  const panel = outputs(page).first().getByRole('group', { name: 'Comparison' });
  await expect(panel.locator('table')).toHaveCount(3);
  await expect(panel).toContainText('Difference: Logit lens');
  await expect(panel.locator('table').nth(2)).toContainText('→');
  expect(await audit(page, '.jp-orrery-output')).toEqual([]);
  await panel.getByRole('button', { name: 'Close the comparison' }).click();

  await outputs(page).first().getByRole('button', { name: 'Edit…' }).click();
  await expect(page.getByRole('dialog', { name: 'Edit the analysis' })).toBeVisible();
  expect(await audit(page, '[role=dialog], dialog')).toEqual([]);
  await page.keyboard.press('Escape');
  expect(seen.problems).toEqual([]);
});

test('a tab shows the same output, and the two run once', async ({ page, tmpPath }) => {
  const runs = await countRuns(page);
  await lenses(page, tmpPath, ['the cat sat']);
  await outputs(page).getByRole('button', { name: 'Open in a tab' }).click();
  await expect(outputs(page)).toHaveCount(2);
  await expect(outputs(page).nth(1).locator('table')).toBeVisible();
  expect(await runs()).toBe(1);
  await outputs(page).nth(1).getByRole('button', { name: 'Run again' }).click();
  await expect.poll(runs).toBe(2);
  await expect(outputs(page).getByRole('progressbar')).toHaveCount(0);
  await finished(page, 2);
  expect(await runs()).toBe(2);
});

test('two views of a notebook show one run, by itself once and again on a click', async ({ page, tmpPath, seen }) => {
  const runs = await countRuns(page);
  const emits = `import json\nfrom IPython.display import display\n`;
  const spec = JSON.stringify({ [MIME_TYPE]: payload({ text: 'the cat sat' }, 'logit-lens'), 'text/plain': 'spec' });
  const path = await open(
    page,
    tmpPath,
    notebook([code(`${emits}display(json.loads(${JSON.stringify(spec)}), raw=True)`)])
  );
  await kernelReady(page);
  await execute(page, 'docmanager:clone');
  await expect(page.locator('.jp-NotebookPanel')).toHaveCount(2);
  await runAll(page);
  await finished(page, 2);
  await expect(outputs(page).nth(0).locator('table').first()).toBeAttached();
  await expect(outputs(page).nth(1).locator('table').first()).toBeAttached();
  expect(await runs()).toBe(1);
  await outputs(page).nth(1).getByRole('button', { name: 'Run again' }).click();
  await expect.poll(runs).toBe(2);
  await expect(outputs(page).getByRole('progressbar')).toHaveCount(0);
  await finished(page, 2);
  expect(await runs()).toBe(2);
  expect(bundles(await save(page, path))).toHaveLength(1);
  expect(seen.problems).toEqual([]);
});
