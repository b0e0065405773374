import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findBrowser } from '../scripts/browser.mjs';
import { CHROMIUM, labServer } from '../scripts/lab-server.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { program, args, url, env } = labServer(process.env.ORRERY_PORT ?? 8989);
// Playwright loads this file in each of its processes; the first finds the browser.
process.env.ORRERY_BROWSER ??= await findBrowser();

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
    baseURL: url,
    viewport: { width: 1280, height: 900 },
    launchOptions: { executablePath: process.env.ORRERY_BROWSER, args: CHROMIUM },
    video: 'off',
    trace: 'off',
    screenshot: 'only-on-failure'
  },
  webServer: {
    command: [program, ...args].map(part => `"${part}"`).join(' '),
    url: `${url}/lab`,
    env,
    timeout: 120_000,
    reuseExistingServer: false
  }
};
