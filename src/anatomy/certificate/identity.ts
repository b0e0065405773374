import { numbersOf, type Numbers } from '../../onnx/numbers';
import type { Tensor } from '../../onnx/tensor';
import type { Anatomy, Block, NormPart, OutScale, Projection, Tower } from '../anatomy';
import type { Captured, Further } from './captured';
import { affine, project, standardise, type ReadMatrix } from './layer-maths';
import { roundActivations, roundBlocks } from './round-activations';
import { boundOn, roundOn } from './rounding';
import type { Meeting, Route } from './routes';
import { everyRow, fewRows, mixture } from './sample';
import type { Sampling } from './sampling';

/** Two sides of an identity, element by element: one as the file's run gave it, the other computed in float64. */
export interface Sides {
  readonly file: Numbers;
  readonly computed: Numbers;
  /** Elements to compare; all where absent. */
  readonly where?: (i: number) => boolean;
  /** What roundings by the file itself may make of a difference besides, absolute. */
  readonly slack?: number;
}

/** What the checks of one tower read. */
export interface CheckContext {
  readonly tower: Tower;
  readonly probe: readonly (readonly number[])[];
  /** A hook of this tower; undefined when it was not captured. */
  hook(name: string): Tensor | undefined;
  readonly read: ReadMatrix;
  /** Products are computed for every row, not for a sample. */
  readonly whole: boolean;
  /** Of the tower's positions the only ones that were captured, but of keys and values. */
  readonly places?: readonly number[];
  /** What a graph input was fed that is read instead of ids. */
  fed(name: string): Tensor | undefined;
  /** What the file itself rounds between two hooks, or an input and a hook. */
  route(from: string, to: string, meeting: Meeting): Route | string | undefined;
  /** An output of the untouched model, or of the unembedding alone. */
  output(name: string, of: 'bare' | 'suffix'): Tensor | undefined;
}

/** Sides to compare, or the error itself; a string says why it cannot be checked; undefined where the model has no such part. */
export type Outcome = Sides | number | string | undefined;

/** What a check found in one place. */
export interface Found {
  readonly at: string;
  /** Hooks in full that it read; absent where it speaks of every hook. */
  readonly hooks?: readonly string[];
  /** Weights and outputs that it read. */
  readonly tensors?: readonly string[];
  readonly outcome: Exclude<Outcome, undefined>;
  readonly because?: string;
}

/** What the checks of the file as a whole read. */
export interface FileContext {
  readonly anatomy: Anatomy;
  readonly captured: Captured;
  readonly probe: readonly (readonly number[])[];
  /** Of the other sequences, by their inputs. */
  readonly others: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** What is no number, by hook. */
  readonly strange: ReadonlyMap<string, string>;
  /** Of the full certificate. */
  readonly further?: Further;
  readonly sampling?: Sampling;
}

type Hooks = Record<string, Numbers>;

/** The named hooks of one block as numbers, or undefined when one of them is not there. */
export const hooksOf = (context: CheckContext, layer: number, names: readonly string[]): Hooks | undefined => {
  const found = names.map(name => context.hook(inBlock(layer, name)));
  return found.every(tensor => tensor !== undefined)
    ? Object.fromEntries(names.map((name, i) => [name, numbersOf(found[i]!)]))
    : undefined;
};

/** A block's hook by its name within the tower. */
export const inBlock = (layer: number, name: string): string =>
  name.startsWith('/') ? name.slice(1) : `blocks.${layer}.${name}`;

export const normOf = ({ norms }: Block, role: NormPart['role']): NormPart | undefined =>
  norms.find(norm => norm.role === role);

export const isParallel = ({ mlp, residMid }: Block): boolean => mlp !== undefined && residMid === undefined;

/** What q, k and v read: the first norm's output, or the stream itself. */
export const attentionInput = ({ tower }: CheckContext, block: Block): string =>
  tower.norm.placement !== 'post' && normOf(block, 'ln1') ? 'ln1.hook_out' : 'hook_resid_pre';

/** The stream in front of the MLP. */
export const beforeMlp = ({ tower }: CheckContext, { cross }: Block): string =>
  tower.norm.placement === 'post'
    ? `${cross ? 'ln2' : 'ln1'}.hook_out`
    : cross
      ? 'hook_resid_mid_cross'
      : 'hook_resid_mid';

