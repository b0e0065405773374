import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import type { SweepRequest, SweepResult } from '../sweep';
import type { BaseRun } from './base-run';
import { checkPatch } from './check-patch';
import { checkValues } from './check-values';
import { entryHooks, entryOf, type EntryParts, type PatchRow } from './entries';
import { captureBase, type Exact } from './exact-parts';
import { proven, provenColumns } from './prove-chain';
import { checkReadout } from './readout';
import { refuseNaNRow } from './refuse-nan-row';
import type { Batch } from './stored';
import { chunks, collector, orderedRows, travelling } from './sweep-rows';
import { createRun, type Run } from './sweep-run';
import { timeLeft } from './time-left';
import { sourceOf } from './sweep-source';
import { sweepWhole } from './whole';

/**
 * Each patch is a row that enters the chain of blocks where it acts; only the tokens that it can change travel on, packed, among the base run's
 * cached queries, keys and values. Exact up to re-association. Throws 'cut impossible: …' where the chain does not give the model's own numbers.
 */
export const sweepExact = async (exact: Exact, request: SweepRequest, context: Context): Promise<SweepResult> => {
  const { base: ids, patches, readout } = request;
  const hooks = [...new Set(patches.map(({ hook }) => hook))];
  const base = await captureBase(
    exact,
    ids,
    hooks.flatMap(hook => entryHooks(exact.units, hook)),
    context
  );
  const [, length, vocabulary] = base.logits.dims;
  checkReadout(readout, ids.length, length, vocabulary);
  patches.forEach(patch => checkPatch(exact.anatomy, patch, length));
  const packed = await proven(exact, base, readout.positions);
  const columns = readout.columns && (await provenColumns(exact, base, readout.columns[0]));
  const run = createRun({ ...exact, columns }, base, request, packed, context);
  const source = await sourceOf(exact, request, hooks, context);
  if (request.source.kind === 'values') {
    hooks.forEach(hook => checkValues(hook, source.tensor(hook)!, base.tensor(hook).dims));
  }
  request.onStart?.(run.base, source.values);
  const values = new Float64Array(patches.length * ids.length);
  const give = collector(ids.length, values, request.onPatch);
  const rows = travelling(orderedRows(patches, ids.length), run, give);
  const total = patches.length * ids.length;
  let done = total - rows.length;
  // Blocks behind a patch are what it costs; late layers come first.
  const work = ({ patch, prompt }: PatchRow): number =>
    run.spread(run.active(prompt, patch.pos)) * (exact.units.hooks.layers - entryOf(patch.hook)!.layer);
  const sum = (some: readonly PatchRow[]): number => some.reduce((whole, row) => whole + work(row), 0);
  const left = timeLeft(sum(rows));
  let worked = 0;
  for (const group of chunks(rows, base.length, exact.units.pace, run)) {
    const seconds = left(worked);
    const label = `patch ${done + 1} of ${total}`;
    context.progress({ done, total, label, ...(seconds !== undefined && { left: seconds }) });
    const results = await runRows({ ...exact, columns }, run, base, source.tensor, group);
    for (const [index, row] of group.entries()) {
      await refuseNaN(exact, request, row, results[index], context);
      give(row, results[index]);
    }
    done += group.length;
    worked += sum(group);
  }
  context.progress({ done, total, label: 'sweep done' });
  const causal = exact.tower.causal;
  return {
    values,
    base: run.base,
    ...(source.values && { source: source.values }),
    method: packed && causal ? 'positions' : 'layers'
  };
};

const runRows = async (
  exact: Exact,
  run: Run,
  base: BaseRun,
  source: (hook: string) => Tensor | undefined,
  rows: readonly PatchRow[]
): Promise<readonly number[]> => {
  const { hook } = rows[0].patch;
  const { enter, layer } = entryOf(hook)!;
  const batch: Batch = {
    prompts: rows.map(({ prompt }) => prompt),
    active: rows.map(({ patch, prompt }) => run.active(prompt, patch.pos))
  };
  const parts: EntryParts = { units: exact.units, base, chain: run.chain, source };
  return run.read(await enter(parts, layer, hook, batch, rows));
};

const refuseNaN = (
  exact: Exact,
  { base, source, readout }: SweepRequest,
  { patch, prompt }: PatchRow,
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
      what: `a patch of '${patch.hook}'`,
      naively: (one, quiet) => sweepWhole(exact, { ...one, patches: [patch] }, quiet)
    },
    context
  );
