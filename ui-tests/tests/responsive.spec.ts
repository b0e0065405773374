import { code, expect, finished, notebook, open, outputs, specOutput, test, withoutKernel } from '../lab';
import { longTasks } from '../long-tasks';

/** CPU milliseconds that a task with our code may hold the page. */
const LONGEST = 50;

/** The analyses of the study of induction. */
const STUDY = [
  'head-taxonomy',
  'direct-logit-attribution',
  'ov-circuit',
  'composition',
  'attention-attribution',
  'activation-patching',
  'ablation'
];

test('a study leaves the page responsive', async ({ page, tmpPath }) => {
  const model = { path: '../models/induction-2l' };
  const cells = STUDY.map(analysis => code('', [specOutput({ analysis, model, seed: 0, spec: {} })]));
  await open(page, tmpPath, notebook(cells, {}));
  await withoutKernel(page);
  const run = async (at: number): Promise<void> => {
    const output = outputs(page).nth(at);
    await output.scrollIntoViewIfNeeded();
    await output.getByRole('button', { name: 'Run', exact: true }).click();
    await finished(page, at + 1);
    await expect(output.locator('.js-plotly-plot').first()).toBeVisible();
  };
  const tasks = await longTasks(page, LONGEST, async () => {
    for (let at = 0; at < STUDY.length; at++) {
      await run(at);
    }
  });
  expect(tasks).toEqual([]);
});
