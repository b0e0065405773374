import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import type { Subject } from '../subject';
import type { Patch, SweepRequest, SweepResult } from '../sweep';
import { captureRun, chainHooks, type BaseRun } from './base-run';
import { createChain, type Chain, type ChainParts, type Travel } from './chain';
import { checkPatch } from './check-patch';
import { changedPositions, commonPrefix } from './common-prefix';
import { checkValues } from './check-values';
import { entryHooks, entryOf, type EntryParts, type PatchRow } from './entries';
import { checkReadout, readLogits, readParts, readToken } from './readout';
import { gatherTokens, type Batch } from './stored';
import type { UnembedColumns } from './unembed-columns';
import type { Units } from './units';
import { refuseNaNRow } from './refuse-nan-row';
import type { Pace } from './pace';
import { quietly, sweepWhole } from './whole';

/** What exact sweeps of one model work with. */
export interface Exact {
  readonly units: Units;
  readonly anatomy: Anatomy;
  readonly tower: Tower;
  readonly logits: string;
  readonly forward: Subject['forward'];
  readonly facts: Subject['facts'];
  /** Final norm and unembedding: [1, token, d_model] → [1, token, d_vocab]. */
  readonly unembed: (residual: Tensor) => Promise<Tensor>;
  /** Columns of the unembedding alone, where the file has them as plain numbers. */
  readonly columns: UnembedColumns | undefined;
}

/** Milliseconds without a look at waiting messages. */
const UNHEARD = 50;

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
  for (const group of chunks(rows, base.length, exact.units.pace, run)) {
    context.progress({ done, total, label: `patch ${done + 1} of ${total}` });
    const results = await runRows({ ...exact, columns }, run, base, source.tensor, group);
    for (const [index, row] of group.entries()) {
      await refuseNaN(exact, request, row, results[index], context);
      give(row, results[index]);
    }
    done += group.length;
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

/** Streams, heads and what the entries need of the unpatched run. */
export const captureBase = (
  exact: Exact,
  ids: SweepRequest['base'],
  extra: readonly string[],
  context: Context
): Promise<BaseRun> => {
  const names = [...new Set([...chainHooks(exact.units.hooks), ...extra])];
  return captureRun(exact.forward, names, ids, exact.logits, quietly(context));
};

/** Deviation of the chain from the model's own run, relative to its largest value: re-association in single precision, tenfold. */
const TOLERANCE = 1e-4;
const HALF_TOLERANCE = 2e-2;

/**
 * The chain is run on the base run itself, once with every token and once with the second half of them; its streams must be the model's own. True where tokens can
 * travel packed, false where only whole rows do. Throws where neither gives the model's numbers.
 */
export const proven = async (exact: Exact, base: BaseRun, read: readonly (readonly number[])[]): Promise<boolean> => {
  const { units, tower } = exact;
  const last = base.hook(units.hooks.stream(units.hooks.layers));
  const [all, half] = [0, Math.floor(base.length / 2)].map(start =>
    Array.from({ length: base.length - start }, (_, i) => start + i)
  );
  const everywhere = read.map(() => all);
  const deviation = async (packed: boolean): Promise<number> => {
    const chain = createChain({
      units,
      base,
      causal: tower.causal,
      packed,
      read: everywhere,
      step: async () => undefined
    });
    const batch: Batch = { prompts: [0, base.ids.length - 1], active: [all, half] };
    const start = gatherTokens(base.hook(units.hooks.stream(0)), batch, base.length);
    const end = await chain.fromStream(0, { batch, packed: start });
    return largestDeviation(end.packed, gatherTokens(last, end.batch, base.length));
  };
  const tolerance = units.half ? HALF_TOLERANCE : TOLERANCE;
  if ((await deviation(true).catch(() => Infinity)) <= tolerance) {
    return true;
  }
  const error = await deviation(false);
  if (!(error <= tolerance)) {
    throw new Error(`cut impossible: the chain of blocks is off by ${error} of the stream's largest value`);
  }
  return false;
};

/** The columns' way, where it gives the model's own logits at the last position of the first prompt. */
export const provenColumns = async (
  exact: Exact,
  base: BaseRun,
  ids: readonly number[]
): Promise<UnembedColumns | undefined> => {
  const { units, columns } = exact;
  const stream = base.hook(units.hooks.stream(units.hooks.layers));
  const position = base.length - 1;
  const packed = stream.data.subarray(position * stream.width, (position + 1) * stream.width);
  const read = columns && (await readTokens(exact, packed, stream.width, [ids]).catch(() => undefined));
  const own = readToken(base.logits, 0, position, undefined);
  const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const holds =
    read &&
    ids.every((id, at) => Math.abs(read[0][at] - own[id]) <= (units.half ? HALF_TOLERANCE : TOLERANCE) * largest);
  return holds ? columns : undefined;
};

const largestDeviation = (a: Float32Array, b: Float32Array): number => {
  let [worst, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    worst = difference <= worst ? worst : Number.isNaN(difference) ? Infinity : difference;
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return a.length === b.length ? worst / (largest || 1) : Infinity;
};

/** One sweep's chain and its way of reading. */
export interface Run {
  readonly chain: Chain;
  /** A chain in which some queries, keys and values of later blocks are fixed. */
  fixing(fixed: ChainParts['fixed']): Chain;
  readonly base: readonly number[];
  /** Positions that differ behind the attention of a change at these. */
  spread(positions: readonly number[]): number;
  /** The positions of a prompt that a patch changes; none where nothing of that is read. */
  active(prompt: number, pos: readonly number[] | undefined): readonly number[];
  read(travel: Travel): Promise<readonly number[]>;
}

export const createRun = (
  exact: Exact,
  base: BaseRun,
  request: Pick<SweepRequest, 'base' | 'source' | 'readout'>,
  packed: boolean,
  context: Context
): Run => {
  const { readout } = request;
  const { tower, units } = exact;
  const { causal } = tower;
  const heard = otherTasks();
  const step = async (): Promise<void> => {
    await heard();
    context.signal.throwIfAborted();
  };
  const parts = { units, base, causal, packed, read: readout.positions, step };
  return {
    chain: createChain(parts),
    fixing: fixed => createChain({ ...parts, fixed }),
    base: base.ids.map((_, prompt) => readLogits(base.logits, prompt, readout, prompt)),
    spread: positions =>
      positions.length === 0 ? 0 : causal && packed ? base.length - Math.min(...positions) : base.length,
    active: (prompt, pos) => {
      const positions = changedPositions(pos, base.length, commonPrefix(tower, request, prompt));
      return !causal || readout.positions[prompt].some(position => position >= positions[0]) ? positions : [];
    },
    read: travel => readTravel(exact, base, readout, travel)
  };
};

/** Lets waiting messages (a cancel) be heard; a timer costs a millisecond and more, so not before each of a thousand short steps. */
const otherTasks = (): (() => Promise<void>) => {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > UNHEARD) {
      await new Promise(resolve => setTimeout(resolve));
      last = performance.now();
    }
  };
};

