import type { Page } from '@playwright/test';

import {
  MIME_TYPE,
  bundles,
  code,
  execute,
  expect,
  finished,
  kernelReady,
  notebook,
  open,
  outputs,
  payload,
  read,
  runAll,
  save,
  specOutput,
  test,
  watch,
  withoutKernel
} from '../lab';

const TEXT = 'the cat sat on the mat';
const ECHO = { kernelspec: { name: 'echo', display_name: 'Echo', language: 'echo' }, language_info: { name: 'echo' } };

test('a kernel of another language emits a spec, which runs', async ({ page, tmpPath }) => {
  const path = await open(page, tmpPath, notebook([code(JSON.stringify(payload({ text: TEXT })))], ECHO));
  await runAll(page);
  await finished(page, 1);
  const [data] = bundles(await save(page, path));
  expect(data).toHaveProperty(['image/png']);
});

test('a saved spec runs in a notebook without a kernel', async ({ page, tmpPath }) => {
  const path = await open(page, tmpPath, notebook([code('1', [specOutput(payload({ text: TEXT }))])], {}));
  await withoutKernel(page);
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  expect(bundles(await save(page, path))[0]).toHaveProperty(['image/png']);
});

test.describe('dark', () => {
  test.use({ mockSettings: { '@jupyterlab/apputils-extension:themes': { theme: 'JupyterLab Dark' } } });

  test('figures follow the theme, saved pictures stay light', async ({ page, tmpPath }) => {
    await expect(page.locator('body')).toHaveAttribute('data-jp-theme-light', 'false');
    const path = await open(page, tmpPath, notebook([code('1', [specOutput(payload({ text: TEXT }))])]));
    await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
    await finished(page, 1);
    const dark = await picture(page);
    const [{ 'image/png': saved }] = bundles(await save(page, path));
    await execute(page, 'apputils:change-theme', { theme: 'JupyterLab Light' });
    await expect(page.locator('body')).toHaveAttribute('data-jp-theme-light', 'true');
    await expect.poll(() => picture(page)).not.toBe(dark);
    await outputs(page).getByRole('button', { name: 'Run again' }).click();
    await expect(outputs(page).getByRole('progressbar')).toHaveCount(0);
    await finished(page, 1);
    expect(bundles(await save(page, path))[0]['image/png']).toBe(saved);
  });
});

/** The first canvas as a PNG. */
const picture = (page: Page): Promise<string> =>
  outputs(page)
    .locator('canvas')
    .first()
    .evaluate(canvas => (canvas as HTMLCanvasElement).toDataURL());

// Galata's page waits for JupyterLab; this one is Playwright's own.
test('Notebook 7 draws, runs and saves', async ({ browser, baseURL, request }) => {
  const path = 'notebook-7.ipynb';
  const source = `import jupyterlab_orrery as orrery\norrery.load("models/gpt2-hub").logit_lens("${TEXT}")`;
  const model = { type: 'notebook', format: 'json', content: notebook([code(source)]) };
  await request.put(`/api/contents/${path}`, { data: model });
  const page = await browser.newPage({ ...(baseURL === undefined ? {} : { baseURL }) });
  const seen = watch(page);
  await page.goto(`/notebooks/${path}`);
  await page.locator('.jp-Notebook .jp-CodeCell').waitFor();
  await kernelReady(page);
  await execute(page, 'notebook:run-all-cells');
  await finished(page, 1);
  await execute(page, 'docmanager:save');
  await expect.poll(async () => bundles(await read(page, path)).map(data => 'image/png' in data)).toEqual([true]);
  expect(bundles(await read(page, path))[0]).toHaveProperty([MIME_TYPE]);
  expect(seen.problems).toEqual([]);
  await page.close();
});

test('Notebook 7: the way without code, from the toolbar to a saved figure', async ({ browser, baseURL, request }) => {
  const path = 'notebook-7-walk.ipynb';
  await request.put(`/api/contents/${path}`, {
    data: { type: 'notebook', format: 'json', content: notebook([code('')]) }
  });
  const page = await browser.newPage({ ...(baseURL === undefined ? {} : { baseURL }) });
  const seen = watch(page);
  await page.goto(`/notebooks/${path}`);
  await page.locator('.jp-Notebook .jp-CodeCell').waitFor();
  await kernelReady(page);
  await page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="orrery-analyse"] jp-button').click();
  const picker = page.getByRole('dialog', { name: 'Analyse a model' });
  await picker.getByLabel('Model', { exact: true }).fill('models/gpt2-hub');
  await page.keyboard.press('Tab');
  await picker.getByRole('button', { name: 'Open model' }).click();
  await expect(picker).toContainText(/open, .* of memory/, { timeout: 60_000 });
  await expect(picker.getByRole('listbox').getByRole('option', { selected: true })).toContainText(/1 forward/);
  await picker.getByRole('gridcell', { name: 'Layer 1, head 2' }).click();
  await picker.getByRole('textbox', { name: 'Text', exact: true }).fill(TEXT);
  await picker.getByRole('button', { name: 'Insert and run' }).click();
  await finished(page, 1);
  await expect(outputs(page).getByRole('grid')).toHaveAttribute('aria-colcount', '1');
  await execute(page, 'docmanager:save');
  await expect.poll(async () => bundles(await read(page, path)).map(data => 'image/png' in data)).toEqual([true]);
  const saved = await read(page, path);
  expect(saved.cells).toHaveLength(1);
  expect(saved.cells[0].source).toContain('model.attention_patterns(');
  expect(seen.problems).toEqual([]);
  await page.close();
});

