import AxeBuilder from '@axe-core/playwright';

import { execute, expect, modelWorkers, test } from '../lab';

const PATH = 'models/gpt2-hub/model.onnx';

test('the panel shows an open model, gives its memory back, and offers it again', async ({ page }) => {
  const panel = page.getByRole('region', { name: 'ONNX Models' });
  await execute(page, 'docmanager:open', { path: PATH });
  await expect(page.locator('.jp-orrery-map').getByRole('gridcell').first()).toBeVisible();
  await page.sidebar.openTab('jupyterlab-orrery:models');
  await expect(panel.getByRole('button', { name: PATH, exact: true })).toBeVisible();
  await expect(panel).toContainText(/MB of memory in all/);
  const audit = await new AxeBuilder({ page }).include('.jp-orrery-models').analyze();
  expect(audit.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);

  await panel.getByRole('button', { name: `Close ${PATH}` }).click();
  await expect.poll(() => modelWorkers(page).length).toBe(0);
  await expect(page.locator('.jp-orrery-document')).toContainText('its memory was given back');
  await page.locator('.lm-TabBar-tabCloseIcon').last().click();
  await expect(panel.getByRole('button', { name: `Forget ${PATH}` })).toBeVisible();
  await panel.getByRole('button', { name: PATH, exact: true }).click();
  await expect(page.locator('.jp-orrery-map').getByRole('gridcell').first()).toBeVisible();
  expect(modelWorkers(page)).toHaveLength(1);
});
