import { join } from 'node:path';

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { execute, expect, modelWorkers, test } from '../lab';

const MODEL = join(__dirname, '../../test/fixtures/models/gpt2-hub');

const cells = (page: Page) => page.locator('.jp-orrery-map').getByRole('gridcell');
const focused = (page: Page): Promise<string | null> =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? null);
/** Of the file on the server. */
const size = async (page: Page, path: string): Promise<number> =>
  ((await (await page.request.get(`/api/contents/${path}?content=0`)).json()) as { size: number }).size;

for (const theme of ['JupyterLab Light', 'JupyterLab Dark']) {
  test.describe(theme, () => {
    test.use({ mockSettings: { '@jupyterlab/apputils-extension:themes': { theme } } });

    test('a double click opens a model: picture, facts, certificate, tokens', async ({ page, seen, tmpPath }) => {
      for (const name of ['model.onnx', 'tokenizer.json', 'tokenizer_config.json']) {
        await page.contents.uploadFile(join(MODEL, name), `${tmpPath}/${name}`);
      }
      await execute(page, 'filebrowser:refresh');
      await page.locator('.jp-DirListing-item', { hasText: 'model.onnx' }).dblclick();
      const document = page.locator('.jp-orrery-document');
      await expect(document.getByRole('heading', { level: 2 })).toBeVisible();
      await expect(cells(page)).toHaveCount(1 + 2 * 9 + 2, { timeout: 60_000 });
      await expect(document).toContainText('decoder of 2 layers with 4 heads, width 32');
      const certificate = document.getByRole('table', { name: /Certificate: (\d+) of \1 identities hold/ });
      await expect(certificate).toContainText('Each query’s weights sum to 1');
      await expect(document.getByRole('table', { name: 'Facts' })).toContainText('tokenizer.json');
      await expect(document.getByRole('table', { name: 'Weights' }).last()).toContainText('transformer.wte.weight');
      expect(modelWorkers(page)).toHaveLength(1);

      await document.getByLabel('Text to split into tokens').fill('ab 🙂');
      await expect(document.locator('.jp-orrery-token bdi').first()).toHaveText('a');
      await expect(document.locator('.jp-orrery-token').first()).toContainText('0–1');

      const audit = await new AxeBuilder({ page }).include('.jp-orrery-document').analyze();
      expect(audit.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
      expect(seen.problems).toEqual([]);
    });
  });
}

test('the picture is walked by keyboard, and each part shows its hooks, weights and nodes', async ({ page }) => {
  await execute(page, 'docmanager:open', { path: 'models/gpt2-hub/model.onnx' });
  await cells(page).first().focus();
  expect(await focused(page)).toBe('Embedding');
  for (const [key, label] of [
    ['ArrowDown', 'Layer 0'],
    ['ArrowRight', 'Layer norm of layer 0 (ln1)'],
    ['End', 'MLP of layer 0'],
    ['ArrowDown', 'MLP of layer 1'],
    ['Home', 'Layer 1'],
    ['ArrowRight', 'Layer norm of layer 1 (ln1)'],
    ['ArrowRight', 'Attention of layer 1'],
    ['ArrowRight', 'Head 0 of layer 1']
  ]) {
    await page.keyboard.press(key);
    expect(await focused(page)).toBe(label);
  }
  const part = page.getByRole('region', { name: 'The chosen part' });
  await expect(part.getByRole('heading', { name: 'Head 0 of layer 1' })).toBeVisible();
  await expect(part).toContainText('blocks.1.attn.hook_pattern');
  await expect(part).toContainText('batch × head 4 × query_pos × key_pos');
  await expect(part).toContainText('transformer.h.1.attn.c_attn.weight, columns 32 to 63');
  await part.getByText('nodes of the graph').click();
  const operators = part.locator('.jp-orrery-node strong');
  await expect(operators.filter({ hasText: 'Softmax' })).toBeVisible();
  // The whole of the attention, its products too.
  expect(await operators.filter({ hasText: 'MatMul' }).count()).toBeGreaterThan(1);

  const find = page.getByRole('combobox', { name: 'Find' });
  await find.fill('transformer.h.0.mlp.c_fc');
  await find.press('Enter');
  await expect(part.getByRole('heading', { name: 'MLP of layer 0' })).toBeVisible();
  await expect(cells(page).and(page.locator('[aria-selected=true]'))).toHaveAccessibleName('MLP of layer 0');
});

test('closing gives the memory back, opening again works, and nothing is ever written', async ({ page }) => {
  const path = 'models/gpt2-hub/model.onnx';
  const before = await size(page, path);
  await execute(page, 'docmanager:open', { path });
  await expect(cells(page).first()).toBeVisible();
  await page.getByRole('button', { name: 'Close model' }).click();
  await expect(page.locator('.jp-orrery-document')).toContainText('its memory was given back');
  await expect.poll(() => modelWorkers(page).length).toBe(0);
  await page.getByRole('button', { name: 'Open model' }).click();
  await expect(cells(page).first()).toBeVisible();
  await page.keyboard.press('Control+s');
  await execute(page, 'docmanager:save').catch(() => undefined);
  await page
    .locator('.jp-Dialog')
    .getByRole('button')
    .last()
    .click({ timeout: 2000 })
    .catch(() => undefined);
  expect(await size(page, path)).toBe(before);
});

for (const [name, path, message] of [
  ['words', 'models/words.onnx', /words\.onnx/],
  ['a file that is cut off', 'models/cut.onnx', /cut\.onnx/]
] as const) {
  test(`${name} is refused in one sentence`, async ({ page }) => {
    await execute(page, 'docmanager:open', { path });
    const alert = page.locator('.jp-orrery-document').getByRole('alert');
    await expect(alert).toHaveText(message);
    await expect(page.getByRole('button', { name: 'Open model' })).toBeVisible();
  });
}

test('a model without a tokenizer says so', async ({ page }) => {
  await execute(page, 'docmanager:open', { path: 'models/no-tokenizer/model.onnx' });
  await expect(page.getByRole('region', { name: 'Tokenizer' })).toContainText('inputs are token ids');
});

test('the next token: probable ones, by temperature, drawn and taken', async ({ page, seen }) => {
  await execute(page, 'docmanager:open', { path: 'models/induction-2l/model.onnx' });
  const next = page.getByRole('region', { name: 'Next token' });
  await page.getByLabel('Text to split into tokens').fill('Captain Zimmerwald came home. Captain Z');
  await next.getByRole('button', { name: 'Predict the next token' }).click();
  const first = next.getByRole('listitem').first();
  await expect(first).toContainText('im');
  const before = await first.textContent();
  await next.getByRole('slider', { name: 'Temperature' }).press('Home');
  await expect(first).not.toHaveText(before!);
  await next.getByRole('slider', { name: 'Top-k' }).press('ArrowRight');
  await expect(next.getByRole('listitem')).toHaveCount(1);
  await expect(first).toContainText('100.0 %');
  await first.getByRole('button').click();
  await expect(next.locator('.jp-orrery-toolbar bdi')).toHaveText('im');
  await next.getByRole('button', { name: 'Draw a token' }).click();
  await expect(next.locator('.jp-orrery-toolbar bdi')).toHaveText(/^im.+/);
  expect(seen.problems).toEqual([]);
});