test('Notebook 7: an output’s tools', async ({ browser, baseURL, request }) => {
  const path = 'notebook-7-tools.ipynb';
  const lens = (text: string) => code('', [specOutput(payload({ text }, 'logit-lens', 'models/gpt2-hub'))]);
  await request.put(`/api/contents/${path}`, {
    data: { type: 'notebook', format: 'json', content: notebook([lens('the cat sat'), lens('the cbt sat')]) }
  });
  const page = await browser.newPage({ ...(baseURL === undefined ? {} : { baseURL }) });
  const seen = watch(page);
  await page.goto(`/notebooks/${path}`);
  await page.locator('.jp-Notebook .jp-CodeCell').first().waitFor();
  await kernelReady(page);
  for (const at of [0, 1]) {
    await outputs(page).nth(at).getByRole('button', { name: 'Run', exact: true }).click();
    await finished(page, at + 1);
  }
  const first = outputs(page).first();
  await first.getByRole('button', { name: 'Compare with' }).click();
  await page.getByRole('menuitem', { name: /^Cell 2/ }).click();
  await expect(first.getByRole('group', { name: 'Comparison' })).toContainText('Difference: Logit lens');
  await first.getByRole('button', { name: 'Close the comparison' }).click();
  await first.getByRole('button', { name: 'Try a text…' }).click();
  await first.getByRole('textbox', { name: 'Text to try' }).fill('a mat');
  await expect(first.locator('thead th')).toHaveCount(6);
  await first.getByRole('button', { name: 'Keep', exact: true }).click();
  await first.getByRole('separator', { name: 'Height of the figures' }).focus();
  await page.keyboard.press('PageUp');
  // What is kept enters the notebook once its picture is drawn.
  await expect(async () => {
    await execute(page, 'docmanager:save');
    expect(bundles(await read(page, path))[0][MIME_TYPE]).toMatchObject({ spec: { text: 'a mat' } });
  }).toPass({ timeout: 30_000 });
  const [saved] = (await read(page, path)).cells[0].outputs!;
  expect(saved.metadata).toHaveProperty([MIME_TYPE, 'height']);
  // Its window has no tabs.
  await expect(first.getByRole('button', { name: 'Open in a tab' })).toHaveCount(0);
  expect(seen.problems).toEqual([]);
  await page.close();
});

test('Notebook 7: a model is a document, its analyses go to a notebook’s page, and the settings are the same', async ({
  browser,
  baseURL,
  request
}) => {
  const context = await browser.newContext({ ...(baseURL === undefined ? {} : { baseURL }) });
  const files = await context.newPage();
  await files.goto('/tree/models/gpt2-hub');
  const opened = context.waitForEvent('page');
  await files.getByText('model.onnx', { exact: true }).dblclick();
  const model = await opened;
  const seen = watch(model);
  await expect(model).toHaveURL(/\/edit\/models\/gpt2-hub\/model\.onnx/);
  await expect(model.getByText(/certificate: \d+ of \d+ identities hold/)).toBeVisible({ timeout: 60_000 });
  const made = context.waitForEvent('page');
  await model.getByRole('button', { name: 'Analyse…' }).click();
  const sheet = await made;
  await expect(model.getByRole('dialog')).toContainText('asks for the analysis of ‘model.onnx’');
  // The new page asks by itself, with the model that was meant.
  const picker = sheet.getByRole('dialog', { name: 'Analyse a model' });
  await expect(picker.getByLabel('Model', { exact: true })).toHaveValue('model.onnx');
  await picker.getByRole('textbox', { name: 'Text', exact: true }).fill(TEXT);
  await picker.getByRole('button', { name: 'Insert and run' }).click();
  await finished(sheet, 1);
  await expect(outputs(sheet).locator('canvas').first()).toBeVisible();

  await execute(files, 'settingeditor:open', { query: 'orrery' });
  const digits = files.locator('[id$="_digits"]').last();
  await digits.fill('3');
  const kept = async (): Promise<string> => (await request.get('/lab/api/settings/jupyterlab-orrery:models')).text();
  await expect.poll(kept).toContain('\\"digits\\": 3');
  await request.put('/lab/api/settings/jupyterlab-orrery:models', { data: { raw: '{}' } });
  // Each page shows one document, and opens its models itself.
  await expect(files.getByRole('region', { name: 'ONNX Models' })).toHaveCount(0);
  expect(seen.problems).toEqual([]);
  await context.close();
});

test('a command inserts an analysis without a kernel, and runs it', async ({ page, tmpPath }) => {
  const path = await open(page, tmpPath, notebook([code('1')], {}));
  await withoutKernel(page);
  await execute(page, 'jupyterlab-orrery:insert-analysis', {
    analysis: 'logit-lens',
    model: '../models/gpt2-hub',
    spec: { text: TEXT }
  });
  await finished(page, 1);
  const saved = await save(page, path);
  expect(saved.cells).toHaveLength(2);
  expect(bundles(saved)[0]).toHaveProperty(['image/png']);
});
