import type { Node } from '../onnx/model';
import { intAttribute } from './attributes';
import { scoreAxes, valueAxes } from './shapes/einsum';
import type { Facts } from './facts';
import type { Axis } from './operand';

/** One attention: softmax(q·kᵀ …)·v, found from its Softmax. Tensor names. */
export interface Anchor {
  readonly softmax: Node;
  /** The softmax's input, without the sink's column. */
  readonly scores: string;
  /** A constant that the softmax takes beside the scores, one number a head, and that no value belongs to (Xiao et al. 2024; gpt-oss). */
  readonly sink?: string;
  /** What multiplies v. */
  readonly pattern: string;
  readonly z: string;
  /** Operands of q·kᵀ: [.., query_pos, dim] and [.., dim, key_pos]. */
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** What their axes mean, where they are not in the order of a matrix product. */
  readonly axes: Readonly<Partial<Record<'q' | 'k' | 'v' | 'z', readonly Axis[]>>>;
  /** The product's output, before mask and whatever else. */
  readonly products: string;
}

/** Every Softmax that is an attention, in the graph's order. The others (routers, outputs) are none. */
export const findAnchors = (facts: Facts): readonly Anchor[] =>
  facts.nodes.filter(node => node.opType === 'Softmax').flatMap(softmax => anchorOf(facts, softmax) ?? []);

const anchorOf = (facts: Facts, softmax: Node): Anchor | undefined => {
  const rank = facts.shape(softmax.inputs[0])?.length;
  const axis = intAttribute(softmax, 'axis') ?? -1;
  if (axis !== -1 && rank !== undefined && axis !== rank - 1) {
    return undefined;
  }
  const after = findValues(facts, softmax.outputs[0]);
  const { scores, sink } = besideSink(facts, softmax.inputs[0]);
  const before = after && findQueryKey(facts, scores);
  return (
    before && {
      softmax,
      scores,
      ...(sink !== undefined && { sink }),
      ...after,
      ...before,
      axes: { ...before.axes, ...after.axes }
    }
  );
};

/** Scores and a constant column behind them, perhaps less the largest of each row. */
const besideSink = (facts: Facts, from: string): Pick<Anchor, 'scores' | 'sink'> => {
  const shift = facts.producer(from);
  const largest = shift?.opType === 'Sub' ? facts.producer(shift.inputs[1]) : undefined;
  const shifted = largest?.opType === 'ReduceMax' && largest.inputs[0] === shift!.inputs[0];
  const joined = shifted ? facts.producer(shift!.inputs[0]) : shift;
  const [scores, column, ...more] = joined?.opType === 'Concat' ? joined.inputs : [];
  const axis = joined && intAttribute(joined, 'axis');
  const last = axis === -1 || (axis !== undefined && axis === (facts.shape(from)?.length ?? 0) - 1);
  const sink = column === undefined || more.length > 0 || !last ? undefined : constantBehind(facts, column);
  return sink === undefined ? { scores: from } : { scores, sink };
};

const SPREADING = new Set(['Expand', 'Reshape', 'Unsqueeze', 'Cast', 'Identity', 'Tile']);

/** The numbers that are spread over batch and queries. */
const constantBehind = (facts: Facts, from: string): string | undefined => {
  let at = from;
  for (let step = 0; step < MOST_LEVELS && !facts.isConstant(at); step++) {
    const node = facts.producer(at);
    if (!node || !SPREADING.has(node.opType)) {
      return undefined;
    }
    at = node.inputs[0];
  }
  return facts.isConstant(at) ? (facts.weight(at)?.name ?? at) : undefined;
};

/** Softmaxes of queries and keys that are fed, not computed: the cache that a step of a decoder gets of its encoder. */
export const fedAttentions = (facts: Facts): readonly Node[] =>
  facts.nodes.filter(node => node.opType === 'Softmax' && productOf(facts, node.inputs[0], isFed) !== undefined);

const isFed = (facts: Facts, { opType, inputs: [left, right] }: Node): boolean =>
  MATRIX_PRODUCTS.has(opType) && facts.isActivation(left) && facts.isInput(behindRearranging(facts, right));

const behindRearranging = (facts: Facts, tensor: string): string => {
  let at = facts.origin(tensor);
  for (let step = 0; step < 6; step++) {
    const node = facts.producer(at);
    if (!node || !['Transpose', 'Reshape', 'Mul', 'Div'].includes(node.opType)) {
      break;
    }
    at = facts.origin(node.inputs[0]);
  }
  return at;
};

/** Backwards from scores, breadth first, to a product of the kind. */
const productOf = (facts: Facts, from: string, fits: (facts: Facts, node: Node) => boolean): Node | undefined => {
  const queue = [from];
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    if (node && fits(facts, node)) {
      return node;
    }
    for (const input of node && BACKWARDS.has(node.opType) ? node.inputs.filter(facts.isActivation) : []) {
      if (!queue.includes(input)) {
        queue.push(input);
      }
    }
  }
  return undefined;
};

const MATRIX_PRODUCTS = new Set(['MatMul', 'FusedMatMul']);
const FORWARDS = new Set(['Where', 'Cast', 'Identity', 'Dropout', 'Mul', 'Reshape', 'Slice', 'Split']);
const MOST_LEVELS = 8;

/** Forwards, breadth first, to the product whose left operand the weights are. */
const findValues = (facts: Facts, from: string): Pick<Anchor, 'pattern' | 'z' | 'v' | 'axes'> | undefined => {
  let level = [from];
  for (let depth = 0; depth <= MOST_LEVELS && level.length; depth++) {
    const next: string[] = [];
    for (const tensor of level) {
      for (const node of facts.consumers(tensor)) {
        if (MATRIX_PRODUCTS.has(node.opType) && node.inputs[0] === tensor && facts.isActivation(node.inputs[1])) {
          return { pattern: tensor, z: node.outputs[0], v: node.inputs[1], axes: {} };
        }
        const product = valueAxes(node, tensor);
        const v = product && node.inputs[product.first ? 1 : 0];
        if (product && v !== undefined && facts.isActivation(v)) {
          return { pattern: tensor, z: node.outputs[0], v, axes: { v: product.one, z: product.other } };
        }
        if (FORWARDS.has(node.opType)) {
          next.push(...node.outputs);
        }
      }
    }
    level = next;
  }
  return undefined;
};

const BACKWARDS = new Set(
  'Add Sub Mul Div Where Cast Identity Dropout Tanh Max Min Clip Reshape Unsqueeze Squeeze Transpose Concat'.split(' ')
);
const MOST_TENSORS = 60;

/** Backwards, breadth first, to the product of two activations. */
const findQueryKey = (facts: Facts, from: string): Pick<Anchor, 'q' | 'k' | 'products' | 'axes'> | undefined => {
  const queue = [from];
  const seen = new Set(queue);
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    if (!node) {
      continue;
    }
    const [left, right] = node.inputs;
    if (MATRIX_PRODUCTS.has(node.opType) && facts.isActivation(left) && facts.isActivation(right)) {
      return { q: left, k: right, products: node.outputs[0], axes: {} };
    }
    const product = facts.isActivation(left) && facts.isActivation(right) ? scoreAxes(node) : undefined;
    if (product) {
      const [q, k] = product.first ? [left, right] : [right, left];
      return { q, k, products: node.outputs[0], axes: { q: product.one, k: product.other } };
    }
    for (const input of BACKWARDS.has(node.opType) ? node.inputs.filter(facts.isActivation) : []) {
      if (!seen.has(input)) {
        seen.add(input);
        queue.push(input);
      }
    }
  }
  return undefined;
};
