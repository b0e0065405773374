import type { Context } from '../context';
import type { SweepRequest } from '../sweep';
import type { BaseRun } from './base-run';
import { createChain, type Chain, type ChainParts, type Travel } from './chain';
import { changedPositions, commonPrefix } from './common-prefix';
import type { Exact } from './exact-parts';
import { readTravel } from './read-travel';
import { readLogits } from './readout';

/** Milliseconds without a look at waiting messages. */
const UNHEARD = 50;

/** One sweep's chain and its way of reading. */
export interface Run {
  readonly chain: Chain;
  /** A chain in which some queries, keys and values of later blocks are fixed. */
  fixing(fixed: ChainParts['fixed']): Chain;
  readonly base: readonly number[];
  /** Each row runs by itself. */
  readonly alone: boolean;
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
    alone: exact.alone,
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
