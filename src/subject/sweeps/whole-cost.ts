import type { Tower } from '../../anatomy/anatomy';
import type { Model } from '../../onnx/model';
import type { PathSweepRequest, SweepRequest, SweepTotals } from '../sweep';
import { SWEEP_ROWS } from './whole';

/** What whole forwards of one model take. */
export interface Size {
  /** Numbers of its matrices. */
  readonly matrices: number;
  /** Bytes of the weights in sessions with sites for interventions that would be made. */
  readonly session: number;
  readonly tower: Tower;
}

export const matricesOf = ({ graph }: Model): number =>
  graph.initializers.reduce(
    (sum, { dims }) => sum + (dims.length > 1 ? dims.reduce((product, dim) => product * dim, 1) : 0),
    0
  );

/** Of the naive loop: a whole forward a patch and prompt; logits of the two runs and of one chunk, and the source's values. */
export const wholeCost = (size: Size, { base, patches }: SweepRequest): SweepTotals => {
  const { dVocab, dModel } = size.tower;
  const [prompts, length] = [base.length, base[0]?.length ?? 0];
  const rows = Math.min(SWEEP_ROWS, patches.length * prompts);
  const hooks = new Set(patches.map(({ hook }) => hook)).size;
  return costOf(
    size,
    patches.length * prompts,
    length,
    length * ((2 * prompts + 2 * rows) * (dVocab ?? 0) + (hooks * prompts + rows) * dModel)
  );
};

/** Two forwards a path; every attention's and MLP's result of the base run is kept, and fed again. */
export const wholePathCost = (size: Size, { base, paths }: PathSweepRequest): SweepTotals => {
  const { dVocab, dModel, heads, dHead, layers } = size.tower;
  const tokens = base.length * (base[0]?.length ?? 0);
  const numbers = tokens * (4 * (dVocab ?? 0) + 2 * layers * (heads * dHead + dModel));
  return costOf(size, 2 * paths.length * base.length, base[0]?.length ?? 0, numbers);
};

const costOf = ({ matrices, session }: Size, forwards: number, length: number, numbers: number): SweepTotals => ({
  forwards,
  operations: 2 * matrices * length * forwards,
  bytes: 4 * numbers,
  session,
  method: 'whole'
});
