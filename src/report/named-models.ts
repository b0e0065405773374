import { otherPaths } from '../analyses/other-models';

/** The models that a spec names besides its own, in order: `other`, then the lines of `others`. */
export function namedModels(spec: unknown): readonly string[] {
  const { other, others } = spec as { readonly other?: unknown; readonly others?: unknown };
  return [...(typeof other === 'string' && other.trim() !== '' ? [other] : []), ...otherPaths(others)];
}
