import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { code, execute, expect, finished, notebook, open, outputs, specOutput, test, withoutKernel } from '../lab';

/** Of every kind of figure: atlas, table, bars and maps, curves, forest, card. */
const KINDS = [
  'attention-patterns',
  'logit-lens',
  'direct-logit-attribution',
  'weight-spectra',
  'causal-tracing',
  'model-card'
];
const MODEL = 'models/induction-2l';

/** What axe-core finds in the parts that match, each once. */
async function faults(page: Page, selector: string): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).include(selector).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

for (const theme of ['JupyterLab Light', 'JupyterLab Dark', 'JupyterLab Dark High Contrast']) {
  test.describe(theme, () => {
    test.use({ mockSettings: { '@jupyterlab/apputils-extension:themes': { theme } } });

    test('figures have no fault of access', async ({ page, tmpPath, seen }) => {
      test.slow();
      await expect(page.locator('body')).toHaveAttribute('data-jp-theme-name', theme);
      const cells = KINDS.map(analysis =>
        code('', [specOutput({ analysis, model: { path: `../${MODEL}` }, seed: 0, spec: {} })])
      );
      await open(page, tmpPath, notebook(cells, {}));
      await withoutKernel(page);
      for (const at of KINDS.keys()) {
        const output = outputs(page).nth(at);
        await output.scrollIntoViewIfNeeded();
        await output.getByRole('button', { name: /^(Run|Open model)$/ }).click();
        await finished(page, at + 1);
      }
      expect(await faults(page, '.jp-orrery-output')).toEqual([]);
      expect(seen.problems).toEqual([]);
    });

    test('document, dialog and panel have no fault of access', async ({ page, seen }) => {
      test.slow();
      await execute(page, 'docmanager:open', { path: `${MODEL}/model.onnx` });
      await page.getByRole('gridcell', { name: 'Head 2 of layer 1' }).click();
      await page.locator('.jp-orrery-token').first().waitFor();
      await page.getByRole('button', { name: 'Predict the next token' }).click();
      await page.getByRole('button', { name: 'Draw a token' }).click();
      await expect(page.getByRole('button', { name: 'Clear what was added' })).toBeVisible();
      expect(await faults(page, '.jp-orrery-document')).toEqual([]);

      await page.sidebar.openTab('jupyterlab-orrery:models');
      await expect(page.locator('.jp-orrery-models')).toContainText('induction-2l');
      expect(await faults(page, '.jp-orrery-models')).toEqual([]);

      await page.getByRole('button', { name: 'Analyse this…' }).click();
      await expect(page.getByRole('dialog', { name: 'Analyse a model' })).toContainText(/\d forward/);
      expect(await faults(page, '.jp-orrery-modal')).toEqual([]);
      await page.getByRole('textbox', { name: 'Layers' }).fill('x');
      await expect(page.getByRole('dialog')).toContainText('‘x’ is neither a number nor a range');
      expect(await faults(page, '.jp-orrery-modal')).toEqual([]);
      await page.getByLabel('Search analyses').fill('activation patching');
      await page.getByRole('button', { name: 'Enter prompts' }).click();
      await page.getByRole('textbox', { name: 'Clean' }).fill('the cat sat');
      await page.getByRole('textbox', { name: 'Corrupted' }).fill('the dog sat');
      await expect(page.locator('.jp-orrery-aligned').first()).toBeVisible();
      expect(await faults(page, '.jp-orrery-modal')).toEqual([]);
      await page.getByLabel('Search analyses').press('Escape');
      await page.keyboard.press('Escape');
      expect(seen.problems).toEqual([]);
    });

    test('what is closed, what failed and what is tried have no fault of access', async ({ page, tmpPath, seen }) => {
      test.slow();
      await execute(page, 'docmanager:open', { path: 'models/words.onnx' });
      await page.locator('.jp-orrery-document').getByRole('alert').waitFor();
      expect(await faults(page, '.jp-orrery-document')).toEqual([]);
      await page.sidebar.openTab('jupyterlab-orrery:models');

      const payload = { analysis: 'attention-patterns', model: { path: `../${MODEL}` }, seed: 0, spec: {} };
      const broken = { ...payload, model: { path: '../models/none' } };
      await open(page, tmpPath, notebook([code('', [specOutput(payload)]), code('', [specOutput(broken)])], {}));
      await withoutKernel(page);
      const [atlas, failed] = [outputs(page).first(), outputs(page).nth(1)];
      await atlas.getByRole('button', { name: 'Run', exact: true }).click();
      await finished(page, 1);
      await failed.getByRole('button', { name: 'Run', exact: true }).click();
      await failed.getByRole('alert').waitFor();
      await atlas.getByLabel('as lines').check();
      await atlas.getByRole('combobox', { name: 'Heads' }).selectOption({ index: 1 });
      await atlas.getByRole('grid').press('Enter');
      await atlas.getByRole('button', { name: 'Try a text…' }).click();
      await atlas.getByRole('textbox', { name: 'Text to try' }).fill('the cat sat');
      await expect(atlas.getByRole('button', { name: 'Keep', exact: true })).toBeEnabled();
      expect(await faults(page, '.jp-orrery-output')).toEqual([]);

      await page
        .locator('.jp-orrery-models')
        .getByRole('button', { name: /^Close / })
        .first()
        .click();
      await expect(page.locator('.jp-orrery-models')).toContainText('Forget');
      expect(await faults(page, '.jp-orrery-models')).toEqual([]);
      expect(seen.problems).toEqual([]);
    });
  });
}
