import type { Tensor } from '../onnx/tensor';

/** Token ids, one row a prompt, all of one length. */
type Rows = readonly (readonly number[])[];

/** The place of one cell of a sweep: part of one hook. */
export interface Patch {
  /** In full, 'blocks.3.attn.hook_z'. */
  readonly hook: string;
  /** Of the hook's own head axis: key/value heads for k and v. Absent: all. */
  readonly heads?: readonly number[];
  /** Of the hook's position axis, the query's for patterns. Absent: all. */
  readonly pos?: readonly number[];
}

/** What is put there. */
export type PatchSource =
  /** The same place of another run, row by row. */
  | { readonly kind: 'run'; readonly ids: Rows }
  | { readonly kind: 'zero' }
  /** A tensor in the hook's shape, its batch axis 1 or the number of prompts: means, for instance. */
  | { readonly kind: 'values'; readonly of: (hook: string) => Tensor };

/** What is read from each patched run. */
export interface Readout {
  /** Positions of each prompt whose logits are read. */
  readonly positions: readonly (readonly number[])[];
  /** Ids of the vocabulary that are read, for each prompt; absent: all, which costs a whole unembedding. */
  readonly columns?: readonly (readonly number[])[];
  /** `logits` is [position, column] of one prompt, row by row. */
  readonly value: (logits: Float32Array, prompt: number) => number;
}

export interface SweepRequest {
  /** The run that is patched. */
  readonly base: Rows;
  readonly source: PatchSource;
  readonly patches: readonly Patch[];
  readonly readout: Readout;
  /** Called before the first patch with the readouts of the unpatched and of the source's run, by prompt. */
  readonly onStart?: (base: readonly number[], source: readonly number[] | undefined) => void;
  /** Called as values come, late layers first: `values` are those of one patch, by prompt. */
  readonly onPatch?: (patch: number, values: readonly number[]) => void;
}

/**
 * One direct path, as Wang et al. 2022 (arXiv 2211.00593) define it: the sender has its value of the other run, everything between the sender and
 * the receiver that is not the residual stream's sum keeps the base run's value, norms are computed anew, and what is behind the receiver is run.
 */
export interface Path {
  /** z of one or more heads, mlp_out, or hook_embed. */
  readonly sender: Patch;
  /** q, k, v of heads of a later block, or 'logits': the final norm and unembedding. Several: all at once. */
  readonly receivers: readonly Patch[] | 'logits';
}

export interface PathSweepRequest {
  readonly base: Rows;
  readonly source: { readonly kind: 'run'; readonly ids: Rows } | { readonly kind: 'zero' };
  readonly paths: readonly Path[];
  readonly readout: Readout;
  readonly onStart?: (base: readonly number[], source: readonly number[] | undefined) => void;
  readonly onPath?: (path: number, values: readonly number[]) => void;
}

export interface SweepResult {
  /** The readout of each patched run, [patch, prompt]. */
  readonly values: Float64Array;
  /** The readout of the unpatched run, by prompt. */
  readonly base: readonly number[];
  /** The readout of the source's run, by prompt; absent where the source is no run. */
  readonly source?: readonly number[];
  readonly method: SweepMethod;
}

/** 'positions': only blocks behind the patch and positions from it on; 'layers': only blocks behind it; 'whole': a whole forward a patch. */
export type SweepMethod = 'positions' | 'layers' | 'whole';

/** Said before a sweep starts. */
export interface SweepCost extends SweepTotals {
  /** Whole forwards that the operations amount to. */
  readonly work: number;
  /** On this machine, by what forwards took so far; absent where none was made. */
  readonly seconds?: number;
}

/** What follows from the request alone. */
export interface SweepTotals {
  /** Forwards of the whole model that the naive loop would make. */
  readonly forwards: number;
  /** Floating-point operations in matrix products. */
  readonly operations: number;
  /** Of activations, at their peak. */
  readonly bytes: number;
  /** Of the weights in sessions that would be made for the sweep; they are kept for the next one, which needs none. */
  readonly session: number;
  readonly method: SweepMethod;
}
