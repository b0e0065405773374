import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import type { Subject } from '../subject';
import type { SweepRequest } from '../sweep';
import { captureRun, chainHooks, type BaseRun } from './base-run';
import type { UnembedColumns } from './unembed-columns';
import type { Units } from './units';
import { quietly } from './whole';

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
  /** Activations are rounded by one scale for the whole tensor, so that tokens of a run change one another: each row travels by itself, and whole. */
  readonly alone: boolean;
}

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
