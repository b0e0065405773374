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
  reopen,
  save,
  specOutput,
  test,
  withoutKernel
} from '../lab';
import type { NotebookOutput } from '../lab';

const at = (path: string): NotebookOutput => specOutput(payload({ text: 'the cat' }, 'attention-patterns', path));

/** Refused when it is shown. */
const UNREADABLE: readonly (readonly [string, NotebookOutput, RegExp])[] = [
  ['unknown analysis', specOutput(payload({}, 'tea-leaves')), /unknown analysis 'tea-leaves'/],
  ['unknown field', specOutput(payload({ texts: 'a' })), /attention-patterns.*unknown field 'texts'/],
  ['wrong type', specOutput(payload({ text: 3 })), /attention-patterns.*'text' must be .* got 3/],
  ['out of range', specOutput(payload({ topK: 99 }, 'logit-lens')), /logit-lens.*'topK' must be .* got 99/],
  ['not an object', specOutput('[1, 2]'), /must be an object/],
  ['not JSON', specOutput('{"analysis":'), /not JSON/],
  ['broken result', specOutput({ ...payload({ text: 'a' }), result: { values: 1 } }), /saved attention-patterns/],
  ['absolute path', at('/etc/passwd'), /'model\.path' must be a relative path.*'\/etc\/passwd'/],
  ['another origin', at('https://example.com/model.onnx'), /'model\.path' must be a relative path/]
];

/** Refused when it is run. */
const UNRUNNABLE: readonly (readonly [string, NotebookOutput, RegExp])[] = [
  ['missing model', at('../models/nowhere'), /models\/nowhere/],
  ['folder without a model', at('../models/empty'), /empty.*no \.onnx file|no model.*empty/],
  ['not an ONNX file', at('../models/words.onnx'), /words\.onnx/],
  ['file cut in the middle', at('../models/cut.onnx'), /cut\.onnx/],
  ['graph without attention', at('../models/refusals/mlp-only.onnx'), /attention|no tokenizer/],
  ['text without a tokenizer', at('../models/no-tokenizer'), /tokenizer/],
  ['outside the server', at('../../secret'), /outside|leads out/],
  ['longer than the context', specOutput(payload({ ids: Array(65).fill(1) })), /65.*64|64.*65/],
  ['id outside the vocabulary', specOutput(payload({ ids: [1, 99999] })), /99999/]
];

test('what cannot be read is one sentence, beside it the words that were saved', async ({ page, tmpPath, seen }) => {
  const cells = UNREADABLE.map(([name, output]) => code(`# ${name}`, [output]));
  const path = await open(page, tmpPath, notebook(cells));
  await expect(outputs(page)).toHaveCount(cells.length);
  for (const [index, [name, , words]] of UNREADABLE.entries()) {
    await expect.soft(outputs(page).nth(index).getByRole('alert'), name).toHaveText(words);
    await expect.soft(outputs(page).nth(index), name).toContainText('not run yet');
  }
  expect(seen.heavy).toEqual([]);
  expect(bundles(await save(page, path))).toEqual(UNREADABLE.map(([, { data }]) => data));
});

test('what cannot be run is one sentence, and nothing is lost', async ({ page, tmpPath, seen }) => {
  const cells = UNRUNNABLE.map(([name, output]) => code(`# ${name}`, [output]));
  const path = await open(page, tmpPath, notebook(cells));
  for (const [index, [name, , words]] of UNRUNNABLE.entries()) {
    const output = outputs(page).nth(index);
    await output.getByRole('button', { name: 'Run', exact: true }).click();
    const alert = output.getByRole('alert');
    await expect.soft(alert, name).toHaveText(words);
    expect.soft((await alert.innerText()).trim().split('\n'), name).toHaveLength(1);
  }
  expect(bundles(await save(page, path))).toEqual(UNRUNNABLE.map(([, { data }]) => data));
  expect(seen.problems).toEqual([]);
});

