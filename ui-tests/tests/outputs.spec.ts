import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import AxeBuilder from '@axe-core/playwright';

import {
  MIME_TYPE,
  TINY,
  bundles,
  code,
  expect,
  finished,
  notebook,
  open,
  outputs,
  payload,
  read,
  reopen,
  runAll,
  save,
  specOutput,
  test,
  modelWorkers,
  withoutKernel
} from '../lab';

const CELLS = [
  `import jupyterlab_orrery as orrery\nmodel = orrery.load("${TINY}")\nmodel`,
  'model.attention_patterns("the cat sat on the mat, the cat sat")',
  'model.head_scores(batch=2, length=8)',
  'model.logit_lens("the cat sat on the mat")',
  'model.attention_entropy("the cat sat on the mat")'
];
/** The chunk that holds it. */
const STATIC = join(__dirname, '../../jupyterlab_orrery/labextension/static');
const PLOTLY = readdirSync(STATIC).filter(
  file => /\.js$/.test(file) && /js-plotly-plot.*modebar-btn/s.test(readFileSync(join(STATIC, file), 'utf8'))
);
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
/** Of one output, all representations together. */
const BUDGET = 300_000;

test('a notebook runs on a kernel, is saved with every representation, and is drawn again without running', async ({
  page,
  tmpPath,
  seen
}) => {
  const path = await open(page, tmpPath, notebook(CELLS.map(source => code(source))));
  await runAll(page);
  await finished(page, CELLS.length);
  const saved = await save(page, path);

  const found = bundles(saved);
  expect(found).toHaveLength(CELLS.length);
  for (const data of found) {
    const ours = data[MIME_TYPE] as Record<string, unknown>;
    expect(Object.keys(ours).sort()).toEqual(['analysis', 'model', 'provenance', 'result', 'seed', 'spec']);
    expect(ours.model).toEqual({ path: TINY });
    expect(String(data['text/plain'])).not.toContain('not run yet');
    expect(String(data['text/html'])).toContain('<table');
    expect(String(data['text/html'])).not.toMatch(/<script|javascript:|https?:\/\/(?!www\.w3\.org)/);
    expect(JSON.stringify(data).length).toBeLessThan(BUDGET);
  }
  for (const data of found.slice(1)) {
    expect(Buffer.from(String(data['image/png']), 'base64').subarray(0, 4)).toEqual(PNG);
    expect(String(data['text/html'])).toMatch(/<img[^>]+alt="[^"]{20,}|<td style="background-color/);
  }
  expect(seen.problems).toEqual([]);

  const audit = await new AxeBuilder({ page }).include('.jp-orrery-output').analyze();
  expect(audit.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);

  const again = await reopen(page, path);
  await finished(page, CELLS.length);
  await expect(outputs(page).nth(1).locator('canvas').first()).toBeVisible();
  await outputs(page).nth(4).scrollIntoViewIfNeeded();
  await expect(outputs(page).nth(4).locator('.js-plotly-plot').first()).toBeVisible();
  expect(again.heavy).toEqual([]);
  expect(again.problems).toEqual([]);
  expect((await read(page, path)).cells).toEqual(saved.cells);
  await expect(page.locator('.jp-mod-current .jp-mod-dirty')).toHaveCount(0);
});

test('Plotly is fetched with the first figure that needs it, once', async ({ page, tmpPath }) => {
  const fetched: string[] = [];
  page.on('request', request => PLOTLY.some(file => request.url().includes(file)) && fetched.push(request.url()));
  const saved = (analysis: string, spec: object) => code('1', [specOutput(payload(spec, analysis))]);
  const text = 'the cat sat';
  const scores = saved('head-scores', { batch: 1, length: 4 });
  const cells = [saved('logit-lens', { text }), saved('attention-patterns', { text }), scores, scores];
  await open(page, tmpPath, notebook(cells, {}));
  await withoutKernel(page);
  const run = outputs(page).getByRole('button', { name: 'Run', exact: true });
  await run.first().click();
  await finished(page, 1);
  await run.first().click();
  await finished(page, 2);
  expect(PLOTLY).toHaveLength(1);
  expect(fetched).toEqual([]);
  await run.first().click();
  await finished(page, 3);
  await run.first().click();
  await finished(page, 4);
  await expect(outputs(page).nth(3).locator('.js-plotly-plot').first()).toBeVisible();
  expect(fetched).toHaveLength(1);
});

test('a saved spec never runs by itself, and runs on a click', async ({ page, tmpPath, seen }) => {
  const waiting = payload({ text: 'the cat sat on the mat' });
  // The second as some kernels write it, as a string.
  const path = await open(
    page,
    tmpPath,
    notebook([code('1', [specOutput(waiting)]), code('2', [specOutput(JSON.stringify(waiting))])])
  );
  const run = outputs(page).getByRole('button', { name: 'Run', exact: true });
  await expect(run).toHaveCount(2);
  await expect(outputs(page).first()).toContainText('text: the cat sat on the mat');
  expect(seen.heavy).toEqual([]);
  await run.first().click();
  await finished(page, 1);
  await run.first().click();
  await finished(page, 2);
  expect(bundles(await save(page, path)).map(data => Object.keys(data).sort())).toEqual(
    Array(2).fill([MIME_TYPE, 'image/png', 'text/html', 'text/plain'].sort())
  );
  // Both outputs share the model's one worker.
  expect(seen.heavy.filter(url => /model\.worker\.[^/]*js$/.test(url)).length).toBeLessThanOrEqual(2);
  expect(modelWorkers(page)).toHaveLength(1);
});

test('cancel keeps what was there, and the next run works', async ({ page, tmpPath }) => {
  const path = await open(page, tmpPath, notebook([code('1', [specOutput(payload({ text: 'the cat' }))])]));
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  const [before] = bundles(await save(page, path));
  // A slow answer, so that there is time to cancel.
  await page.route(/model\.worker/, route => setTimeout(() => void route.continue(), 2000));
  await reopen(page, path);
  await outputs(page).getByRole('button', { name: 'Run again' }).click();
  await outputs(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(outputs(page)).toContainText('Cancelled: nothing was changed.');
  expect(bundles(await save(page, path))).toEqual([before]);
  await outputs(page).getByRole('button', { name: 'Run again' }).click();
  await expect(outputs(page)).not.toContainText('Cancelled');
  await finished(page, 1);
});

test('a worker that dies is replaced', async ({ page, tmpPath }) => {
  await open(page, tmpPath, notebook([code('1', [specOutput(payload({ text: 'the cat' }))])]));
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  const [worker] = modelWorkers(page);
  const death = worker.waitForEvent('close');
  await worker.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error('out of memory');
      })
  );
  await death;
  await outputs(page).getByRole('button', { name: 'Run again' }).click();
  await expect(outputs(page).getByRole('progressbar')).toHaveCount(0);
  await finished(page, 1);
  await expect(outputs(page).getByRole('alert')).toHaveCount(0);
  expect(modelWorkers(page)).toHaveLength(1);
});
