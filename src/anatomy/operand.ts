import type { Node } from '../onnx/model';
import { intAttribute, intsAttribute } from './attributes';
import type { Facts } from './facts';
import { normOf, type Norm, type Norms } from './norms';
import { TRANSPARENT } from './op-classes';
import { rotationSource } from './rotation-source';

/** What an axis of a query, key or value means; 'rows' is batch × head, 'width' head × dim, 'one' has one place. */
export type Axis = 'batch' | 'head' | 'pos' | 'dim' | 'rows' | 'width' | 'one';

/** A tensor and what its axes mean. */
export interface Located {
  readonly tensor: string;
  readonly axes: readonly Axis[];
}

/** A query, key or value followed backwards from the attention's product to the projection that made it. */
export interface Operand {
  /** As projected: before scale, rotation, norm and repetition of key/value heads. */
  readonly raw: Located;
  /** As rotated, before scale and repetition, behind a norm that comes after the rotation (HunYuan); absent without rotation. */
  readonly rotated?: Located;
  readonly norm?: Norm;
  /** Behind the norm. */
  readonly normed?: Located;
  /** Product of the constants that it is multiplied by; null where one is not known. */
  readonly scale: number | null;
  /** Key/value heads were repeated for the query heads. */
  readonly repeated: boolean;
  /** With earlier keys or values put before it, as rotated or before that; absent where the file takes none. */
  readonly cached?: Located & { readonly of: 'raw' | 'rotated' };
}

const MOST_STEPS = 40;

/** `from` is the operand of the product; `order` its last two axes, `known` all of them where they lie otherwise. Undefined when its rank is not 3 or 4, or not known. */
export const followOperand = (
  facts: Facts,
  norms: Norms,
  from: string,
  order: readonly ['pos', 'dim'] | readonly ['dim', 'pos'],
  known?: readonly Axis[]
): Operand | undefined => {
  const rank = facts.shape(from)?.length;
  if (rank !== 3 && rank !== 4) {
    return undefined;
  }
  const axes: readonly Axis[] = known ?? (rank === 4 ? ['batch', 'head', ...order] : ['rows', ...order]);
  let operand: Operand = { raw: { tensor: from, axes }, scale: 1, repeated: false };
  for (let step = 0; step < MOST_STEPS; step++) {
    const next = stepBack(facts, norms, operand);
    if (!next) {
      break;
    }
    operand = next;
  }
  return operand;
};

type Step = (facts: Facts, node: Node, operand: Operand, norms: Norms) => Operand | undefined;

const stepBack = (facts: Facts, norms: Norms, operand: Operand): Operand | undefined => {
  const node = facts.producer(operand.raw.tensor);
  for (const step of node ? STEPS : []) {
    const next = step(facts, node!, operand, norms);
    if (next) {
      return next;
    }
  }
  return undefined;
};

const moved = (operand: Operand, tensor: string, axes = operand.raw.axes): Operand => ({
  ...operand,
  raw: { tensor, axes }
});

const transparent: Step = (_, node, operand) =>
  TRANSPARENT.has(node.opType) ? moved(operand, node.inputs[0]) : undefined;

const transpose: Step = (_, node, operand) => {
  const perm = node.opType === 'Transpose' ? intsAttribute(node, 'perm') : undefined;
  const { axes } = operand.raw;
  if (!perm || perm.length !== axes.length || new Set(perm.filter(axis => axis in axes)).size !== axes.length) {
    return undefined;
  }
  const before = [...axes];
  perm.forEach((axis, i) => (before[axis] = axes[i]));
  return moved(operand, node.inputs[0], before);
};

/** A multiplication by one number that does not depend on activations. */
const scale: Step = (facts, node, operand) => {
  if (node.opType !== 'Mul' && node.opType !== 'Div') {
    return undefined;
  }
  const [data, factor] = facts.isActivation(node.inputs[0]) ? node.inputs : [...node.inputs].reverse();
  const size = facts.shape(factor);
  const single = size?.every(dim => dim === 1) && !facts.isActivation(factor);
  if (!single || (node.opType === 'Div' && data !== node.inputs[0])) {
    return undefined;
  }
  if (operand.rotated) {
    // Scaled, then rotated (ESM): the factor is in what was rotated.
    return moved(operand, data);
  }
  const value = facts.values(factor)?.[0];
  const known = typeof value === 'number' && operand.scale !== null;
  return {
    ...moved(operand, data),
    scale: known ? (node.opType === 'Mul' ? operand.scale * value : operand.scale / value) : null
  };
};

/** Queries or keys normalised head by head (Qwen 3). */
const headNorm: Step = (facts, node, operand, norms) => {
  const norm = operand.raw.axes.at(-1) === 'dim' ? normOf(facts, norms, operand.raw.tensor) : undefined;
  return norm && norm.output === node.outputs[0]
    ? { ...moved(operand, norm.input), norm, normed: operand.raw }
    : undefined;
};

