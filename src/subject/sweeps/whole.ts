import { servedHook } from '../hook-names';
import type { Context } from '../context';
import type { Intervention } from '../interventions/interventions';
import type { Cache, Subject } from '../subject';
import type { Patch, PatchSource, SweepRequest, SweepResult } from '../sweep';
import { checkReadout, readLogits } from './readout';
import { patchValue } from './patch-value';

/** What a sweep by whole forwards works with. */
export type Whole = Pick<Subject, 'forward' | 'anatomy' | 'tower' | 'facts'>;

/** Rows of one forward: few, for each returns its logits at every position. */
export const SWEEP_ROWS = 16;

/** A whole forward for each patch and prompt: what the exact sweeps are compared with, and the way where no cut is possible. */
export const sweepWhole = async (subject: Whole, request: SweepRequest, context: Context): Promise<SweepResult> => {
  const { base, source, patches, readout } = request;
  const prompts = base.length;
  const logits = logitsOf(subject);
  const unpatched = await subject.forward({ ids: base, hooks: [], outputs: [logits] }, quietly(context));
  const [, length, vocabulary] = unpatched.get(logits).dims;
  checkReadout(readout, prompts, length, vocabulary);
  const sourced = await sourceRun(subject, request, logits, context);
  const unpatchedValues = base.map((_, prompt) => readLogits(unpatched.get(logits), prompt, readout, prompt));
  request.onStart?.(unpatchedValues, sourced.values);
  const values = new Float64Array(patches.length * prompts);
  const cells = patches.flatMap((_, patch) => base.map((_, prompt) => ({ patch, prompt })));
  const groups = groupBy(cells, ({ patch }) => patches[patch].hook);
  let done = 0;
  for (const group of groups) {
    for (let at = 0; at < group.length; at += SWEEP_ROWS) {
      context.signal.throwIfAborted();
      context.progress({ done, total: cells.length, label: `patch ${done + 1} of ${cells.length}` });
      const chunk = group.slice(at, at + SWEEP_ROWS);
      const list = chunk.map(({ patch, prompt }, row) => ({
        ...interventionOf(subject, patches[patch], source, sourced.cache, prompt),
        row: [row]
      }));
      const ids = chunk.map(({ prompt }) => base[prompt]);
      const cache = await subject.forward(
        { ids, hooks: [], outputs: [logits], interventions: { list } },
        quietly(context)
      );
      chunk.forEach(({ patch, prompt }, row) => {
        values[patch * prompts + prompt] = readLogits(cache.get(logits), row, readout, prompt);
        if (prompt === prompts - 1) {
          request.onPatch?.(patch, [...values.subarray(patch * prompts, (patch + 1) * prompts)]);
        }
      });
      done += chunk.length;
    }
  }
  context.progress({ done, total: cells.length, label: 'sweep done' });
  return {
    values,
    base: unpatchedValues,
    ...(sourced.values && { source: sourced.values }),
    method: 'whole'
  };
};

/** The output that readouts are of. */
export const logitsOf = ({ tower, facts }: Pick<Whole, 'tower' | 'facts'>): string => {
  if (tower.head === undefined) {
    throw new Error(`sweep impossible: '${facts.label}' has no unembedding, so no logits to read`);
  }
  return tower.head.logits;
};

/** Runs inside a sweep report nothing of their own. */
export const quietly = ({ signal }: Context): Context => ({ signal, progress: () => undefined });

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] => {
  const groups = new Map<string, T[]>();
  items.forEach(item => {
    const group = groups.get(keyOf(item)) ?? [];
    group.push(item);
    groups.set(keyOf(item), group);
  });
  return [...groups.values()];
};

interface Sourced {
  readonly cache?: Cache;
  readonly values?: readonly number[];
}

const sourceRun = async (
  subject: Whole,
  { source, patches, readout }: SweepRequest,
  logits: string,
  context: Context
): Promise<Sourced> => {
  if (source.kind !== 'run') {
    return {};
  }
  const hooks = [...new Set(patches.map(({ hook }) => servedHook(subject.anatomy, hook, false).name))];
  const cache = await subject.forward({ ids: source.ids, hooks, outputs: [logits] }, quietly(context));
  return { cache, values: source.ids.map((_, prompt) => readLogits(cache.get(logits), prompt, readout, prompt)) };
};

/** One patch of one prompt. */
const interventionOf = (
  { anatomy }: Whole,
  patch: Patch,
  source: PatchSource,
  run: Cache | undefined,
  prompt: number
): Intervention => {
  const hook = servedHook(anatomy, patch.hook, false);
  const place = { hook: hook.name, ...(patch.heads && { heads: patch.heads }), ...(patch.pos && { pos: patch.pos }) };
  if (source.kind === 'zero') {
    return { ...place, op: 'zero' };
  }
  const tensor = source.kind === 'run' ? run!.get(hook.name) : source.of(hook.name);
  return { ...place, op: 'set', value: patchValue(tensor, hook, patch, prompt) };
};
