import { toFloat64 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';
import type { Block, NormPart, Tower } from './anatomy';
import { affine, standardise, type ReadMatrix } from './layer-maths';

/** Two sides of an identity, element by element: one as the file's run gave it, the other computed in float64. */
export interface Sides {
  readonly file: Float64Array;
  readonly computed: Float64Array;
  /** Elements to compare; all where absent. */
  readonly where?: (i: number) => boolean;
}

/** What the checks of one tower read. */
export interface CheckContext {
  readonly tower: Tower;
  readonly probe: readonly (readonly number[])[];
  /** A hook of this tower; undefined when it was not captured. */
  hook(name: string): Tensor | undefined;
  readonly read: ReadMatrix;
  /** Logits of the tower: untouched model, observed model, unembedding alone. */
  readonly logits: { readonly bare?: Tensor; readonly observed?: Tensor; readonly suffix?: Tensor };
}

/** Sides to compare; a string says why it cannot be checked; undefined where the model has no such part. */
export type Outcome = Sides | string | undefined;

export const values = (tensor: Tensor): Float64Array => toFloat64(tensor);

type Numbers = Record<string, Float64Array>;

/** The named hooks of one block as numbers, or undefined when one of them is not there. */
export const hooksOf = (context: CheckContext, layer: number, names: readonly string[]): Numbers | undefined => {
  const found = names.map(name => context.hook(name.startsWith('/') ? name.slice(1) : `blocks.${layer}.${name}`));
  return found.every(tensor => tensor !== undefined)
    ? Object.fromEntries(names.map((name, i) => [name, values(found[i]!)]))
    : undefined;
};

/** Every fifth row, three of a probe's fourteen and some of both sequences: a wrong weight shows in any, and wide models stay quick. */
const EVERY = 5;

export const someRows = (x: Float64Array, width: number): Float64Array => {
  const picked = Array.from({ length: Math.ceil(x.length / width / EVERY) }, (_, i) => i * EVERY);
  const out = new Float64Array(picked.length * width);
  picked.forEach((row, i) => out.set(x.subarray(row * width, (row + 1) * width), i * width));
  return out;
};

export const against = (file: Float64Array, width: number, computed: Float64Array | string): Outcome =>
  typeof computed === 'string' ? computed : { file: someRows(file, width), computed };

export const normOf = ({ norms }: Block, role: NormPart['role']): NormPart | undefined =>
  norms.find(norm => norm.role === role);

export const isParallel = ({ mlp, residMid }: Block): boolean => mlp !== undefined && residMid === undefined;

/** What q, k and v read: the first norm's output, or the stream itself. */
export const attentionInput = ({ tower }: CheckContext, block: Block): string =>
  tower.norm.placement !== 'post' && normOf(block, 'ln1') ? 'ln1.hook_out' : 'hook_resid_pre';

export const behindNorm = (
  { tower, read }: CheckContext,
  y: Float64Array | string,
  norm: NormPart | undefined
): Float64Array | string =>
  typeof y === 'string' || !norm ? y : affine(standardise(y, norm, tower.dModel), norm, read, tower.dModel);
