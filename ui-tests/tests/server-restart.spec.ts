import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { test as plain, type Page } from '@playwright/test';

import { bundles, code, expect, finished, notebook, outputs, payload, specOutput } from '../lab';

const PATH = 'server-restart.ipynb';
const TEXT = 'the cat sat on the mat';
const PORT = Number(process.env.ORRERY_PORT ?? 8989) + 1;

interface LabServer {
  readonly program: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A server of this test alone, which may end; `kept`: on the files that the one before it left. */
async function serve(
  kept: boolean
): Promise<{ readonly process: ChildProcess; readonly url: string; readonly root: string }> {
  const { labServer } = (await import('../../scripts/lab-server.mjs' as string)) as {
    labServer(port: number): LabServer;
  };
  const { program, args, url, root, env } = labServer(PORT);
  const keep = kept ? { ORRERY_KEEP_ROOT: '1' } : {};
  const started = spawn(program, args, { env: { ...process.env, ...env, ...keep }, stdio: 'ignore' });
  await expect
    .poll(
      () =>
        fetch(url).then(
          ({ ok }) => ok,
          () => false
        ),
      { timeout: 60_000 }
    )
    .toBe(true);
  return { process: started, url, root };
}

const end = (server: ChildProcess): Promise<void> =>
  new Promise(resolve => {
    server.once('exit', () => resolve());
    server.kill('SIGKILL');
  });

/** JupyterLab says that its server is gone, once or more, also while one is about to press. */
const press = (page: Page, at: number, name: string): Promise<void> =>
  expect(async () => {
    await dismiss(page);
    await outputs(page).nth(at).getByRole('button', { name, exact: true }).click({ timeout: 2000 });
  }).toPass({ timeout: 60_000 });

/** Its dialog of a lost connection has nothing to accept, only Close. */
const dismiss = async (page: Page): Promise<void> => {
  for (const dialog of await page.locator('.jp-Dialog').all()) {
    const accept = dialog.locator('.jp-mod-accept');
    const button = (await accept.count()) > 0 ? accept : dialog.locator('.jp-mod-reject');
    await button.click({ timeout: 1000 }).catch(() => undefined);
  }
};

plain(
  'while the server is gone an open model still answers, and what was made then is saved when it is back',
  async ({ browser }) => {
    plain.setTimeout(180_000);
    const first = await serve(false);
    let server = first.process;
    const page = await browser.newPage({ baseURL: first.url });
    try {
      const [near, far] = ['models/gpt2-hub', 'models/bert-hub'].map(path =>
        code('1', [specOutput(payload({ text: TEXT }, 'attention-patterns', path))])
      );
      const content = notebook([near, near, far], {});
      await page.request.put(`/api/contents/${PATH}`, { data: { type: 'notebook', content } });
      await page.goto(`/lab/tree/${PATH}?reset`);
      await page.locator('.jp-Dialog').getByRole('button', { name: 'No Kernel' }).click();
      await press(page, 0, 'Run');
      await finished(page, 1);

      await end(server);
      await press(page, 1, 'Run');
      await finished(page, 2);
      await dismiss(page);
      await press(page, 2, 'Run');
      await expect(outputs(page).nth(2).getByRole('alert')).toContainText('bert-hub');

      server = (await serve(true)).process;
      await dismiss(page);
      await press(page, 2, 'Run');
      await finished(page, 3);
      await dismiss(page);
      await page.keyboard.press('Control+s');
      // From the disk: a server that is asked for a notebook while it writes it takes it for broken, and restores the last.
      await expect(() => {
        const saved = JSON.parse(readFileSync(join(first.root, PATH), 'utf8')) as Parameters<typeof bundles>[0];
        expect(bundles(saved).filter(data => 'image/png' in data)).toHaveLength(3);
      }).toPass({ timeout: 30_000 });
    } finally {
      await page.close();
      await end(server);
    }
  }
);
