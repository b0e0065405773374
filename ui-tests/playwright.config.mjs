import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findBrowser } from '../scripts/browser.mjs';
import { inEnvironment } from '../scripts/environment.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = join(here, '..', '.cache');
const port = process.env.ORRERY_PORT ?? '8989';
// Playwright loads this file in each of its processes; the first finds the browser.
process.env.ORRERY_BROWSER ??= await findBrowser();

/** A browser as on a machine without a graphics card and, in containers, as root. */
const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run'
];

export default {
  testDir: join(here, 'tests'),
  outputDir: join(here, 'test-results'),
  workers: 1,
  // A slow machine may lose a race of the host's own; what passes only then is listed as flaky.
  retries: process.env.ORRERY_RETRIES ? Number(process.env.ORRERY_RETRIES) : 1,
  timeout: 90_000,
  expect: { timeout: 30_000 },
  reporter: [
    ['list'],
    ['json', { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ?? join(here, 'test-results/report.json') }]
  ],
  use: {
    baseURL: `http://localhost:${port}`,
    viewport: { width: 1280, height: 900 },
    launchOptions: { executablePath: process.env.ORRERY_BROWSER, args: CHROMIUM },
    video: 'off',
    trace: 'off',
    screenshot: 'only-on-failure'
  },
  webServer: {
    command: `"${inEnvironment('jupyter-lab')}" --config "${join(here, 'jupyter_server_config.py')}"`,
    url: `http://localhost:${port}/lab`,
    env: {
      JUPYTER_CONFIG_DIR: join(cache, 'ui-tests-config'),
      JUPYTER_PATH: join(cache, 'ui-tests-data'),
      JUPYTER_PREFER_ENV_PATH: '1'
    },
    timeout: 120_000,
    reuseExistingServer: false
  }
};
