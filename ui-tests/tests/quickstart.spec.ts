import { MIME_TYPE, bundles, execute, expect, finished, kernelReady, read, save, test } from '../lab';

const PATH = 'quickstart.ipynb';

test('Run All fills the quickstart on a real kernel', async ({ page, seen }) => {
  const { cells } = await read(page, PATH);
  const count = cells.filter(
    cell => cell.cell_type === 'code' && /load\(|^model/m.test([cell.source].flat().join(''))
  ).length;
  await execute(page, 'docmanager:open', { path: PATH });
  await kernelReady(page);
  await execute(page, 'editmenu:clear-all');
  await expect(page.locator('.jp-orrery-output')).toHaveCount(0);
  await execute(page, 'notebook:run-all-cells');
  await finished(page, count);
  const found = bundles(await save(page, PATH));
  expect(found).toHaveLength(count);
  for (const data of found) {
    expect(data[MIME_TYPE]).toHaveProperty('result');
    expect(data).toHaveProperty(['text/html']);
  }
  await expect(page.locator('.jp-orrery-output').getByRole('alert')).toHaveCount(0);
  expect(seen.problems).toEqual([]);
});
