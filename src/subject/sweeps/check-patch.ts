import type { Anatomy } from '../../anatomy/anatomy';
import { servedHook } from '../hook-names';
import type { Patch } from '../sweep';

/** Throws for a head or position that the hook does not have, or that is named twice. */
export const checkPatch = (anatomy: Anatomy, { hook, heads, pos }: Patch, length: number): void => {
  const { name, dims, shape } = servedHook(anatomy, hook, false);
  const size = shape[dims.indexOf('head')];
  const limits: readonly (readonly [string, readonly number[] | undefined, number | undefined])[] = [
    ['head', heads, typeof size === 'number' ? size : undefined],
    ['position', pos, length]
  ];
  for (const [kind, list, limit] of limits) {
    const wrong = list?.find(index => limit === undefined || !Number.isInteger(index) || index < 0 || index >= limit);
    if (wrong !== undefined) {
      throw new Error(`patch out of range: ${kind} ${wrong} of '${name}', which has ${limit ?? 'no heads'}`);
    }
    const twice = list?.find((index, at) => list.indexOf(index) < at);
    if (twice !== undefined) {
      throw new Error(`patch malformed: ${kind} ${twice} of '${name}' is named twice`);
    }
  }
};