/** The readout of each row: its own logits where it reaches a position, the base run's elsewhere. */
const readTravel = async (
  exact: Exact,
  base: BaseRun,
  readout: SweepRequest['readout'],
  { batch, packed }: Travel
): Promise<readonly number[]> => {
  const { width } = base.hook(exact.units.hooks.stream(exact.units.hooks.layers));
  const wanted = batch.active.map((positions, row) =>
    positions.map(position => readout.positions[batch.prompts[row]].includes(position))
  );
  const flat = wanted.flat();
  const kept = new Float32Array(flat.filter(Boolean).length * width);
  let to = 0;
  flat.forEach((want, token) => {
    if (want) {
      kept.set(packed.subarray(token * width, (token + 1) * width), to);
      to += width;
    }
  });
  const ids = wanted.flatMap((flags, row) => flags.filter(Boolean).map(() => readout.columns?.[batch.prompts[row]]));
  const tokens = await readTokens(exact, kept, width, ids);
  let at = 0;
  return batch.prompts.map((prompt, row) => {
    const own = new Map(
      batch.active[row].flatMap((position, index) => (wanted[row][index] ? [[position, tokens[at++]] as const] : []))
    );
    const parts = readout.positions[prompt].map(
      position => own.get(position) ?? readToken(base.logits, prompt, position, readout.columns?.[prompt])
    );
    return readParts(parts, readout, prompt);
  });
};

