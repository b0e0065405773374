import type { Node } from '../onnx/model';
import { SIZE_ONLY } from './op-classes';

/** Tensors that do not depend on what is fed, and those that depend on its sizes alone; nodes in order. */
export const independent = (
  nodes: readonly Node[],
  stored: Iterable<string>
): { readonly fixed: ReadonlySet<string>; readonly sized: ReadonlySet<string> } => {
  const fixed = new Set(stored);
  const sized = new Set<string>();
  for (const { inputs, outputs, opType } of nodes) {
    const given = inputs.filter(Boolean);
    const all = (sets: readonly ReadonlySet<string>[]): boolean =>
      given.length > 0 && given.every(input => sets.some(set => set.has(input)));
    const into =
      opType === 'Constant' || all([fixed]) ? fixed : SIZE_ONLY.has(opType) || all([fixed, sized]) ? sized : undefined;
    outputs.forEach(output => into?.add(output));
  }
  return { fixed, sized };
};
