import { readFileSync } from 'node:fs';

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import {
  MIME_TYPE,
  TINY,
  bundles,
  code,
  execute,
  expect,
  finished,
  notebook,
  open,
  outputs,
  save,
  specOutput,
  payload,
  test,
  withoutKernel
} from '../lab';

const TEXT = 'the cat sat on the mat';
const OTHER = '../models/induction-2l';
const specOf = (data: Readonly<Record<string, unknown>>) => (data[MIME_TYPE] as { spec: { text: string } }).spec;

/** A notebook whose one output holds a logit lens. */
const lens = async (page: Parameters<typeof open>[0], folder: string): Promise<string> => {
  const path = await open(page, folder, notebook([code('1', [specOutput(payload({ text: TEXT }, 'logit-lens'))])], {}));
  await withoutKernel(page);
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  return path;
};

const choose = async (page: Page, menu: string, item: RegExp): Promise<void> => {
  await outputs(page).getByRole('button', { name: menu }).click();
  await page.getByRole('menuitem', { name: item }).click();
};

test('an output is exported as picture, numbers and page, and copied as code', async ({
  page,
  tmpPath,
  context,
  seen
}) => {
  await lens(page, tmpPath);
  const files: string[] = [];
  for (const item of [/PNG/, /CSV/, /HTML/, /SVG, atlases and tables as pictures inside/]) {
    const download = page.waitForEvent('download');
    await choose(page, 'Export', item);
    files.push(await (await download).path());
  }
  const [png, csv, html, svg] = files.map(file => readFileSync(file));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect(csv.toString()).toMatch(/^layer,/);
  expect(html.toString()).toContain('<h1>Logit lens</h1>');
  expect(html.toString()).not.toMatch(/<script|https?:/);
  expect(svg.toString()).toMatch(/^<svg .*picture of pixels \(PNG\) inside an SVG.*href="data:image\/png;base64,/);

  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  await choose(page, 'Copy', /Python/);
  await expect(outputs(page)).toContainText('Python copied');
  expect(await clipboard()).toContain(`orrery.load("${TINY}")\nmodel.logit_lens(text="${TEXT}")`);
  await choose(page, 'Copy', /to run/);
  expect(JSON.parse(await clipboard())).toMatchObject({ analysis: 'logit-lens', model: { path: TINY }, seed: 0 });

  await outputs(page).locator('.jp-orrery-provenance summary').click();
  await expect(outputs(page)).toContainText(/onnxruntime-web .*, 1 thread/);
  const audit = await new AxeBuilder({ page }).include('.jp-orrery-output').analyze();
  expect(audit.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
  expect(seen.problems).toEqual([]);
});

test('the toolbar is worked by keyboard alone', async ({ page, tmpPath }) => {
  await lens(page, tmpPath);
  const exporter = outputs(page).getByRole('button', { name: 'Export' });
  await exporter.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: /PNG/ })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(exporter).toBeFocused();
  await expect(page.getByRole('menu')).toHaveCount(0);
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const download = page.waitForEvent('download');
  await page.keyboard.press('Enter');
  expect((await download).suggestedFilename()).toBe('logit-lens.csv');
});

test('editing runs the new spec, keeps the earlier result until then, and the cell follows', async ({
  page,
  tmpPath
}) => {
  const path = await open(page, tmpPath, notebook([code('')], {}));
  await withoutKernel(page);
  const source = `import jupyterlab_orrery as orrery\n\nmodel = orrery.load("${TINY}")\nmodel.logit_lens(text="${TEXT}")`;
  await execute(page, 'jupyterlab-orrery:insert-analysis', {
    analysis: 'logit-lens',
    model: TINY,
    spec: { text: TEXT }
  });
  await finished(page, 1);
  await page.evaluate(text => {
    const { shell } = (window as unknown as { jupyterapp: { shell: { currentWidget: unknown } } }).jupyterapp;
    const { content } = shell.currentWidget as {
      content: { activeCell: { model: { sharedModel: { setSource(text: string): void } } } };
    };
    content.activeCell.model.sharedModel.setSource(text);
  }, source);
  await outputs(page).getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit the analysis' });
  await dialog.getByLabel('Text', { exact: true }).fill('a mat');
  await dialog.getByRole('button', { name: 'Run' }).click();
  await expect(outputs(page).locator('table').first()).toBeVisible();
  await finished(page, 1);
  await expect.poll(async () => specOf(bundles(await save(page, path))[0]).text).toBe('a mat');
  const saved = await save(page, path);
  expect(saved.cells[0].source).toContain('model.logit_lens(text="a mat")');

  await outputs(page).getByRole('button', { name: 'Edit…' }).click();
  await page.keyboard.press('Escape');
  expect(specOf(bundles(await save(page, path))[0]).text).toBe('a mat');

  await outputs(page).getByRole('button', { name: 'Edit…' }).click();
  const model = dialog.getByLabel('Model', { exact: true });
  await expect(model).toHaveValue(TINY);
  await model.fill(OTHER);
  await model.press('Tab');
  await dialog.getByRole('button', { name: 'Open model' }).click();
  await expect(dialog.getByRole('status').filter({ hasText: 'of memory' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Run' }).click();
  await expect
    .poll(async () => bundles(await save(page, path))[0][MIME_TYPE])
    .toMatchObject({ model: { path: OTHER } });
  expect((await save(page, path)).cells[0].source).toContain(`orrery.load("${OTHER}")`);
});
