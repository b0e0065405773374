import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import type { Rows } from '../inputs/feeds';
import type { Cache, ForwardRequest } from '../subject';
import type { TowerHooks } from './pieces';
import { stored, type Stored } from './stored';

/** One run of all prompts: what rows are made of where nothing is changed, or what is put there. */
export interface BaseRun {
  readonly ids: Rows;
  readonly length: number;
  /** By the hook's name in full. */
  hook(name: string): Stored;
  /** As captured: patterns, whose heads come before their positions. */
  tensor(name: string): Tensor;
  readonly logits: Tensor;
}

type Forward = (request: ForwardRequest, context: Context) => Promise<Cache>;

/** Captures these hooks and the logits. */
export const captureRun = async (
  forward: Forward,
  names: readonly string[],
  ids: Rows,
  logits: string,
  context: Context
): Promise<BaseRun> => {
  const cache = await forward({ ids, hooks: names, outputs: [logits], allowUnverified: true }, context);
  const kept = new Map<string, Stored>();
  return {
    ids,
    length: ids[0].length,
    logits: cache.get(logits),
    tensor: name => cache.get(name),
    hook: name => {
      const found = kept.get(name) ?? stored(cache.get(name), ids.length);
      kept.set(name, found);
      return found;
    }
  };
};

/** Everything that a row may need of the run that it is a change of. */
export const chainHooks = (hooks: TowerHooks): readonly string[] => [
  ...new Set([
    ...Array.from({ length: hooks.layers }, (_, layer) => [
      hooks.stream(layer),
      ...['q', 'k', 'v', 'z'].map(name => hooks.of(layer, `attn.hook_${name}`)),
      ...(hooks.hasMid(layer) ? [hooks.of(layer, 'hook_resid_mid'), hooks.beforeMlp(layer)] : []),
      ...(hooks.hasCross(layer) ? ['q', 'k', 'v', 'z'].map(name => hooks.of(layer, `cross_attn.hook_${name}`)) : [])
    ]).flat(),
    hooks.stream(hooks.layers)
  ])
];