/** Rotated once; what lies before is the operand as projected. */
const rotation: Step = (facts, node, operand) => {
  const source = operand.rotated ? undefined : rotationSource(facts, node, operand.raw);
  return source && moved({ ...operand, rotated: operand.normed ?? operand.raw }, source.tensor, source.axes);
};

/** Reshape(Expand(x)) over an axis of one behind the heads', most often a new one: each key/value head, several times in a row. */
const repetition: Step = (facts, node, operand) => {
  const { axes } = operand.raw;
  const head = axes.indexOf('head');
  const expand = node.opType === 'Reshape' ? facts.producer(facts.origin(node.inputs[0])) : undefined;
  if (axes.length !== 4 || head < 0 || !expand || !['Expand', 'Tile'].includes(expand.opType)) {
    return undefined;
  }
  const five = facts.shape(expand.inputs[0]);
  if (five?.length !== 5 || five[head + 1] !== 1) {
    return undefined;
  }
  const source = facts.producer(facts.origin(expand.inputs[0]))?.inputs[0];
  const four = source === undefined ? undefined : facts.shape(source);
  return four?.length === 4 && five[head] === four[head]
    ? { ...moved(operand, source!), repeated: true }
    : {
        ...moved(operand, expand.inputs[0], [...axes.slice(0, head + 1), 'one', ...axes.slice(head + 1)]),
        repeated: true
      };
};

/** An axis of one, put in and taken out again: what repeats key/value heads of which there is one for each query head. */
const undone: Step = (facts, node, operand) => {
  const unsqueeze = node.opType === 'Reshape' ? facts.producer(facts.origin(node.inputs[0])) : undefined;
  const source = unsqueeze?.opType === 'Unsqueeze' ? unsqueeze.inputs[0] : undefined;
  const after = facts.shape(operand.raw.tensor);
  const before = source === undefined ? undefined : facts.shape(source);
  const same = before?.length === after?.length && before?.every((dim, i) => dim !== null && dim === after![i]);
  return source !== undefined && same ? moved(operand, source) : undefined;
};

/** Concat(cache, new) along the positions: the new ones. */
const cache: Step = (facts, node, operand) => {
  const { axes } = operand.raw;
  const axis = intAttribute(node, 'axis') ?? 0;
  if (node.opType !== 'Concat' || node.inputs.length !== 2 || axes.at(axis) !== 'pos') {
    return undefined;
  }
  const [old, fresh] = node.inputs;
  return facts.isInput(facts.origin(old))
    ? { ...moved(operand, fresh), cached: { ...operand.raw, of: 'raw' } }
    : undefined;
};

/** Batch and head merged into one axis, or taken apart again. */
const mergeRows: Step = (facts, node, operand) => {
  const { axes } = operand.raw;
  const before = node.opType === 'Reshape' ? facts.shape(node.inputs[0]) : undefined;
  const after = facts.shape(operand.raw.tensor);
  const kept = before?.at(-1) === after?.at(-1) && before?.at(-2) === after?.at(-2) && after?.at(-1) !== null;
  if (!before || !kept) {
    return undefined;
  }
  if (axes[0] === 'rows' && before.length === 4) {
    return moved(operand, node.inputs[0], ['batch', 'head', ...axes.slice(1)]);
  }
  if (axes[0] === 'batch' && axes[1] === 'head' && before.length === 3) {
    return moved(operand, node.inputs[0], ['rows', ...axes.slice(2)]);
  }
  return before.length === axes.length && before.every((dim, i) => dim === after![i] && dim !== null)
    ? moved(operand, node.inputs[0])
    : undefined;
};

/** Scaled before the heads are parted (OPT): taken before the scale, heads still together. */
const flatScale: Step = (facts, node, operand, norms) => {
  const flat = node.opType === 'Reshape' ? facts.origin(node.inputs[0]) : undefined;
  const scaling = flat === undefined ? undefined : facts.producer(flat);
  const parted = operand.raw.axes.join() === 'batch,pos,head,dim' && facts.shape(flat ?? '')?.length === 3;
  return parted && scaling ? scale(facts, scaling, moved(operand, flat!, ['batch', 'pos', 'width']), norms) : undefined;
};

/** Normalised before the heads are parted, over all of them together (OLMo 2): taken before the norm, heads still together. */
const flatNorm: Step = (facts, node, operand, norms) => {
  const flat = node.opType === 'Reshape' && facts.shape(node.inputs[0])?.length === 3 ? node.inputs[0] : undefined;
  const norm =
    flat !== undefined && operand.raw.axes.join() === 'batch,pos,head,dim' ? normOf(facts, norms, flat) : undefined;
  return norm && { ...moved(operand, norm.input, ['batch', 'pos', 'width']), norm };
};

const STEPS: readonly Step[] = [
  transparent,
  transpose,
  headNorm,
  scale,
  rotation,
  repetition,
  undone,
  cache,
  mergeRows,
  flatScale,
  flatNorm
];
