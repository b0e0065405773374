import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';

import { MIME_TYPE, bundles, execute, expect, finished, kernelReady, outputs, read, test } from '../lab';

const MODEL = join(__dirname, '../../test/fixtures/models/gpt2-hub');
const TEXT = 'the cat sat on the mat';

const picker = (page: Page): Locator => page.getByRole('dialog', { name: 'Analyse a model' });
const violations = async (page: Page, selector: string): Promise<string[]> => {
  const { violations: found } = await new AxeBuilder({ page }).include(selector).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
};
/** The first save of a new notebook asks for a name. */
const saveUnderItsName = async (page: Page): Promise<void> => {
  const saved = execute(page, 'docmanager:save');
  await page.locator('.jp-Dialog').getByRole('button', { name: 'Rename and Save' }).click();
  await saved;
};
const ours = (data: Readonly<Record<string, unknown>>) => data[MIME_TYPE] as { spec: object; result: object };

for (const theme of ['JupyterLab Light', 'JupyterLab Dark']) {
  test.describe(theme, () => {
    test.use({ mockSettings: { '@jupyterlab/apputils-extension:themes': { theme } } });

    test('no code: from a file to a saved figure that its cell gives again, and a picture', async ({
      page,
      tmpPath,
      seen
    }) => {
      for (const name of ['model.onnx', 'tokenizer.json', 'tokenizer_config.json']) {
        await page.contents.uploadFile(join(MODEL, name), `${tmpPath}/${name}`);
      }
      await execute(page, 'filebrowser:refresh');
      await page.locator('.jp-DirListing-item', { hasText: 'model.onnx' }).dblclick();
      const analyse = page.getByRole('button', { name: 'Analyse…', exact: true });
      await analyse.focus();
      await page.keyboard.press('Enter');

      await expect(picker(page)).toBeVisible();
      await expect(page.getByLabel('Search analyses')).toBeFocused();
      await page.keyboard.type('logit lens');
      await expect(
        picker(page).getByRole('listbox', { name: 'Analyses' }).getByRole('option', { selected: true })
      ).toContainText('Logit lens');
      const top = picker(page).getByLabel('Tokens a cell');
      await top.fill('999');
      await expect(picker(page)).toContainText('Must be an integer from 1 to 20, got 999');
      await expect(picker(page).getByRole('button', { name: 'Insert and run' })).toBeDisabled();
      await top.fill('4');
      await picker(page).getByLabel('Text', { exact: true }).fill(TEXT);
      await expect(picker(page)).toContainText('1 forward');
      await expect(picker(page).locator('.jp-orrery-live-tokens')).toContainText(/\d+ tokens/);
      expect(await violations(page, '.jp-orrery-modal')).toEqual([]);
      await picker(page).getByRole('button', { name: 'Insert and run' }).click();

      await finished(page, 1);
      await saveUnderItsName(page);
      const path = `${tmpPath}/Untitled.ipynb`;
      const before = await read(page, path);
      expect(before.cells).toHaveLength(1);
      expect(before.cells[0].source).toContain(`model.logit_lens(text="${TEXT}", top_k=4)`);
      const [first] = bundles(before);
      expect(first).toHaveProperty(['image/png']);
      expect(ours(first).spec).toMatchObject({ text: TEXT, topK: 4 });

      await kernelReady(page);
      await execute(page, 'notebook:run-all-cells');
      await expect(page.locator('.jp-InputPrompt').first()).toHaveText('[1]:');
      await finished(page, 1);
      await execute(page, 'docmanager:save');
      const [again] = bundles(await read(page, path));
      expect(ours(again).spec).toEqual(ours(first).spec);
      expect(ours(again).result).toEqual(ours(first).result);

      await outputs(page).getByRole('button', { name: 'Export' }).click();
      const download = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: /PNG/ }).click();
      const picture = readFileSync(await (await download).path());
      expect(picture.subarray(1, 4).toString()).toBe('PNG');
      expect(seen.problems).toEqual([]);
    });
  });
}

test('the picker says why a model cannot serve an analysis, and Esc leaves everything as it was', async ({ page }) => {
  await execute(page, 'docmanager:open', { path: 'models/bert-hub/model.onnx' });
  await page.getByRole('button', { name: 'Analyse…', exact: true }).click();
  const refused = picker(page).locator('.jp-orrery-option.jp-mod-refused').first();
  await expect(refused.locator('.jp-orrery-option-why')).not.toBeEmpty();
  await refused.click();
  await expect(picker(page).getByRole('alert')).toContainText('This model cannot serve it');
  await expect(picker(page).getByRole('button', { name: 'Insert and run' })).toBeDisabled();
  await page.keyboard.press('Escape');
  await expect(picker(page)).toHaveCount(0);
  await expect(outputs(page)).toHaveCount(0);
  await expect(page.locator('.jp-NotebookPanel')).toHaveCount(0);
});

test('what was entered for one analysis is there for the next', async ({ page }) => {
  await execute(page, 'docmanager:open', { path: 'models/gpt2-hub/model.onnx' });
  await page.getByRole('button', { name: 'Analyse…', exact: true }).click();
  await picker(page).getByLabel('Text', { exact: true }).fill(TEXT);
  await page.getByLabel('Search analyses').fill('entropy');
  const analyses = picker(page).getByRole('listbox', { name: 'Analyses' });
  await expect(analyses.getByRole('option', { selected: true })).toContainText('Attention entropy');
  await expect(picker(page).getByLabel('Text', { exact: true })).toHaveValue(TEXT);
});

test('a part of the picture fills the form', async ({ page }) => {
  await execute(page, 'docmanager:open', { path: 'models/gpt2-hub/model.onnx' });
  await page.getByRole('gridcell', { name: 'Head 2 of layer 1' }).click();
  await page.getByRole('button', { name: 'Analyse this…' }).click();
  await expect(picker(page).getByRole('textbox', { name: 'Layers' })).toHaveValue('1');
  await expect(picker(page).getByRole('textbox', { name: 'Heads' })).toHaveValue('2');
});
