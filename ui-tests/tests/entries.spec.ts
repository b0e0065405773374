import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Locator, Page } from '@playwright/test';

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
  read,
  save,
  test,
  TINY
} from '../lab';

const MODEL = join(__dirname, '../../test/fixtures/models/gpt2-hub');

const picker = (page: Page): Locator => page.getByRole('dialog', { name: 'Analyse a model' });
const document = (page: Page): Locator => page.locator('.jp-orrery-document');
const cells = (page: Page): Locator => page.locator('.jp-orrery-map').getByRole('gridcell');

test('the picker opens from the palette, the notebook’s toolbar and a cell’s', async ({ page, tmpPath }) => {
  await open(page, tmpPath, notebook([code('1'), code('2')]));
  // The palette closes where a notebook takes the focus, as it does once it is there.
  await kernelReady(page);
  await expect(async () => {
    await execute(page, 'apputils:activate-command-palette');
    await page.locator('.lm-CommandPalette-input').fill('Insert an Analysis of an ONNX', { timeout: 2000 });
    await expect(page.locator('.lm-CommandPalette-item.lm-mod-active')).toContainText('Analysis', { timeout: 2000 });
    await page.keyboard.press('Enter');
    await expect(picker(page)).toBeVisible({ timeout: 3000 });
  }).toPass({ timeout: 40_000 });
  await page.keyboard.press('Escape');
  await expect(picker(page)).toHaveCount(0);

  await page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="orrery-analyse"] jp-button').click();
  await expect(picker(page)).toBeVisible();
  await page.keyboard.press('Escape');

  const second = page.locator('.jp-Notebook .jp-Cell').nth(1);
  await second.click();
  await second.locator('.jp-cell-toolbar [data-jp-item-name="orrery-analyse"] jp-button').click();
  await expect(picker(page)).toBeVisible();

  await picker(page).getByLabel('Model', { exact: true }).fill(TINY);
  await page.keyboard.press('Tab');
  await picker(page).getByRole('button', { name: 'Insert', exact: true }).click();
  await expect(outputs(page).getByRole('button', { name: 'Run', exact: true })).toBeVisible();
  await expect(page.locator('.jp-Notebook .jp-Cell').nth(2)).toContainText('attention_patterns');
  expect(modelWorkers(page)).toHaveLength(0);
});

test('a folder opens as a model, its tab bears the folder’s name, and one without a model says so', async ({
  page,
  tmpPath
}) => {
  const put = (path: string, data: object) => page.request.put(`/api/contents/${tmpPath}/${path}`, { data });
  for (const folder of ['empty', 'tiny', 'tiny/onnx']) {
    await put(folder, { type: 'directory' });
  }
  const content = readFileSync(join(MODEL, 'model.onnx')).toString('base64');
  await put('tiny/onnx/model.onnx', { type: 'file', format: 'base64', content });
  await execute(page, 'filebrowser:refresh');
  const item = (name: string): Locator => page.locator('.jp-DirListing-item', { hasText: name });
  await item('tiny').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Open as ONNX Model' }).click();
  await expect(cells(page)).toHaveCount(1 + 2 * 9 + 2, { timeout: 60_000 });
  await expect(page.locator('#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current')).toHaveText('tiny');
  const answer = await page.request.get(`/api/contents/${tmpPath}/tiny/onnx?content=1`);
  expect(JSON.stringify(await answer.json())).toContain('/model.onnx');

  await item('empty').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Open as ONNX Model' }).click();
  await expect(page.locator('.jp-Dialog')).toContainText('empty’ holds no .onnx file');
});

test('files of this computer are dropped on the panel, analysed, and go nowhere', async ({ page, tmpPath }) => {
  const sent: string[] = [];
  page.on('request', request => {
    if (['POST', 'PUT', 'PATCH'].includes(request.method()) && /contents/.test(request.url())) {
      sent.push((request.postData() ?? '').slice(0, 200_000));
    }
  });
  const path = await open(page, tmpPath, notebook([code('')]));
  await page.sidebar.openTab('jupyterlab-orrery:models');
  const files = ['model.onnx', 'tokenizer.json', 'tokenizer_config.json'].map(name => ({
    name,
    data: readFileSync(join(MODEL, name)).toString('base64')
  }));
  const transfer = await page.evaluateHandle(given => {
    const made = new DataTransfer();
    for (const { name, data } of given) {
      made.items.add(
        new File([Uint8Array.from(atob(data), letter => letter.charCodeAt(0))], name, { lastModified: 1 })
      );
    }
    return made;
  }, files);
  await page.locator('.jp-orrery-models').dispatchEvent('drop', { dataTransfer: transfer });
  await expect(cells(page)).toHaveCount(1 + 2 * 9 + 2, { timeout: 60_000 });
  await expect(document(page)).toContainText('read in this page, not uploaded');

  await document(page).getByRole('button', { name: 'Analyse…', exact: true }).click();
  await expect(picker(page)).toContainText('A file of this computer');
  await picker(page).getByRole('button', { name: 'Insert and run' }).click();
  await finished(page, 1);
  const [bundle] = bundles(await save(page, path));
  expect(JSON.stringify(bundle)).toMatch(/"model":\{"hash":"sha256:[0-9a-f]{64}"\}/);
  expect(modelWorkers(page)).toHaveLength(1);
  // What was sent are notebooks, and no model's bytes.
  expect(sent.filter(body => body.includes(files[0].data.slice(0, 200)))).toEqual([]);
  expect(bundles(await read(page, path))).toHaveLength(1);
  await expect(outputs(page)).toContainText('a dropped file');
});

