import type { Node } from '../onnx/model';
import type { OutScale, Projection } from './anatomy';
import type { Facts } from './facts';
import { findProjection, isLayer, layerInput } from './linear';
import { EXPERTS } from './op-classes';
import { behindScale } from './out-scale';
import { normOf, type Norm, type Norms } from './norms';

/** A branch that is added to the residual stream and ends in a layer. */
export interface Branch {
  readonly node: Node;
  /** What is added. */
  readonly added: string;
  /** The residual operand. */
  readonly before: string;
  readonly after: string;
}

/** The names that a tensor of the stream goes by: itself and what casts and reshapes of its rows make of it. */
const aliases = (facts: Facts, tensor: string): readonly string[] => {
  const origin = facts.streamOrigin(tensor);
  const names = [origin];
  for (let i = 0; i < names.length; i++) {
    const copies = facts.consumers(names[i]).map(node => node.outputs[0]);
    names.push(...copies.filter(copy => !names.includes(copy) && facts.streamOrigin(copy) === origin));
  }
  return names;
};

/** The Adds of an activation to `base`, other than those in `known`. */
export const additionsTo = (facts: Facts, base: string, known: ReadonlySet<Node>): readonly Branch[] =>
  aliases(facts, base).flatMap(name =>
    facts.consumers(name).flatMap(node => {
      const other = node.opType === 'Add' && !known.has(node) ? node.inputs.find(input => input !== name) : undefined;
      return other !== undefined && facts.isActivation(other)
        ? [{ node, added: other, before: name, after: node.outputs[0] }]
        : [];
    })
  );

export interface MlpParts {
  readonly kind: 'plain' | 'gated' | 'other';
  readonly out?: Projection;
  /** Norm between the last layer and the residual stream, and constants behind it. */
  readonly postNorm?: Norm;
  readonly outScale?: OutScale;
  /** Before the activation function; of the gate where there is one. */
  readonly gate?: Projection;
  readonly in?: Projection;
  /** What the last layer reads, seen through reshapes. */
  readonly post?: string;
  /** The activation that the first layers read, seen through reshapes, and its norm. */
  readonly reads?: string;
  readonly readsNorm?: Norm;
  readonly activation?: string;
}

const STRAIGHT = new Set(['Identity', 'Cast', 'Dropout', 'Reshape', 'Add', 'Mul', 'DynamicQuantizeLinear', 'Flatten']);
const UNBENT = new Set(['Identity', 'Cast', 'Dropout', 'Reshape', 'Add', 'Split', 'Slice']);
export const CURVES: ReadonlyMap<string, string> = new Map([
  ['Tanh', 'gelu-tanh'],
  ['Erf', 'gelu'],
  ['Gelu', 'gelu'],
  ['FastGelu', 'gelu-tanh'],
  ['BiasGelu', 'gelu'],
  ['QuickGelu', 'gelu-sigmoid'],
  ['Sigmoid', 'silu'],
  ['Swish', 'silu'],
  ['Relu', 'relu'],
  ['Softplus', 'softplus'],
  ['HardSwish', 'hard-swish'],
  ['LeakyRelu', 'leaky-relu'],
  ['PRelu', 'leaky-relu'],
  ['Elu', 'elu'],
  ['Celu', 'elu'],
  ['Selu', 'selu'],
  ['Softsign', 'softsign'],
  ['Mish', 'mish'],
  ['HardSigmoid', 'hard-sigmoid']
]);
const BENT = new Set([
  ...UNBENT,
  ...CURVES.keys(),
  'Mul',
  'Div',
  'Sub',
  'Pow',
  'Exp',
  'Neg',
  'Clip',
  'Where',
  'Max',
  'Min'
]);

/** The parts behind what is added to the residual stream; undefined when it does not end in a layer. */
export const mlpParts = (facts: Facts, norms: Norms, added: string): MlpParts | undefined => {
  const { tensor, scale } = behindScale(facts, at => normOf(facts, norms, at) !== undefined, added);
  const postNorm = normOf(facts, norms, tensor);
  const last = postNorm?.input ?? tensor;
  const out = endsInOne(facts, last) ? findProjection(facts, norms, last, STRAIGHT) : undefined;
  if (!out) {
    return undefined;
  }
  const post = layerInput(facts, out.input);
  const first = firstLayers(facts, norms, beforeInnerNorm(facts, norms, post));
  const reads = first.gate ?? first.in;
  const direct = reads && layerInput(facts, reads.input);
  return {
    out,
    post,
    ...first,
    ...(postNorm && { postNorm }),
    ...(scale && { outScale: scale }),
    ...(direct !== undefined && { reads: direct, readsNorm: normOf(facts, norms, direct) }),
    activation: activationBefore(facts, beforeInnerNorm(facts, norms, post))
  };
};

/** What a norm between the activation function and the last layer reads (BitNet); not the stream, which is a sum. */
const beforeInnerNorm = (facts: Facts, norms: Norms, post: string): string => {
  const read = normOf(facts, norms, post)?.input;
  return read === undefined || facts.producer(facts.streamOrigin(read))?.opType === 'Add'
    ? post
    : layerInput(facts, read);
};

