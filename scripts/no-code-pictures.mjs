// The way without code, a picture a step: a model's document, the dialog, the cell with its figure. Used by pictures.mjs.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './environment.mjs';
import { execute } from './lab-server.mjs';

const MODEL = 'models/induction-2l/model.onnx';
const TEXT = 'Call me Ishmael. Call me';

/** Writes docs/images/no-code-1.png to -3.png, of the theme that the page has. */
export async function noCodePictures(page, folder) {
  await page.setViewportSize({ width: 1280, height: 760 });
  await execute(page, 'docmanager:open', { path: MODEL });
  await page.locator('.jp-orrery-map').getByRole('gridcell').first().waitFor();
  await page.getByRole('gridcell', { name: 'Head 2 of layer 1' }).click();
  await page.locator('.jp-orrery-token').first().waitFor();
  await take(page, join(folder, 'no-code-1.png'));
  await page.getByRole('button', { name: 'Analyse…', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Analyse a model' });
  await dialog.getByLabel('Text', { exact: true }).fill(TEXT);
  await dialog
    .getByRole('status')
    .filter({ hasText: /forward/ })
    .first()
    .waitFor();
  await take(page, join(folder, 'no-code-2.png'));
  await dialog.getByRole('button', { name: 'Insert and run' }).click();
  await page.getByRole('button', { name: 'Run again' }).last().waitFor();
  await page.locator('.jp-orrery-output').last().scrollIntoViewIfNeeded();
  await take(page, join(folder, 'no-code-3.png'));
}

async function take(page, path) {
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path, scale: 'css', animations: 'disabled' });
  say(`${path}: ${statSync(path).size} bytes`);
}
