import type { Anatomy, Hook, HookSource } from '../anatomy/anatomy';
import { untyped } from '../graph/build';
import { applyEdits } from '../graph/edit';
import type { Model } from '../onnx/model';

/** A hook as it comes out of a run: fetch `tensor`, then `readHook(tensor, source, sizes)`. */
export interface Observed {
  readonly hook: string;
  readonly tensor: string;
  readonly source: HookSource;
}

/**
 * The model with the hooks' tensors as outputs besides its own; nothing else changes, no node is added. Bringing a tensor to
 * the hook's shape is left to `readHook`: most need nothing. Throws for a hook that is not there or not available.
 */
export const observe = (
  model: Model,
  anatomy: Anatomy,
  hookNames: readonly string[]
): { readonly model: Model; readonly outputs: readonly Observed[] } => {
  const hooks = new Map(anatomy.hooks.map(hook => [hook.name, hook]));
  const outputs = hookNames.map(name => observed(name, hooks.get(name)));
  const tensors = new Set([
    ...outputs.map(({ tensor }) => tensor),
    ...hookNames.flatMap(name => hooks.get(name)?.cached?.tensor ?? [])
  ]);
  const edits = [...tensors].map(tensor => ({ op: 'add-output', info: untyped(tensor) }) as const);
  return { model: { ...model, graph: applyEdits(model.graph, edits) }, outputs };
};

const observed = (name: string, hook: Hook | undefined): Observed => {
  if (!hook) {
    throw new Error(`hook unknown: '${name}'`);
  }
  if (!hook.source || hook.status === 'unavailable') {
    throw new Error(`hook unavailable: '${name}', because ${hook.why ?? 'the graph does not have it'}`);
  }
  return { hook: name, tensor: hook.source.tensor, source: hook.source };
};
