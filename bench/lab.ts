import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { sharedScript } from './shared-script';

type WithLab = (options: object, use: (page: Page) => Promise<void>) => Promise<void>;

/** Runs `use` on a page of a fresh JupyterLab; the second argument is the folder that it serves. */
export const withLabPage = async (port: number, use: (page: Page, folder: string) => Promise<void>): Promise<void> => {
  const [{ withLab }, { findBrowser }] = await Promise.all([
    sharedScript('lab-server.mjs'),
    sharedScript('browser.mjs')
  ]);
  const folder = join('.cache', `lab-${port}`, 'root');
  const executablePath = await (findBrowser as () => Promise<string>)();
  await (withLab as WithLab)({ port, executablePath }, page => use(page, folder));
};
