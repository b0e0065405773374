import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import { servedHook } from '../hook-names';
import type { Intervention } from '../interventions/interventions';
import type { Patch, Path, PathSweepRequest, SweepResult } from '../sweep';
import { PARTS, type HeadChanges, type HeadPart, type Travel } from './chain';
import { checkPatch } from './check-patch';
import { changed, type EntryParts, type PatchRow } from './entries';
import { captureBase, type Exact } from './exact-parts';
import { proven, provenColumns } from './prove-chain';
import { checkReadout } from './readout';
import { pathHooks, pathStreams } from './path-streams';
import { gatherTokens, tokenCount, widened, type Batch, type Stored } from './stored';
import { refuseNaNRow } from './refuse-nan-row';
import { quietly } from './whole';
import { chunks, collector, travelling } from './sweep-rows';
import { createRun, type Run } from './sweep-run';
import { sourceOf } from './sweep-source';
import { checkPath, layerOf, pathSweepWhole } from './whole-paths';

interface PathRow extends PatchRow {
  readonly receivers: Path['receivers'];
}

/** The pieces can make them: what the sender writes reaches the receivers by sums, or by the blocks' own additions and norms. */
export const pathsAreExact = (exact: Pick<Exact, 'tower' | 'alone'>, paths: readonly Path[], prefix: string): boolean =>
  paths.every(
    ({ sender, receivers }) =>
      sender.hook.startsWith(prefix) &&
      !(receivers !== 'logits' && receivers.some(({ hook }) => hook.includes('cross_attn')))
  ) &&
  (!isRemade(exact) || exact.tower.blocks.every(({ mlp, residMid }) => mlp && residMid));

/** Streams between sender and receiver are made anew by the file's own nodes: norms lie between, or an addition in another order would be rounded to another step. */
const isRemade = ({ tower, alone }: Pick<Exact, 'tower' | 'alone'>): boolean =>
  tower.norm.placement === 'post' || alone;

/**
 * Direct paths, exactly: what the sender writes into the stream is changed, the receivers' queries, keys or values are computed anew from
 * the changed stream, norms included, and only they go on. No attention or MLP is run between sender and receiver, so that all senders of a
 * receiver are rows of one batch.
 */
export const pathSweepExact = async (
  exact: Exact,
  request: PathSweepRequest,
  context: Context
): Promise<SweepResult> => {
  const { base: ids, paths, readout } = request;
  const rows = pathRows(exact, paths, ids.length);
  const hooks = [...new Set(rows.map(({ patch }) => patch.hook))];
  const base = await captureBase(exact, ids, [...hooks, ...pathHooks(exact, isRemade(exact))], context);
  const [, length, vocabulary] = base.logits.dims;
  checkReadout(readout, ids.length, length, vocabulary);
  paths.forEach(({ sender, receivers }) =>
    [sender, ...(receivers === 'logits' ? [] : receivers)].forEach(patch => checkPatch(exact.anatomy, patch, length))
  );
  if (!(await proven(exact, base, readout.positions)) && !exact.alone) {
    throw new Error('cut impossible: tokens cannot travel packed');
  }
  const columns = readout.columns && (await provenColumns(exact, base, readout.columns[0]));
  const run = createRun({ ...exact, columns }, base, request, !exact.alone, context);
  const source = await sourceOf(exact, request, hooks, context);
  const embedded = await embeddedSource(exact, request, context);
  const parts: EntryParts = {
    units: exact.units,
    base,
    chain: run.chain,
    source: hook => (hook === exact.units.hooks.stream(0) ? embedded : source.tensor(hook))
  };
  request.onStart?.(run.base, source.values);
  const values = new Float64Array(paths.length * ids.length);
  const give = collector(ids.length, values, request.onPath);
  const moved = travelling(rows, run, give);
  let done = rows.length - moved.length;
  for (const group of chunks(moved, length, exact.units.pace, run)) {
    context.progress({ done, total: rows.length, label: `path ${done + 1} of ${rows.length}` });
    for (const same of byReceivers(group)) {
      const results = await runPaths({ ...exact, columns }, run, parts, same);
      for (const [index, row] of same.entries()) {
        await refuseNaN(exact, request, row, results[index], context);
        give(row, results[index]);
      }
    }
    done += group.length;
  }
  context.progress({ done, total: rows.length, label: 'sweep done' });
  return {
    values,
    base: run.base,
    ...(source.values && { source: source.values }),
    method: exact.tower.causal && !exact.alone ? 'positions' : 'layers'
  };
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

const isEmbedding = (hook: string): boolean => hook.endsWith('hook_embed');

/**
 * The base run's first stream with the sender's embeddings in it: scales, norms and positions lie between them, and positions may be counted from the ids
 * (RoBERTa), so that the other run's own first stream is not the same. Undefined where no path starts there.
 */
const embeddedSource = async (
  { forward, anatomy, units }: Exact,
  { base, source, paths }: PathSweepRequest,
  context: Context
): Promise<Tensor | undefined> => {
  const sender = paths.find(path => isEmbedding(path.sender.hook))?.sender;
  if (!sender) {
    return undefined;
  }
  const hook = servedHook(anatomy, sender.hook, false).name;
  const first = units.hooks.stream(0);
  const value =
    source.kind === 'run' && (await forward({ ids: source.ids, hooks: [hook] }, quietly(context))).get(hook);
  const list: Intervention[] = [value ? { hook, op: 'set', value } : { hook, op: 'zero' }];
  const changed = { ids: base, hooks: [first], interventions: { list }, allowUnverified: true };
  return (await forward(changed, quietly(context))).get(first);
};

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
  const { units } = parts;
  const [{ receivers }] = rows;
  const sent = sentBy(exact, run, parts, rows);
  const { batch } = sent;
  const layers = receivers === 'logits' ? [units.hooks.layers] : layersOf(receivers);
  const streams = await pathStreams(parts, isRemade(exact), rows[0].patch.hook, sent, layers);
  if (receivers === 'logits') {
    return run.read({ batch, packed: streams[0] });
  }
  const changes = new Map<number, HeadChanges>();
  for (const [at, layer] of layers.entries()) {
    changes.set(layer, await received(exact, parts, layer, batch, streams[at], receivers));
  }
  const chain = layers.length > 1 ? run.fixing(fixing(exact, parts, batch, changes, receivers)) : run.chain;
  return run.read(await chain.fromHeads(layers[0], batch, changes.get(layers[0])!));
};