/** Nothing but constants is added to its last layer or multiplies it: no other expert's, and no gate. */
const endsInOne = (facts: Facts, from: string): boolean => {
  let at = from;
  for (let step = 0; step < MOST_STRAIGHT; step++) {
    const node = facts.producer(at);
    if (!node || isLayer(facts, node) || !STRAIGHT.has(node.opType)) {
      return true;
    }
    const live = node.inputs.filter(facts.isActivation);
    if (new Set(live).size > 1 && (node.opType === 'Add' || node.opType === 'Mul')) {
      return false;
    }
    at = live[0] ?? node.inputs[0];
  }
  return true;
};

const MOST_STRAIGHT = 20;
const MOST_BEHIND = 2000;

/**
 * What is added to the stream and is computed from it over layers, but does not end in one: a mixture of experts, whose parts are
 * not looked for. `start`: origins of the stream and of its norms.
 */
export const mixture = (facts: Facts, added: string, start: ReadonlySet<string>): MlpParts | undefined => {
  const queue = [added];
  const seen = new Set(queue);
  let layers = 0;
  let reads: string | undefined;
  for (let i = 0; i < queue.length && i < MOST_BEHIND; i++) {
    const node = facts.producer(queue[i]);
    if (start.has(facts.streamOrigin(queue[i]))) {
      reads ??= queue[i];
      continue;
    }
    layers += node ? layersIn(facts, node) : 0;
    for (const input of node?.inputs.filter(name => facts.isActivation(name) && !seen.has(name)) ?? []) {
      seen.add(input);
      queue.push(input);
    }
  }
  return reads !== undefined && layers > 1 && queue.length < MOST_BEHIND ? { kind: 'other' } : undefined;
};

/** A layer, also one whose weights are picked by the expert (gpt-oss), or all of a mixture's. */
const layersIn = (facts: Facts, node: Node): number => {
  const picked = node.opType === 'MatMul' && facts.isActivation(node.inputs[0]) && !facts.isActivation(node.inputs[1]);
  return EXPERTS.has(node.opType) ? LAYERS_OF_AN_EXPERT : Number(picked || isLayer(facts, node));
};

const LAYERS_OF_AN_EXPERT = 2;

/** Gated: post = f(gate) · in. Plain: post = f(in). */
const firstLayers = (facts: Facts, norms: Norms, post: string): Pick<MlpParts, 'kind' | 'gate' | 'in'> => {
  const node = facts.producer(unshifted(facts, post));
  const operands = node?.opType === 'Mul' ? node.inputs.filter(facts.isActivation) : [];
  const straight = operands.map(operand => unbent(facts, norms, operand));
  const linear = straight.findIndex(projection => projection !== undefined);
  const gate = linear < 0 ? undefined : findProjection(facts, norms, operands[1 - linear] ?? '', BENT);
  const linearLayer = linear < 0 ? undefined : straight[linear];
  if (gate && linearLayer && operands.length === 2 && !sameColumns(gate, linearLayer)) {
    return { kind: 'gated', gate, in: linearLayer };
  }
  const layers = layersBehind(facts, norms, post);
  const plain = layers.size === 1 ? findProjection(facts, norms, post, BENT) : undefined;
  return plain ? { kind: 'plain', in: plain } : { kind: 'other' };
};

/** Before a constant that is added (a bias behind the gate). */
const unshifted = (facts: Facts, tensor: string): string => {
  const node = facts.producer(tensor);
  const live = node?.opType === 'Add' ? node.inputs.filter(input => !facts.isConstant(input)) : [];
  return live.length === 1 ? live[0] : tensor;
};

const sameColumns = (a: Projection, b: Projection): boolean =>
  a.node === b.node && a.output === b.output && a.columns?.[0] === b.columns?.[0];

/** A layer's output, perhaps with its bias, but bent by nothing. */
const unbent = (facts: Facts, norms: Norms, tensor: string): Projection | undefined => {
  let at = tensor;
  for (let step = 0; step < 8; step++) {
    const node = facts.producer(at);
    if (!node || isLayer(facts, node)) {
      return node && findProjection(facts, norms, tensor, UNBENT);
    }
    const live = node.inputs.filter(facts.isActivation);
    if (!UNBENT.has(node.opType) || live.length !== 1) {
      return undefined;
    }
    at = live[0];
  }
  return undefined;
};

const MOST_TENSORS = 60;

const behind = (facts: Facts, norms: Norms | undefined, from: string, visit: (node: Node) => boolean): void => {
  const queue = [from];
  const seen = new Set(queue);
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    if (!node || norms?.get(queue[i]) || visit(node)) {
      continue;
    }
    for (const input of node.inputs.filter(facts.isActivation)) {
      if (!seen.has(input)) {
        seen.add(input);
        queue.push(input);
      }
    }
  }
};

const layersBehind = (facts: Facts, norms: Norms, from: string): ReadonlySet<Node> => {
  const layers = new Set<Node>();
  behind(facts, norms, from, node => {
    if (isLayer(facts, node)) {
      layers.add(node);
    }
    return isLayer(facts, node) || !BENT.has(node.opType);
  });
  return layers;
};

const activationBefore = (facts: Facts, from: string): string | undefined => {
  const found = new Set<string>();
  behind(facts, undefined, from, node => {
    const name = CURVES.get(node.opType);
    if (name) {
      found.add(name);
    }
    return isLayer(facts, node) || !BENT.has(node.opType);
  });
  return found.size === 1 ? [...found][0] : undefined;
};
