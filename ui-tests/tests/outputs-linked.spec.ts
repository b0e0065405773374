import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { code, expect, finished, notebook, open, outputs, payload, specOutput, test, withoutKernel } from '../lab';

const TEXT = 'the cat sat on the mat';

/** Head scores, and the patterns of all heads. */
async function two(page: Parameters<typeof open>[0], folder: string): Promise<void> {
  const cells = [
    code('1', [specOutput(payload({ batch: 2, length: 8 }, 'head-scores'))]),
    code('2', [specOutput(payload({ text: TEXT }))])
  ];
  await open(page, folder, notebook(cells, {}));
  await withoutKernel(page);
  const run = outputs(page).getByRole('button', { name: 'Run', exact: true });
  await run.first().click();
  await run.first().click();
  await finished(page, 2);
  await expect(outputs(page).first().locator('.js-plotly-plot')).toBeVisible();
}

const outlines = (page: Page): Promise<string[]> =>
  outputs(page)
    .first()
    .locator('.js-plotly-plot .shapelayer path')
    .evaluateAll(paths => paths.map(path => (path as SVGElement).style.strokeDasharray));

test('a head that one output points at is marked in the others, by pointer and by keys', async ({
  page,
  tmpPath,
  seen
}) => {
  await two(page, tmpPath);
  const [scores, atlas] = [outputs(page).first(), outputs(page).nth(1)];
  const name = atlas.locator('.jp-orrery-atlas-name');

  await scores.getByRole('rowheader', { name: 'L1H2' }).hover();
  await expect(name).toContainText('L1H2');
  await expect.poll(async () => (await outlines(page)).length).toBe(6);
  expect((await outlines(page)).some(dash => dash !== '')).toBe(true);

  const plot = scores.locator('.js-plotly-plot').first();
  await plot.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(name).toContainText('L0H1');
  await expect(name).toContainText('kept');
  const bar = scores.locator('.jp-orrery-link-bar');
  await expect(bar).toContainText('layer 0, head 1');
  await expect(bar.getByRole('button', { name: 'Open its card' })).toBeVisible();
  await expect(scores.locator('tr.jp-mod-kept')).toContainText('L0H1');
  await scores.getByRole('rowheader', { name: 'L1H2' }).hover();
  await expect(name).toContainText('L0H1');
  const audit = await new AxeBuilder({ page }).include('.jp-orrery-output').analyze();
  expect(audit.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);

  await plot.focus();
  await page.keyboard.press('Escape');
  await expect(name).not.toContainText('kept');
  await expect(bar).toBeHidden();
  expect(seen.problems).toEqual([]);
});

/** L0H0 of the second output's atlas. */
const keepFirstHead = (page: Page): Promise<void> =>
  outputs(page)
    .nth(1)
    .locator('canvas')
    .first()
    .click({ position: { x: 5, y: 5 } });

test('a head that is kept opens its card below', async ({ page, tmpPath }) => {
  await two(page, tmpPath);
  await keepFirstHead(page);
  await outputs(page).nth(1).getByRole('button', { name: 'Open its card' }).click();
  await finished(page, 3);
  await expect(outputs(page).nth(2)).toContainText('Head L0H0');
});

test('a head that is kept is ablated below, beside the other parts of its layer', async ({ page, tmpPath }) => {
  await two(page, tmpPath);
  await keepFirstHead(page);
  await outputs(page).nth(1).getByRole('button', { name: 'Ablate it' }).click();
  await finished(page, 3);
  await expect(outputs(page).nth(2)).toContainText('Ablation (zero)');
  await expect(outputs(page).nth(2)).toContainText('L0H0');
});

test('what keys reach on a line is said and shown, though another point lies close', async ({ page, tmpPath }) => {
  await open(page, tmpPath, notebook([code('', [specOutput(payload({ text: TEXT }, 'attention-entropy'))])], {}));
  await withoutKernel(page);
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  const profile = outputs(page).locator('.jp-orrery-plotly').nth(1);
  await profile.locator('[tabindex="0"]').focus();
  for (const [key, layer] of [
    ['ArrowDown', 0],
    ['ArrowRight', 1]
  ] as const) {
    await page.keyboard.press(key);
    await expect(profile.getByRole('status')).toContainText(`first-token sink, layer ${layer}: +`);
    const said = (await profile.getByRole('status').textContent())!.split('+')[1];
    await expect(profile.locator('.hoverlayer text')).toHaveText(`mean: ${said}`);
  }
});

test('the value that is pointed at is copied; the causal mask is taken off', async ({ page, tmpPath, context }) => {
  await two(page, tmpPath);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  const [scores, atlas] = [outputs(page).first(), outputs(page).nth(1)];
  const plot = scores.locator('.js-plotly-plot').first();
  await plot.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await plot.locator('.heatmaplayer image').first().boundingBox())!;
  await page.mouse.move(x + 0.6 * width, y + 0.3 * height);
  await expect(plot.locator('.hoverlayer text').first()).toBeVisible();
  await page.mouse.down();
  await page.mouse.up();
  await expect(plot).toBeFocused();
  await page.keyboard.press('ControlOrMeta+c');
  await expect(scores.getByText(/^[-\d.e]+ copied\.$/)).toBeAttached();
  expect(Math.abs(Number(await copied()))).toBeLessThanOrEqual(1);

  const matrix = atlas.locator('.jp-orrery-matrix');
  const readout = atlas.locator('.jp-orrery-atlas-detail > .jp-orrery-readout');
  await matrix.focus();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ControlOrMeta+c');
  await expect(readout).toHaveText('1 copied.');
  expect(await copied()).toBe('1');
  await page.keyboard.press('ArrowRight');
  await expect(readout).toContainText('masked: the key comes later');
  await atlas.getByRole('checkbox', { name: 'Causal mask' }).uncheck();
  await matrix.focus();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowRight');
  await expect(readout).toContainText('weight 0.000');
});

test('fewer of a graph’s lines are drawn', async ({ page, tmpPath }) => {
  const prompts = [{ clean: TEXT, answer: { correct: ['a'], wrong: ['b'] } }];
  const asked = payload({ prompts, metric: 'logit-diff', pairs: 8 }, 'virtual-heads');
  await open(page, tmpPath, notebook([code('', [specOutput(asked)])], {}));
  await withoutKernel(page);
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  const graph = outputs(page).locator('figure', { hasText: 'Graph of the largest virtual heads' });
  const arrows = graph.locator('.scatterlayer path.point[d]:not([d="M0,0Z"])');
  const lines = graph.getByRole('slider', { name: 'Lines' });
  const ends = (count: number) =>
    expect
      .poll(() =>
        arrows.evaluateAll(all => all.filter(one => (one as SVGElement).getBoundingClientRect().width > 1).length)
      )
      .toBe(count);
  await ends(8);
  await lines.focus();
  await page.keyboard.press('Home');
  await ends(1);
  await expect(graph).toContainText('the largest 1 of 8');
});