/** What the cross-attention's queries read: the norm in front of it, or behind the self-attention's sum, or the stream. */
export const crossInput = ({ tower }: CheckContext, block: Block): string =>
  tower.norm.placement === 'post' ? 'ln1.hook_out' : normOf(block, 'ln2') ? 'ln2.hook_out' : 'hook_resid_mid';

export const behindNorm = (
  { tower, read }: CheckContext,
  y: Float64Array | string,
  norm: NormPart | undefined
): Float64Array | string =>
  typeof y === 'string' || !norm ? y : affine(standardise(y, norm, tower.dModel), norm, read, tower.dModel);

/** Times a number and a vector as wide as the stream. */
export const timesScale = (
  { tower, read }: CheckContext,
  y: Float64Array | string,
  scale: OutScale | undefined
): Float64Array | string => {
  if (typeof y === 'string' || !scale) {
    return y;
  }
  const scaled = y.map(value => value * scale.factor);
  return scale.weight === undefined ? scaled : affine(scaled, { weight: scale.weight }, read, tower.dModel);
};

/**
 * x [rows, width] as the layer's operator multiplies it; where that rounds by the run, each sequence of the probe was a run of its own; where it may
 * round by blocks, as it is rounded.
 */
export const asRead = (
  { probe }: Pick<CheckContext, 'probe'>,
  x: Numbers,
  { rounds }: Projection,
  width: number
): Numbers =>
  typeof rounds === 'number' ? roundBlocks(x, width, rounds) : rounds ? roundActivations(x, probe.length) : x;

/**
 * What is computed of x, and where its operator may round x in blocks how much that changes at most: the file's side is of either, or differs from
 * the rounded one where a number lies between two steps.
 */
export const bothReadings = (
  context: Pick<CheckContext, 'probe'>,
  x: Numbers,
  layer: Projection,
  width: number,
  compute: (x: Numbers) => Float64Array | string
): { readonly computed: Float64Array; readonly slack?: number } | string => {
  const computed = compute(asRead(context, x, layer, width));
  const plain = typeof layer.rounds === 'number' ? compute(x) : computed;
  if (typeof computed === 'string' || typeof plain === 'string') {
    return typeof computed === 'string' ? computed : (plain as string);
  }
  return computed === plain ? { computed } : { computed, slack: farthest(computed, plain) };
};

const farthest = (a: Float64Array, b: Float64Array): number => {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
  }
  return most;
};

interface Product {
  /** The product as the file's run gave it, [rows, to]. */
  readonly file: Numbers;
  /** [rows, from] */
  readonly x: Numbers;
  readonly from: number;
  readonly to: number;
  readonly projection: Projection;
  readonly route?: Route | string | undefined;
}

type Bend = (y: Float64Array | string) => Float64Array | string;

/** Both sides of x · W + b, or of what `bend` makes of its rows: every row in the full certificate, a sample in the quick one. */
export const product = (
  context: CheckContext,
  { file, x, from, to, projection, route }: Product,
  bend?: Bend
): Outcome => {
  if (route !== undefined) {
    return bend || typeof route === 'string'
      ? roundedAndBent(route)
      : roundedProduct(context, { file, x, from, to, projection, route });
  }
  const rows = context.whole ? everyRow : bend ? fewRows : mixture;
  const both = bothReadings(context, x, projection, from, read => {
    const y = project(rows(read, from), projection, context.read, to);
    return bend ? bend(y) : y;
  });
  return typeof both === 'string' ? both : { file: rows(file, to), ...both };
};

const roundedAndBent = (route: Route | string): string =>
  typeof route === 'string' ? route : 'it is rounded in front of what bends it';

/** The same of a layer that reads and gives rounded numbers: what it reads is rounded as the file does, what it gives within half a step. */
const roundedProduct = (
  context: CheckContext,
  { file, x, from, to, projection, route }: Product & { readonly route: Route }
): Outcome => {
  const rows = context.whole ? everyRow : fewRows;
  const read = roundOn(rows(asRead(context, x, projection, from), from), route.before);
  const { bias: _, ...plain } = projection;
  const bare = project(read, plain, context.read, to);
  const whole = project(read, projection, context.read, to);
  if (typeof bare === 'string') {
    return bare;
  }
  if (typeof whole === 'string') {
    return whole;
  }
  const { y, slack } = boundOn(bare, route.after, { add: (_tensor, at) => whole[at] - bare[at] });
  return { file: rows(file, to), computed: y, slack };
};

/** One after another. */
export const joined = (parts: readonly Numbers[]): Float64Array => {
  const out = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
};
