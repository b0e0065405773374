import { PathExt } from '@jupyterlab/coreutils';

import type { OutputServices } from '../services';

/** Paths of the server's models that are open, and of those that were opened before, seen from the notebook. */
export function knownPaths(
  { manager, recent }: Pick<OutputServices, 'manager' | 'recent'>,
  notebook: string
): { readonly open: readonly string[]; readonly before: readonly string[] } {
  const seen = (key: string): string => PathExt.relative(PathExt.dirname(notebook), key);
  const open = manager.list().flatMap(({ key }) => (key.includes(':') ? [] : [seen(key)]));
  return { open, before: recent.list().map(seen) };
}
