import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Locator, Page } from '@playwright/test';

import { bundles, execute, expect, finished, kernelReady, outputs, read, test } from '../lab';

const MODEL = join(__dirname, '../../test/fixtures/models/gpt2-hub');
const TEXT = 'the cat sat on the mat the cat sat';

const picker = (page: Page): Locator => page.getByRole('dialog', { name: 'Analyse a model' });

/** Tab until what has the focus is this one; it has an outline that can be seen. */
async function tabTo(page: Page, target: Locator, most = 60): Promise<void> {
  for (let step = 0; step < most; step++) {
    await page.keyboard.press('Tab');
    if (await target.evaluate(node => node === document.activeElement)) {
      const { outlineStyle, boxShadow, borderColor } = await target.evaluate(node => {
        const { outlineStyle, boxShadow, borderColor } = getComputedStyle(node);
        return { outlineStyle, boxShadow, borderColor };
      });
      expect([outlineStyle, boxShadow, borderColor].join(), 'a focus that can be seen').not.toMatch(
        /^none,none,rgba?\(0/
      );
      return;
    }
  }
  throw new Error(`not reached by Tab: ${String(target)}`);
}

test('by keyboard alone: from the launcher to an exported figure', async ({ page, tmpPath, seen }) => {
  for (const name of ['model.onnx', 'tokenizer.json', 'tokenizer_config.json']) {
    await page.contents.uploadFile(join(MODEL, name), `${tmpPath}/${name}`);
  }
  await execute(page, 'filebrowser:refresh');
  await page.locator('.jp-Launcher').waitFor();
  // The mouse stays away from here on.
  await tabTo(page, page.locator('.jp-LauncherCard[title^="Python 3"]').first(), 80);
  await page.keyboard.press('Enter');
  await page.locator('.jp-Notebook .jp-CodeCell').waitFor();
  await kernelReady(page);
  await page.keyboard.press('Control+Shift+C');
  await page.locator('.lm-CommandPalette-input').waitFor();
  await page.keyboard.type('Insert an Analysis of an ONNX Model');
  await page.keyboard.press('Enter');

  await expect(page.getByLabel('Search analyses')).toBeFocused();
  await page.keyboard.type('attention patterns');
  // It is chosen from the beginning.
  await expect(picker(page).getByRole('listbox').getByRole('option', { selected: true })).toContainText(
    'Attention patterns'
  );
  const model = picker(page).getByRole('combobox', { name: 'Model', exact: true });
  await tabTo(page, model);
  await page.keyboard.type('model.onnx');
  await tabTo(page, picker(page).getByRole('button', { name: 'Open model' }), 4);
  await page.keyboard.press('Enter');
  await expect(picker(page)).toContainText(/open, .* of memory/, { timeout: 60_000 });
  const text = picker(page).getByRole('textbox', { name: 'Text', exact: true });
  await tabTo(page, text);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(TEXT);
  const head = picker(page).getByRole('grid', { name: 'Pick layers and heads' }).getByRole('gridcell').first();
  await tabTo(page, head, 6);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(picker(page).getByRole('textbox', { name: 'Layers' })).toHaveValue('1');
  await expect(picker(page).getByRole('textbox', { name: 'Heads' })).toHaveValue('1');
  await tabTo(page, picker(page).getByRole('button', { name: 'Insert and run' }), 12);
  await page.keyboard.press('Enter');

  await finished(page, 1);
  const grid = outputs(page).getByRole('grid');
  await tabTo(page, grid, 80);
  await page.keyboard.press('Enter');
  await expect(outputs(page).locator('.jp-orrery-atlas-name')).toHaveText('L1H1, kept');
  await tabTo(page, outputs(page).locator('.jp-orrery-matrix'), 4);
  await page.keyboard.press('Home');
  await expect(outputs(page).locator('.jp-orrery-atlas-detail > .jp-orrery-readout')).toContainText('weight');

  await tabTo(page, outputs(page).getByRole('button', { name: 'Export' }), 20);
  await page.keyboard.press('Enter');
  const download = page.waitForEvent('download');
  const png = page.getByRole('menuitem', { name: /PNG/ });
  for (let step = 0; step < 6 && !(await png.evaluate(node => node === document.activeElement)); step++) {
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
  expect(
    readFileSync(await (await download).path())
      .subarray(1, 4)
      .toString()
  ).toBe('PNG');

  const saved = execute(page, 'docmanager:save');
  await page.locator('.jp-Dialog').waitFor();
  await page.keyboard.press('Enter');
  await saved;
  expect(bundles(await read(page, `${tmpPath}/Untitled.ipynb`))[0]).toHaveProperty(['image/png']);
  expect(seen.problems).toEqual([]);
});