/** What a readout sees of each token, [token, width] of the last stream. */
const readTokens = async (
  exact: Exact,
  packed: Float32Array,
  width: number,
  ids: readonly (readonly number[] | undefined)[]
): Promise<readonly Float32Array[]> => {
  const parts: Float32Array[] = [];
  const { columns, units } = exact;
  if (columns && ids.length > 0 && ids.every(list => list !== undefined)) {
    const values = { dims: [1, ids.length, width], data: packed };
    const [{ data }] = await units.run('last', units.hooks.layers - 1, [values], units.sizes(1, ids.length), {});
    const size = data.length / ids.length;
    return ids.map((list, token) => columns(data.subarray(token * size, (token + 1) * size), list!));
  }
  for (let at = 0; at < ids.length; at += parts.length - at) {
    const count = Math.min(units.pace.size('unembed'), ids.length - at);
    const started = performance.now();
    const data = packed.subarray(at * width, (at + count) * width);
    const logits = await exact.unembed({ dims: [1, count, width], type: 'float32', data });
    units.pace.record('unembed', 'unembed', count, performance.now() - started);
    for (let token = 0; token < count; token++) {
      parts.push(readToken(logits, 0, token, ids[at + token]).slice());
    }
  }
  return parts;
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

export interface Sourced {
  readonly tensor: (hook: string) => Tensor | undefined;
  readonly values?: readonly number[];
}

/** What is put in the patches' places. */
export const sourceOf = async (
  exact: Exact,
  { source, readout, base }: Pick<SweepRequest, 'source' | 'readout' | 'base'>,
  hooks: readonly string[],
  context: Context
): Promise<Sourced> => {
  if (source.kind === 'zero') {
    return { tensor: () => undefined };
  }
  if (source.kind === 'values') {
    return { tensor: source.of };
  }
  if (source.ids.length !== base.length || source.ids[0]?.length !== base[0]?.length) {
    throw new Error(
      `source of wrong size: ${source.ids.length} rows of ${source.ids[0]?.length} tokens, the base has ${base.length} of ${base[0]?.length}`
    );
  }
  const run = await captureRun(exact.forward, hooks, source.ids, exact.logits, quietly(context));
  return {
    tensor: run.tensor,
    values: source.ids.map((_, prompt) => readLogits(run.logits, prompt, readout, prompt))
  };
};

/** Prompts of one patch together, late entries first. */
const orderedRows = (patches: readonly Patch[], prompts: number): readonly PatchRow[] =>
  patches
    .map((patch, index) => ({ patch, index, order: entryOf(patch.hook)!.order }))
    .sort((a, b) => b.order - a.order || a.index - b.index)
    .flatMap(({ patch, index }) => Array.from({ length: prompts }, (_, prompt) => ({ patch, index, prompt })));

/** The rows that change something that is read; the others have the base run's value at once. */
export const travelling = <R extends PatchRow>(
  rows: readonly R[],
  { active, base }: Run,
  give: (row: R, value: number) => void
): readonly R[] => {
  const idle = (row: R): boolean => active(row.prompt, row.patch.pos).length === 0;
  rows.filter(idle).forEach(row => give(row, base[row.prompt]));
  return rows.filter(row => !idle(row));
};

/** Rows of one hook that travel together, as many as run in a short time by what was measured until then. */
export function* chunks<R extends PatchRow>(
  rows: readonly R[],
  length: number,
  pace: Pace,
  run: Pick<Run, 'spread' | 'active'>
): Generator<readonly R[]> {
  let chunk: R[] = [];
  let tokens = 0;
  for (const row of rows) {
    const own = run.spread(run.active(row.prompt, row.patch.pos));
    const fits = tokens + own <= pace.size('tokens') && (chunk.length + 1) * length <= pace.size('grid');
    if (chunk.length > 0 && !(fits && chunk[0].patch.hook === row.patch.hook)) {
      yield chunk;
      chunk = [];
      tokens = 0;
    }
    chunk.push(row);
    tokens += own;
  }
  if (chunk.length > 0) {
    yield chunk;
  }
}

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

/** Takes rows' values, and gives those of each patch when all its prompts are there. */
export const collector = (
  prompts: number,
  values: Float64Array,
  give: ((index: number, values: readonly number[]) => void) | undefined
) => {
  const missing = new Uint32Array(values.length / prompts).fill(prompts);
  return ({ index, prompt }: PatchRow, value: number): void => {
    const at = index * prompts;
    values[at + prompt] = value;
    if (--missing[index] === 0) {
      give?.(index, [...values.subarray(at, at + prompts)]);
    }
  };
};
