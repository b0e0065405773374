import { resolveHooks } from '../anatomy/aliases';
import type { Anatomy, Hook, HookSource } from '../anatomy/anatomy';
import { nearest } from './near-names';

/** A hook that a run can give. */
export type ServedHook = Hook & { readonly source: HookSource };

/** The hook of this name (or of TransformerLens 3's name for it); throws with the reason when it cannot be served. */
export const servedHook = (anatomy: Anatomy, name: string, allowUnverified: boolean): ServedHook => {
  const hook = findHook(anatomy, name);
  if (hook === undefined) {
    const near = nearest(
      name,
      anatomy.hooks.map(known => known.name)
    );
    throw new Error(`hook unknown: '${name}' is not a hook of this model${near}`);
  }
  const { source, status, why } = hook;
  if (source === undefined || status === 'unavailable') {
    throw new Error(`hook unavailable: '${name}', because ${why ?? 'the graph does not hold it'}`);
  }
  if (status === 'unverified' && !allowUnverified) {
    throw new Error(`hook unverified: '${name}', because ${why ?? 'its identity was not checked'}`);
  }
  return { ...hook, source };
};

const findHook = (anatomy: Anatomy, name: string): Hook | undefined => {
  const full = anatomy.hooks.find(hook => hook.name === name);
  if (full !== undefined || name.includes('*')) {
    return full;
  }
  try {
    const [resolved] = resolveHooks(anatomy, [name]);
    return anatomy.hooks.find(hook => hook.name === resolved);
  } catch {
    return undefined;
  }
};