/** The senders' hook with its other values, at the positions that they change, or at all. */
const sentBy = ({ alone }: Exact, run: Run, parts: EntryParts, rows: readonly PathRow[]): Travel => {
  const { base } = parts;
  const [{ patch }] = rows;
  const batch: Batch = {
    prompts: rows.map(({ prompt }) => prompt),
    active: rows.map(({ patch: { pos }, prompt }) => run.active(prompt, pos))
  };
  const sent = changed(parts, patch.hook, batch, rows);
  if (!alone) {
    return sent;
  }
  const all = Array.from({ length: base.length }, (_, position) => position);
  const whole = { ...batch, active: rows.map(() => all) };
  return { batch: whole, packed: widened(base.hook(patch.hook), batch, sent.packed, whole, base.length) };
};

const layersOf = (receivers: readonly Patch[]): readonly number[] =>
  [...new Set(receivers.map(({ hook }) => layerOf(hook)))].sort((a, b) => a - b);

/** Queries, keys and values from a changed stream: the receivers' own heads and positions, the rest as it was. */
const received = async (
  exact: Exact,
  { units, base }: EntryParts,
  layer: number,
  batch: Batch,
  stream: Float32Array,
  receivers: readonly Patch[]
): Promise<HeadChanges> => {
  const tokens = tokenCount(batch);
  const { token } = base.hook(units.hooks.stream(layer));
  const values = [{ dims: [1, tokens, ...token], data: stream }];
  const found = await units.run('project', layer, values, units.sizes(1, tokens), await units.tokenContext(tokens));
  const changes: Partial<Record<HeadPart, Float32Array>> = {};
  PARTS.forEach((part, at) => {
    const name = units.hooks.of(layer, `attn.hook_${part}`);
    const wanted = receiversOf(exact, receivers, name);
    if (wanted.length > 0) {
      const store = base.hook(name);
      const own = gatherTokens(store, batch, base.length);
      changes[part] = overlaid(store, { batch, packed: own }, found[at].data, wanted);
    }
  });
  return changes;
};

/** In blocks behind the first receivers, the others have what reached them straight from the sender, whatever the first ones change. */
const fixing =
  (
    exact: Exact,
    { units, base }: EntryParts,
    batch: Batch,
    changes: ReadonlyMap<number, HeadChanges>,
    receivers: readonly Patch[]
  ) =>
  (layer: number, part: HeadPart, travel: Travel): Float32Array => {
    const held = changes.get(layer)?.[part];
    if (held === undefined) {
      return travel.packed;
    }
    const name = units.hooks.of(layer, `attn.hook_${part}`);
    const store = base.hook(name);
    const values = widened(store, batch, held, travel.batch, base.length);
    return overlaid(store, travel, values, receiversOf(exact, receivers, name));
  };

const receiversOf = ({ anatomy }: Exact, receivers: readonly Patch[], name: string): readonly Patch[] =>
  receivers.filter(({ hook }) => servedHook(anatomy, hook, false).name === name);

/** The travelling tokens with the receivers' heads and positions from `values`, which are of the same tokens. */
const overlaid = (
  { token: [heads], width }: Stored,
  { batch, packed }: Travel,
  values: Float32Array,
  receivers: readonly Patch[]
): Float32Array => {
  const result = packed.slice();
  const size = width / heads;
  batch.active.flat().forEach((position, at) => {
    for (const { heads: wanted, pos } of receivers) {
      if (pos === undefined || pos.includes(position)) {
        for (const head of wanted ?? Array.from({ length: heads }, (_, i) => i)) {
          const start = at * width + head * size;
          result.set(values.subarray(start, start + size), start);
        }
      }
    }
  });
  return result;
};
