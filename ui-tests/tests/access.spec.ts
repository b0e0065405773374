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
      expect(await faults(page, '.jp-orrery-document')).toEqual([]);

      await page.sidebar.openTab('jupyterlab-orrery:models');
      await expect(page.locator('.jp-orrery-models')).toContainText('induction-2l');
      expect(await faults(page, '.jp-orrery-models')).toEqual([]);

      await page.getByRole('button', { name: 'Analyse this…' }).click();
      await expect(page.getByRole('dialog', { name: 'Analyse a model' })).toContainText(/\d forward/);
      expect(await faults(page, '.jp-orrery-modal')).toEqual([]);
      expect(seen.problems).toEqual([]);
    });
  });
}
