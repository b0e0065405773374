import type { Anatomy } from '../anatomy/anatomy';
import type { ServedHook } from './hook-names';

/** The stream behind each tower that hooks are of. What is no number shows there: ONNX Runtime's softmax makes zeros of a row of NaN. */
export const lastStreams = ({ towers, hooks }: Anatomy, names: readonly string[]): ReadonlyMap<string, ServedHook> => {
  const ends = towers
    .map(({ name, layers }) => [towers.length > 1 ? `${name}.` : '', layers - 1] as const)
    .filter(([prefix]) => names.some(name => name.startsWith(prefix)))
    .map(([prefix, layer]) => `${prefix}blocks.${layer}.hook_resid_post`);
  return new Map(
    hooks.flatMap(hook =>
      ends.includes(hook.name) && hook.source && hook.status !== 'unavailable'
        ? [[hook.name, { ...hook, source: hook.source }] as const]
        : []
    )
  );
};
