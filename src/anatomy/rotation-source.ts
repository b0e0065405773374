import type { Node } from '../onnx/model';
import { product, type Dim } from './shapes/dims';
import type { Facts } from './facts';
import type { Axis, Located } from './operand';

const ROTATION = new Set(
  'Add Sub Mul Neg Concat Slice Split Gather Unsqueeze Squeeze Reshape Transpose Expand Cast Identity ScatterND'.split(
    ' '
  )
);
const JOINS = new Set(['Add', 'Sub', 'Concat']);
const MOST_ROTATION = 40;

/**
 * A rotation is any arithmetic that takes one tensor in and gives a tensor of the same shape out: the tensor that every
 * path backwards runs through is found, whatever the formula. What was rotated to give `rotated`, which `node` makes.
 */
export const rotationSource = (facts: Facts, node: Node, { tensor, axes }: Located): Located | undefined => {
  const shape = facts.shape(tensor);
  const sources = node.opType === 'RotaryEmbedding' ? [node.inputs[0]] : rotatedFrom(facts, node);
  const found = sources.flatMap(source => {
    const before = axesBefore(facts.shape(source), shape, axes);
    return before ? [{ tensor: source, axes: before }] : [];
  });
  return found[0];
};

/**
 * Where a rotation begins, nearest first. Pairs of neighbours lie along an axis of their own while they are rotated: reshaped
 * and parted before, joined and reshaped after.
 */
const rotatedFrom = (facts: Facts, node: Node): readonly string[] => {
  const join = node.opType === 'Reshape' ? facts.producer(facts.origin(node.inputs[0])) : node;
  const live = join?.inputs.filter(facts.isActivation) ?? [];
  const sources: string[] = [];
  let source = join && live.length > 1 && JOINS.has(join.opType) ? origin(facts, join) : undefined;
  while (source !== undefined && sources.length < 5) {
    sources.push(source);
    const before = facts.producer(source);
    source = before && RESHAPES.has(before.opType) ? before.inputs[0] : undefined;
  }
  return sources;
};

/** The axes of what is rotated: those of the result, or the heads still together. */
const axesBefore = (
  before: readonly Dim[] | undefined,
  after: readonly Dim[] | undefined,
  axes: readonly Axis[]
): readonly Axis[] | undefined => {
  if (sameShape(before, after)) {
    return axes;
  }
  const width = axes.join() === 'batch,pos,head,dim' && after ? product(after.slice(2)) : null;
  return width !== null && sameShape(before, [...after!.slice(0, 2), width]) ? ['batch', 'pos', 'width'] : undefined;
};

const RESHAPES = new Set(['Reshape', 'Cast', 'Identity', 'Unsqueeze', 'Squeeze', 'Split']);

/** The nearest tensor through which all activations that enter `join` run. */
const origin = (facts: Facts, join: Node): string | undefined => {
  const turned = ({ inputs }: Node): readonly string[] =>
    inputs.filter(input => facts.isActivation(input) && !isLookedUp(facts, input));
  const open = new Set(turned(join));
  const order = (tensor: string): number => {
    const node = facts.producer(tensor);
    return node ? facts.index.get(node)! : -1;
  };
  for (let step = 0; step < MOST_ROTATION && open.size > 0; step++) {
    if (open.size === 1) {
      return [...open][0];
    }
    const last = [...open].reduce((a, b) => (order(a) >= order(b) ? a : b));
    const node = facts.producer(last);
    if (!node || !ROTATION.has(node.opType)) {
      return undefined;
    }
    open.delete(last);
    turned(node).forEach(input => open.add(input));
  }
  return undefined;
};

const BESIDE_TABLES = new Set(
  'Reshape Expand Unsqueeze Squeeze Slice Split Cast Identity Transpose Tile Concat'.split(' ')
);

/** Rows of a constant table, picked by something that is none of the stream: cosines and sines of positions. */
const isLookedUp = (facts: Facts, tensor: string): boolean => {
  let node = facts.producer(tensor);
  for (let step = 0; step < 12 && node && BESIDE_TABLES.has(node.opType); step++) {
    node = facts.producer(node.inputs[0]);
  }
  return node?.opType === 'Gather' && facts.isConstant(node.inputs[0]) && !facts.isActivation(node.inputs[1]);
};

/** A size that the graph names and one seen in a run may be the same. */
const sameShape = (a: readonly Dim[] | undefined, b: readonly Dim[] | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.length === b.length &&
  a.every((dim, i) => dim === b[i] || dim === null || b[i] === null || typeof dim !== typeof b[i]);
