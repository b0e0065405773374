import type { Context } from '../context';
import { servedHook } from '../hook-names';
import type { Intervention } from '../interventions/interventions';
import type { Cache } from '../subject';
import type { Patch, Path, PathSweepRequest, SweepResult } from '../sweep';
import { readLogits, checkReadout } from './readout';
import { towerPrefix } from './pieces';
import { patchValue } from './patch-value';
import { logitsOf, quietly, type Whole } from './whole';

/**
 * Path patching by whole forwards: with the sender's value of the other run and every attention and MLP behind it held at the base run's, the receivers
 * are read; then the base run is made again with the receivers at those values, and everything behind them free.
 */
export const pathSweepWhole = async (
  subject: Whole,
  request: PathSweepRequest,
  context: Context
): Promise<SweepResult> => {
  const { base, paths, readout } = request;
  const logits = logitsOf(subject);
  const frozen = frozenHooks(subject);
  const unpatched = await subject.forward({ ids: base, hooks: frozen, outputs: [logits] }, quietly(context));
  const [, length, vocabulary] = unpatched.get(logits).dims;
  checkReadout(readout, base.length, length, vocabulary);
  const sourced = await sourceRun(subject, request, logits, context);
  const read = (cache: Cache): number[] => base.map((_, row) => readLogits(cache.get(logits), row, readout, row));
  const own = read(unpatched);
  request.onStart?.(own, sourced && read(sourced));
  const values = new Float64Array(paths.length * base.length);
  for (const [index, path] of paths.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done: index, total: paths.length, label: `path ${index + 1} of ${paths.length}` });
    const run = await alongPath(subject, request, path, { unpatched, sourced, frozen, logits }, context);
    base.forEach((_, prompt) => {
      values[index * base.length + prompt] = readLogits(run.get(logits), prompt, readout, prompt);
    });
    request.onPath?.(index, [...values.subarray(index * base.length, (index + 1) * base.length)]);
  }
  context.progress({ done: paths.length, total: paths.length, label: 'sweep done' });
  return { values, base: own, ...(sourced && { source: read(sourced) }), method: 'whole' };
};

interface Runs {
  readonly unpatched: Cache;
  readonly sourced: Cache | undefined;
  readonly frozen: readonly string[];
  readonly logits: string;
}

/** What writes into the stream, in the order of the layers: z, the cross-attention's as well, and mlp_out. */
const frozenHooks = ({ tower, anatomy }: Whole): readonly string[] => {
  const prefix = towerPrefix(anatomy, tower);
  return tower.blocks.flatMap(({ mlp, cross }, layer) => [
    servedHook(anatomy, `${prefix}blocks.${layer}.attn.hook_z`, false).name,
    ...(cross ? [servedHook(anatomy, `${prefix}blocks.${layer}.cross_attn.hook_z`, false).name] : []),
    ...(mlp ? [servedHook(anatomy, `${prefix}blocks.${layer}.hook_mlp_out`, false).name] : [])
  ]);
};

const sourceRun = async (
  subject: Whole,
  { source, paths }: PathSweepRequest,
  logits: string,
  context: Context
): Promise<Cache | undefined> => {
  if (source.kind !== 'run') {
    return undefined;
  }
  const hooks = [...new Set(paths.map(({ sender }) => servedHook(subject.anatomy, sender.hook, false).name))];
  return subject.forward({ ids: source.ids, hooks, outputs: [logits] }, quietly(context));
};

const alongPath = async (
  subject: Whole,
  { base }: PathSweepRequest,
  { sender, receivers }: Path,
  runs: Runs,
  context: Context
): Promise<Cache> => {
  const senderHook = servedHook(subject.anatomy, sender.hook, false).name;
  checkPath(subject, senderHook, receivers);
  const behind = runs.frozen.slice(runs.frozen.indexOf(senderHook) + 1);
  const list: Intervention[] = [
    ...behind.map((hook): Intervention => ({ hook, op: 'set', value: runs.unpatched.get(hook) })),
    ...senderInterventions(subject, { ...sender, hook: senderHook }, runs.sourced, base.length)
  ];
  const hooks =
    receivers === 'logits' ? [] : receivers.map(({ hook }) => servedHook(subject.anatomy, hook, false).name);
  const held = await subject.forward(
    { ids: base, hooks: [...new Set(hooks)], outputs: [runs.logits], interventions: { list } },
    quietly(context)
  );
  return receivers === 'logits' ? held : behindReceivers(subject, base, receivers, held, runs.logits, context);
};

const behindReceivers = (
  subject: Whole,
  base: PathSweepRequest['base'],
  receivers: readonly Patch[],
  held: Cache,
  logits: string,
  context: Context
): Promise<Cache> => {
  const list = receivers.flatMap(receiver => {
    const hook = servedHook(subject.anatomy, receiver.hook, false);
    return base.map((_, prompt): Intervention => ({
      ...placeOf({ ...receiver, hook: hook.name }),
      op: 'set',
      row: [prompt],
      value: patchValue(held.get(hook.name), hook, receiver, prompt)
    }));
  });
  return subject.forward({ ids: base, hooks: [], outputs: [logits], interventions: { list } }, quietly(context));
};

const placeOf = ({ hook, heads, pos }: Patch): Pick<Intervention, 'hook' | 'heads' | 'pos'> => ({
  hook,
  ...(heads && { heads }),
  ...(pos && { pos })
});

const senderInterventions = (
  { anatomy }: Whole,
  sender: Patch,
  sourced: Cache | undefined,
  prompts: number
): readonly Intervention[] => {
  if (sourced === undefined) {
    return [{ ...placeOf(sender), op: 'zero' }];
  }
  const hook = servedHook(anatomy, sender.hook, false);
  return Array.from({ length: prompts }, (_, prompt) => ({
    ...placeOf(sender),
    op: 'set',
    row: [prompt],
    value: patchValue(sourced.get(hook.name), hook, sender, prompt)
  }));
};

/** Places in the order in which a block computes: queries, keys, values, then z, then the MLP's output. */
const STAGES = ['hook_q', 'hook_k', 'hook_v', 'hook_z', 'hook_mlp_out'];
const SENDERS = ['hook_z', 'hook_mlp_out', 'hook_embed'];

/** Throws for a path that does not run forwards, or not between parts that a path can have. */
export const checkPath = ({ tower }: Pick<Whole, 'tower'>, sender: string, receivers: Path['receivers']): void => {
  const [end, layer] = [sender.split('.').at(-1)!, layerOf(sender)];
  if (!SENDERS.includes(end)) {
    throw new Error(`sender impossible: '${sender}', a path starts at hook_z, hook_mlp_out or hook_embed`);
  }
  for (const { hook } of receivers === 'logits' ? [] : receivers) {
    const receiver = hook.split('.').at(-1)!;
    if (STAGES.indexOf(receiver) > 2 || STAGES.indexOf(receiver) < 0) {
      throw new Error(`receiver impossible: '${hook}', a path ends at hook_q, hook_k, hook_v or the logits`);
    }
    if (layerOf(hook) <= layer) {
      throw new Error(`path impossible: '${hook}' is computed before '${sender}' of ${tower.layers} layers`);
    }
  }
};

/** -1 for the embedding. */
export const layerOf = (hook: string): number => Number(/blocks\.(\d+)\./.exec(hook)?.[1] ?? -1);
