import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('pages that are written from the code are what it says', () => {
  const root = join(__dirname, '..', '..');
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8'
  });
  expect([status, stderr]).toEqual([0, '']);
});