test('a newer format is said, and shown by its fallback', async ({ page, tmpPath }) => {
  const newer = specOutput(payload({ text: 'a' }), MIME_TYPE.replace('v1', 'v2'));
  await open(page, tmpPath, notebook([code('1', [newer])]));
  const cell = page.locator('.jp-OutputArea-output');
  await expect(cell).toContainText('not run yet');
  await expect(cell).toContainText(/version 2/);
});

test('tokens that look like HTML stay text', async ({ page, tmpPath }) => {
  const text = '<b>cat</b> "><script>window.hacked = 1</script> <img src=x onerror="window.hacked = 1">';
  const analyses = ['attention-patterns', 'logit-lens', 'attention-entropy'];
  const cells = analyses.map(id => code(id, [specOutput(payload({ text: text.slice(0, 60) }, id, TINY))]));
  const path = await open(page, tmpPath, notebook(cells));
  for (const [index] of analyses.entries()) {
    await outputs(page).getByRole('button', { name: 'Run', exact: true }).first().click();
    await finished(page, index + 1);
  }
  await expect(outputs(page).locator('b, script, img')).toHaveCount(0);
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  for (const data of bundles(await save(page, path))) {
    expect(String(data['text/html'])).not.toMatch(/<script|<b>|onerror="?window/);
  }
});

test('without a tokenizer, ids still work', async ({ page, tmpPath }) => {
  const spec = payload({ ids: [1, 2, 3, 1, 2] }, 'attention-patterns', '../models/no-tokenizer');
  const path = await open(page, tmpPath, notebook([code('1', [specOutput(spec)])]));
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 1);
  const [data] = bundles(await save(page, path));
  expect(data[MIME_TYPE]).toMatchObject({ result: { input: { ids: [1, 2, 3, 1, 2] } } });
});

/** In the page: of the notebook on top. */
const cellsTrusted = (): boolean[] => {
  const { shell } = (window as unknown as { jupyterapp: { shell: { currentWidget: unknown } } }).jupyterapp;
  const { content } = shell.currentWidget as { content: { widgets: { model: { trusted: boolean } }[] } };
  return content.widgets.map(({ model }) => model.trusted);
};

test('a notebook that nobody here has signed: results are drawn, nothing runs by itself, and no markup of its is let in', async ({
  page,
  tmpPath
}) => {
  const lens = specOutput(payload({ text: 'the cat' }, 'logit-lens'));
  const path = await open(page, tmpPath, notebook([code('1', [lens]), code('2', [lens])], {}));
  await withoutKernel(page);
  await outputs(page).getByRole('button', { name: 'Run', exact: true }).first().click();
  await finished(page, 1);
  const mine = await save(page, path);
  const hostile = '<img src="x" onerror="window.entered = true"><script>window.entered = true</script>';
  const data = { ...mine.cells[0].outputs![0].data, 'text/html': hostile };
  const foreign = {
    ...mine,
    cells: [{ ...mine.cells[0], outputs: [{ ...mine.cells[0].outputs![0], data }] }, mine.cells[1]]
  };
  // Other bytes than those that were signed when they were saved.
  await page.contents.uploadContent(JSON.stringify(foreign), 'text', path);
  const seen = await reopen(page, path);
  await withoutKernel(page);
  expect(await page.evaluate(cellsTrusted)).toEqual([false, false]);
  await finished(page, 1);
  await expect(outputs(page).first().locator('.jp-orrery-table-view').first()).toBeVisible();
  await expect(outputs(page).nth(1).getByRole('button', { name: 'Run', exact: true })).toBeVisible();
  expect(seen.heavy).toEqual([]);
  expect(await page.evaluate(() => 'entered' in window)).toBe(false);
  await outputs(page).nth(1).getByRole('button', { name: 'Run', exact: true }).click();
  await finished(page, 2);
  expect(await page.evaluate(() => 'entered' in window)).toBe(false);
  expect(seen.problems).toEqual([]);
});
