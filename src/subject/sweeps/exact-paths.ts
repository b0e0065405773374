import type { Context } from '../context';
import { servedHook } from '../hook-names';
import type { Patch, Path, PathSweepRequest, SweepResult } from '../sweep';
import type { BaseRun } from './base-run';
import type { HeadPart } from './chain';
import { checkPatch } from './check-patch';
import { chunkTokens } from './cost';
import { changed, type EntryParts, type PatchRow } from './entries';
import {
  captureBase,
  chunks,
  collector,
  createRun,
  proven,
  provenColumns,
  sourceOf,
  type Exact,
  type Run
} from './exact';
import { checkReadout } from './readout';
import { gatherTokens, tokenCount, type Batch, type Stored } from './stored';
import { refuseNaNRow } from './refuse-nan-row';
import { checkPath, layerOf, pathSweepWhole } from './whole-paths';

interface PathRow extends PatchRow {
  readonly receivers: Path['receivers'];
}

/** The stream is a plain sum from the sender to the receivers, which are all in one layer. */
export const pathsAreSums = ({ tower }: Pick<Exact, 'tower'>, { paths, source }: PathSweepRequest): boolean =>
  tower.norm.placement !== 'post' &&
  (source.kind === 'run' || paths.every(({ sender }) => !isEmbedding(sender.hook))) &&
  paths.every(
    ({ receivers }) => receivers === 'logits' || new Set(receivers.map(({ hook }) => layerOf(hook))).size === 1
  );

/**
 * Direct paths, exactly: what the sender writes into the stream is changed, the receivers' queries, keys or values are computed anew from
 * the changed stream, norms included, and only they go on. Nothing is run between sender and receiver, so that all senders of a receiver
 * are rows of one batch.
 */
export const pathSweepExact = async (
  exact: Exact,
  request: PathSweepRequest,
  context: Context
): Promise<SweepResult> => {
  const { base: ids, paths, readout } = request;
  const rows = pathRows(exact, paths, ids.length);
  const hooks = [...new Set(rows.map(({ patch }) => patch.hook))];
  const base = await captureBase(exact, ids, hooks, context);
  const [, length, vocabulary] = base.logits.dims;
  checkReadout(readout, ids.length, length, vocabulary);
  paths.forEach(({ sender, receivers }) =>
    [sender, ...(receivers === 'logits' ? [] : receivers)].forEach(patch => checkPatch(exact.anatomy, patch, length))
  );
  if (!(await proven(exact, base, readout.positions))) {
    throw new Error('cut impossible: tokens cannot travel packed');
  }
  const columns = readout.columns && (await provenColumns(exact, base, readout.columns[0]));
  const run = createRun({ ...exact, columns }, base, readout, true, context);
  const source = await sourceOf(exact, request, hooks, context);
  const parts: EntryParts = { units: exact.units, base, chain: run.chain, source: source.tensor };
  request.onStart?.(run.base, source.values);
  const values = new Float64Array(paths.length * ids.length);
  const give = collector(ids.length, values, request.onPath);
  let done = 0;
  for (const group of chunks(rows, length, chunkTokens(exact.tower), positions => run.spread(positions))) {
    context.progress({ done, total: rows.length, label: `path ${done + 1} of ${rows.length}` });
    for (const same of byReceivers(group)) {
      const results = await runPaths(exact, run, parts, same);
      for (const [index, row] of same.entries()) {
        await refuseNaN(exact, request, row, results[index], context);
        give(row, results[index]);
      }
    }
    done += group.length;
  }
  context.progress({ done, total: rows.length, label: 'sweep done' });
  return { values, base: run.base, ...(source.values && { source: source.values }), method: 'positions' };
};

const refuseNaN = (
  exact: Exact,
  { base, source, readout, paths }: PathSweepRequest,
  { index, prompt }: PathRow,
  value: number,
  context: Context
): Promise<void> =>
  refuseNaNRow(
    value,
    prompt,
    {
      base,
      source,
      readout,
      what: `a path from '${paths[index].sender.hook}'`,
      naively: (one, quiet) => pathSweepWhole(exact, { ...one, paths: [paths[index]] }, quiet)
    },
    context
  );

const pathRows = (exact: Exact, paths: readonly Path[], prompts: number): readonly PathRow[] =>
  paths.flatMap(({ sender, receivers }, index) => {
    const hook = servedHook(exact.anatomy, sender.hook, false).name;
    checkPath(exact, hook, receivers);
    const patch = { ...sender, hook: isEmbedding(hook) ? exact.units.hooks.stream(0) : hook };
    return Array.from({ length: prompts }, (_, prompt) => ({ patch, receivers, index, prompt }));
  });

