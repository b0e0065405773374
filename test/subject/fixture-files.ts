import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

import type { Context } from '../../src/subject/context';
import type { ModelFiles } from '../../src/subject/opening/files';

export const MODELS = join(__dirname, '../fixtures/models');

/** The files of a folder, or one of its models alone. */
export const fixtureFiles = (family: string, model?: string): ModelFiles => {
  const folder = join(MODELS, family);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    statSync(join(folder, name)).isFile()
  );
  return {
    label: family,
    ...(model !== undefined && { model }),
    list: async () => names.map(name => ({ name: relative('.', name), size: statSync(join(folder, name)).size })),
    read: async name => readFileSync(join(folder, name))
  };
};

/** Files from memory. */
export const memoryFiles = (label: string, files: Readonly<Record<string, Uint8Array>>): ModelFiles => ({
  label,
  list: async () => Object.entries(files).map(([name, { length }]) => ({ name, size: length })),
  read: async name => files[name]
});

export const quiet: Context = { signal: new AbortController().signal, progress: () => undefined };
