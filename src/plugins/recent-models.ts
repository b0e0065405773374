import type { IStateDB } from '@jupyterlab/statedb';

import type { RecentModels } from '../ui/services';
import type { ModelManager } from '../worker/model-manager';

const KEY = 'jupyterlab-orrery:recent-models';
const MOST = 12;
const LONGEST = 1024;

/** Paths of the server's models that were opened, the last one first, kept with the page's other state. */
export async function recentModels(manager: ModelManager, state: IStateDB | null): Promise<RecentModels> {
  const saved = await state?.fetch(KEY).catch(() => undefined);
  let paths: readonly string[] = (Array.isArray(saved) ? (saved as unknown[]) : []).filter(isPath).slice(0, MOST);
  const keep = (next: readonly string[]): void => {
    if (next.join('\n') !== paths.join('\n')) {
      paths = next;
      void state?.save(KEY, [...paths]);
    }
  };
  const known = new Set<string>();
  manager.onChange(() => {
    const open = manager.list().filter(({ client }) => client.state === 'open');
    for (const { key } of open) {
      if (!known.has(key) && isPath(key)) {
        keep([key, ...paths.filter(path => path !== key)].slice(0, MOST));
      }
    }
    known.clear();
    open.forEach(({ key }) => known.add(key));
  });
  return {
    list: () => paths,
    forget: path => keep(paths.filter(other => other !== path))
  };
}

/** Of the server: a dropped file's key has a colon. */
const isPath = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= LONGEST && !value.includes(':');