test('a folder of this computer is dropped as it is, and the panel shows its model again', async ({ page }) => {
  await page.sidebar.openTab('jupyterlab-orrery:models');
  const panel = page.locator('.jp-orrery-models');
  const { x, y } = (await panel.boundingBox())!;
  // Galata's page is a wrapper.
  const session = await page.context().newCDPSession(page.context().pages()[0]);
  const drop = async (...files: string[]): Promise<void> => {
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      const data = { items: [], files, dragOperationsMask: 1 };
      await session.send('Input.dispatchDragEvent', { type, x: x + 40, y: y + 300, data });
    }
  };
  const folder = (name: string): string => join(__dirname, '../../test/fixtures/models', name);
  await drop(folder('gpt2-hub'), folder('bert-hub'));
  const dialog = page.locator('.jp-Dialog');
  await expect(dialog).toContainText('drop the one folder that holds the model');
  await page.keyboard.press('Escape');
  await drop(join(__dirname, '../tests'));
  await expect(dialog).toContainText("the folder 'tests' holds no .onnx file");
  await page.keyboard.press('Escape');

  await drop(folder('gpt2-hub'));
  await expect(cells(page)).toHaveCount(1 + 2 * 9 + 2, { timeout: 60_000 });
  await expect(page.getByRole('region', { name: 'Tokenizer' })).toContainText('tokens');
  await expect(page.locator('#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current')).toHaveText('gpt2-hub');
  await page.locator('#jp-main-dock-panel .lm-mod-current .lm-TabBar-tabCloseIcon').click();
  await expect(document(page)).toHaveCount(0);
  await panel.getByRole('button', { name: 'gpt2-hub', exact: true }).click();
  await expect(cells(page)).toHaveCount(1 + 2 * 9 + 2);
  expect(modelWorkers(page)).toHaveLength(1);
});

test('a large file shows its picture from the graph before its weights are there, and keeps the chosen part', async ({
  page,
  tmpPath
}) => {
  const graph = readFileSync(join(MODEL, 'model.onnx'));
  // A doc_string of 8 MB behind the graph: what a reader of ranges leaves out.
  const length = 2 ** 23;
  const padding = Buffer.alloc(length + 5, 0x20);
  padding.set([0x32, 0x80, 0x80, 0x80, 0x04]);
  const content = Buffer.concat([graph, padding]).toString('base64');
  const path = `${tmpPath}/large/model.onnx`;
  await page.request.put(`/api/contents/${tmpPath}/large`, { data: { type: 'directory' } });
  await page.request.put(`/api/contents/${path}`, { data: { type: 'file', format: 'base64', content } });
  let whole = (): void => undefined;
  const mayRead = new Promise<void>(resolve => (whole = resolve));
  await page.route(/\/files\/.*large\/model\.onnx/, async route => {
    if (!route.request().headers().range) {
      await mayRead;
    }
    await route.continue();
  });
  await execute(page, 'docmanager:open', { path });
  await expect(cells(page)).toHaveCount(1 + 2 * 9 + 2);
  await expect(document(page)).toContainText('Read from the graph alone');
  await page.getByRole('gridcell', { name: /Head 2 of layer 1/ }).click();
  await expect(page.getByRole('button', { name: 'Analyse this…' })).toHaveCount(0);
  whole();
  await expect(document(page)).toContainText(/certificate: (\d+) of \1 identities hold/, { timeout: 60_000 });
  await expect(page.getByRole('heading', { name: 'Head 2 of layer 1' })).toBeVisible();
  await expect(page.getByRole('gridcell', { name: 'Head 2 of layer 1' })).toBeFocused();
});

test('a part’s matrices show their singular values', async ({ page }) => {
  await execute(page, 'docmanager:open', { path: 'models/gpt2-hub/model.onnx' });
  await page.getByRole('gridcell', { name: 'MLP of layer 1' }).click();
  await page.getByRole('group', { name: 'Singular values' }).getByRole('button', { name: 'W_in' }).click();
  const figure = page.getByRole('figure', { name: /Singular values of W_in of layer 1: 32 × 64/ });
  await expect(figure.locator('.js-plotly-plot .scatterlayer path.js-line')).toHaveCount(1);
});