/** Scales, norms and positions lie between it and the stream: the other run's own first stream tells what it comes to. */
const isEmbedding = (hook: string): boolean => hook.endsWith('hook_embed');

/** Rows of one sender's hook whose receivers are the same. */
const byReceivers = (rows: readonly PathRow[]): readonly (readonly PathRow[])[] => {
  const groups = new Map<string, PathRow[]>();
  rows.forEach(row => {
    const key = JSON.stringify(row.receivers);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  });
  return [...groups.values()];
};

const runPaths = async (
  exact: Exact,
  run: Run,
  parts: EntryParts,
  rows: readonly PathRow[]
): Promise<readonly number[]> => {
  const { base, units } = parts;
  const [{ patch, receivers }] = rows;
  const all = Array.from({ length: base.length }, (_, position) => position);
  const batch: Batch = {
    prompts: rows.map(({ prompt }) => prompt),
    active: rows.map(({ patch: { pos }, prompt }) => {
      const positions = [...(pos ?? all)].sort((a, b) => a - b);
      return run.reaches(prompt, positions) ? positions : [];
    })
  };
  if (tokenCount(batch) === 0) {
    return batch.prompts.map(prompt => run.base[prompt]);
  }
  const written = await difference(parts, patch.hook, batch, rows);
  if (receivers === 'logits') {
    const end = base.hook(units.hooks.stream(units.hooks.layers));
    return run.read({ batch, packed: sum(gatherTokens(end, batch, base.length), written) });
  }
  const layer = layerOf(receivers[0].hook);
  const stream = sum(gatherTokens(base.hook(units.hooks.stream(layer)), batch, base.length), written);
  const changes = await received(exact, parts, layer, batch, stream, receivers);
  return run.read(await run.chain.fromHeads(layer, batch, changes));
};

const sum = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, at) => value + b[at]);

/** What the senders' change adds to the stream at the active tokens. */
const difference = async (
  parts: EntryParts,
  hook: string,
  batch: Batch,
  rows: readonly PatchRow[]
): Promise<Float32Array> => {
  const { units, base } = parts;
  const after = changed(parts, hook, batch, rows).packed;
  if (!hook.endsWith('hook_z')) {
    const before = gatherTokens(base.hook(hook), batch, base.length);
    return after.map((value, at) => value - before[at]);
  }
  const layer = layerOf(hook);
  const tokens = tokenCount(batch);
  const stream = base.hook(units.hooks.stream(layer));
  const target = units.hooks.hasMid(layer) ? units.hooks.of(layer, 'hook_resid_mid') : units.hooks.stream(layer + 1);
  const inputs = [
    { dims: [1, tokens, ...base.hook(hook).token], data: after },
    { dims: [1, tokens, ...stream.token], data: gatherTokens(stream, batch, base.length) }
  ];
  const [{ data }] = await units.run('output', layer, inputs, units.sizes(1, tokens), await units.tokenContext(tokens));
  const before = gatherTokens(base.hook(target), batch, base.length);
  return data.map((value, at) => value - before[at]);
};

/** Queries, keys and values from a changed stream: the receivers' own heads and positions, the rest as it was. */
const received = async (
  { anatomy }: Exact,
  { units, base }: EntryParts,
  layer: number,
  batch: Batch,
  stream: Float32Array,
  receivers: readonly Patch[]
): Promise<Partial<Record<HeadPart, Float32Array>>> => {
  const tokens = tokenCount(batch);
  const { token } = base.hook(units.hooks.stream(layer));
  const values = [{ dims: [1, tokens, ...token], data: stream }];
  const found = await units.run('project', layer, values, units.sizes(1, tokens), await units.tokenContext(tokens));
  const changes: Partial<Record<HeadPart, Float32Array>> = {};
  (['q', 'k', 'v'] as const).forEach((part, at) => {
    const name = units.hooks.of(layer, `attn.hook_${part}`);
    const wanted = receivers.filter(({ hook }) => servedHook(anatomy, hook, false).name === name);
    if (wanted.length > 0) {
      changes[part] = chosen(base, base.hook(name), batch, found[at].data, wanted);
    }
  });
  return changes;
};

const chosen = (
  base: BaseRun,
  store: Stored,
  batch: Batch,
  values: Float32Array,
  receivers: readonly Patch[]
): Float32Array => {
  const packed = gatherTokens(store, batch, base.length);
  const [heads] = store.token;
  const size = store.width / heads;
  batch.active.flat().forEach((position, at) => {
    for (const { heads: wanted, pos } of receivers) {
      if (pos === undefined || pos.includes(position)) {
        for (const head of wanted ?? Array.from({ length: heads }, (_, i) => i)) {
          const start = at * store.width + head * size;
          packed.set(values.subarray(start, start + size), start);
        }
      }
    }
  });
  return packed;
};
