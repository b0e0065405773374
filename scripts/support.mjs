// node scripts/support.mjs: writes docs/support.md from test/fixtures/matrix.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const { status } = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', '-w', '1', 'test/subject/matrix'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env: { ...process.env, WRITE_SUPPORT: '1' },
  stdio: 'inherit'
});
process.exit(status ?? 1);
