import type { BaseRun } from './base-run';
import { createChain } from './chain';
import type { Exact } from './exact-parts';
import { readToken } from './readout';
import { readTokens } from './read-travel';
import { gatherTokens, type Batch } from './stored';
import type { UnembedColumns } from './unembed-columns';

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
  const batch: Batch = { prompts: [0, base.ids.length - 1], active: [all, half] };
  const batches = exact.alone
    ? batch.prompts.map((prompt, row) => ({ prompts: [prompt], active: [batch.active[row]] }))
    : [batch];
  const deviation = async (packed: boolean): Promise<number> => {
    const chain = createChain({
      units,
      base,
      causal: tower.causal,
      packed,
      read: everywhere,
      step: async () => undefined
    });
    const deviations: number[] = [];
    for (const one of batches) {
      const start = gatherTokens(base.hook(units.hooks.stream(0)), one, base.length);
      const end = await chain.fromStream(0, { batch: one, packed: start });
      deviations.push(largestDeviation(end.packed, gatherTokens(last, end.batch, base.length)));
    }
    return Math.max(...deviations);
  };
  const tolerance = units.half ? HALF_TOLERANCE : TOLERANCE;
  if (!exact.alone && (await deviation(true).catch(() => Infinity)) <= tolerance) {
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
