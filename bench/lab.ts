import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Page } from '@playwright/test';

/** The scripts that other commands share; loaded where they lie, since they find the repository by their own place. */
const script = (name: string): Promise<Record<string, (...args: never[]) => unknown>> =>
  import(pathToFileURL(join(process.cwd(), 'scripts', name)).href);

/** Runs `use` on a page of a fresh JupyterLab; the second argument is the folder that it serves. */
export const withLabPage = async (port: number, use: (page: Page, folder: string) => Promise<void>): Promise<void> => {
  const [{ withLab }, { findBrowser }] = await Promise.all([script('lab-server.mjs'), script('browser.mjs')]);
  const folder = join('.cache', `lab-${port}`, 'root');
  const inFolder = (page: Page): Promise<void> => use(page, folder);
  await withLab({ port, executablePath: await findBrowser() } as never, inFolder as never);
};
