import type { Node } from '../onnx/model';
import { floatAttribute } from './attributes';
import { storedAs, type Facts } from './facts';
import { NORM_KINDS, TRANSPARENT } from './op-classes';

/** A normalisation of the last axis, one node or several: output = standardised(input) · weight + bias. */
export interface Norm {
  readonly kind: 'layer' | 'rms';
  readonly input: string;
  readonly output: string;
  /** Initialisers. */
  readonly weight?: string;
  readonly bias?: string;
  readonly epsilon: number;
  readonly node: string;
}

/** The graph's norms by what they write and by what they read. */
export interface Norms {
  get(output: string): Norm | undefined;
  /** Norms of this tensor, casts and reshapes of rows aside. */
  reading(input: string): readonly Norm[];
}

export const findNorms = (facts: Facts): Norms => {
  const norms = facts.nodes.flatMap(node => single(facts, node) ?? byLength(facts, node) ?? spelledOut(facts, node));
  const byOutput = new Map(norms.map(norm => [norm.output, norm]));
  const byInput = new Map<string, Norm[]>();
  for (const norm of norms) {
    const input = facts.streamOrigin(norm.input);
    byInput.set(input, [...(byInput.get(input) ?? []), norm]);
  }
  return { get: output => byOutput.get(output), reading: input => byInput.get(facts.streamOrigin(input)) ?? [] };
};

/** The norm that a tensor comes out of, casts and reshapes of rows aside. */
export const normOf = (facts: Facts, norms: Norms, tensor: string): Norm | undefined => {
  let at: string | undefined = tensor;
  while (at !== undefined) {
    const norm = norms.get(at);
    const node = facts.producer(at);
    if (norm || !node || facts.streamOrigin(at) === at) {
      return norm;
    }
    at = node.inputs[0];
  }
  return undefined;
};

const single = (facts: Facts, node: Node): readonly Norm[] | undefined => {
  const kind = NORM_KINDS.get(node.opType);
  const norm = kind && {
    kind,
    input: node.inputs[0],
    output: node.outputs[0],
    weight: storedAs(facts, node.inputs[1]),
    bias: storedAs(facts, node.inputs[2]),
    epsilon: floatAttribute(node, 'epsilon') ?? 1e-5,
    node: node.name
  };
  return norm && (standardises(facts, node) ? affines(facts, norm.output).map(own => over(norm, own)) : [norm]);
};

/** The operator's weight is ones and it has no bias: the model's own weight and bias, if any, are nodes behind it. */
const standardises = (facts: Facts, { inputs: [, weight, bias] }: Node): boolean =>
  !bias && weight !== undefined && Boolean(facts.numbers(weight)?.every(value => value === 1));

const over = (norm: Norm, { output, weight, bias }: Affine): Norm => ({
  ...norm,
  output,
  weight: weight ?? norm.weight,
  bias
});

/**
 * x / √(mean x² + ε), and the same of x − mean x: found from the mean of the squares, followed to the product or
 * quotient that has x among its operands, then over the weight and the bias.
 */
const spelledOut = (facts: Facts, mean: Node): readonly Norm[] => {
  const base = mean.opType === 'ReduceMean' ? squared(facts, mean.inputs[0]) : undefined;
  const scaled = base === undefined ? undefined : applied(facts, mean.outputs[0], base);
  if (base === undefined || !scaled) {
    return [];
  }
  const centred = facts.producer(base);
  const isCentred = centred?.opType === 'Sub' && isMeanOf(facts, centred.inputs[1], centred.inputs[0]);
  return affines(facts, scaled.output).map(affine => ({
    kind: isCentred ? 'layer' : 'rms',
    input: isCentred ? centred.inputs[0] : base,
    ...affine,
    epsilon: scaled.epsilon,
    node: mean.name
  }));
};

/** √d · x / max(‖x‖, ε): the root mean square by way of the length. */
const byLength = (facts: Facts, length: Node): readonly Norm[] | undefined => {
  const base = length.opType === 'ReduceL2' ? facts.origin(length.inputs[0]) : undefined;
  const width = base === undefined ? undefined : facts.shape(base)?.at(-1);
  const unit = base === undefined ? undefined : applied(facts, length.outputs[0], base)?.output;
  const [node] = unit === undefined ? [] : facts.consumers(unit);
  const factor = facts.values(node?.inputs.find(input => input !== unit) ?? '');
  const root =
    node?.opType === 'Mul' && factor?.length === 1 && Math.abs(Number(factor[0]) / Math.sqrt(Number(width)) - 1) < 1e-6;
  return base !== undefined && root
    ? affines(facts, node.outputs[0]).map(own => ({ kind: 'rms', input: base, ...own, epsilon: 0, node: length.name }))
    : undefined;
};

/** x, where the tensor is x². */
const squared = (facts: Facts, tensor: string): string | undefined => {
  const node = facts.producer(facts.origin(tensor));
  const square =
    (node?.opType === 'Pow' && facts.values(node.inputs[1])?.[0] === 2) ||
    (node?.opType === 'Mul' && node.inputs[0] === node.inputs[1]);
  return square ? facts.origin(node!.inputs[0]) : undefined;
};

const isMeanOf = (facts: Facts, tensor: string, of: string): boolean => {
  const node = facts.producer(facts.origin(tensor));
  return node?.opType === 'ReduceMean' && facts.origin(node.inputs[0]) === facts.origin(of);
};

const ON_THE_WAY = new Set(['Add', 'Sqrt', 'Reciprocal', 'Div', 'Pow', 'Cast', 'Max', 'Clip', 'Expand', 'Identity']);
const MOST_STEPS = 8;

/** From the mean of squares to x · 1/√…; ε is the constant that is added on the way. */
const applied = (facts: Facts, from: string, base: string): { output: string; epsilon: number } | undefined => {
  let at = from;
  let epsilon = 0;
  for (let step = 0; step < MOST_STEPS; step++) {
    const [node] = facts.consumers(at);
    const others = node?.inputs.filter(input => input !== at) ?? [];
    if ((node?.opType === 'Mul' || node?.opType === 'Div') && others.some(input => facts.origin(input) === base)) {
      return { output: node.outputs[0], epsilon };
    }
    if (!node || !ON_THE_WAY.has(node.opType)) {
      return undefined;
    }
    const added = node.opType === 'Add' ? facts.values(others[0])?.[0] : undefined;
    epsilon = typeof added === 'number' ? added : epsilon;
    at = node.outputs[0];
  }
  return undefined;
};

interface Affine {
  readonly output: string;
  readonly weight?: string;
  readonly bias?: string;
}

/** One, or several where norms of one tensor share the standardisation and differ in weight and bias (parallel blocks). */
const affines = (facts: Facts, from: string): readonly Affine[] => {
  const at = behindCasts(facts, from);
  const readers = facts.consumers(at);
  const shared = readers.length > 1 ? readers.map(reader => weightedBy(facts, at, reader, 'Mul')) : [];
  return shared.length > 0 && shared.every(found => found !== undefined)
    ? shared.map(weighted => shifted(facts, weighted))
    : [affine(facts, from)];
};

const behindCasts = (facts: Facts, from: string): string => {
  const readers = facts.consumers(from);
  return readers.length === 1 && TRANSPARENT.has(readers[0].opType) ? readers[0].outputs[0] : from;
};

/** Over casts to the weight, then the bias: constants of one axis, whose only reader's input is the norm. */
const affine = (facts: Facts, from: string): Affine => {
  const weighted = constantOperand(facts, from, 'Mul');
  return weighted ? shifted(facts, weighted) : { output: from };
};

const shifted = (facts: Facts, weighted: Weighted): Affine => {
  const bias = constantOperand(facts, weighted.output, 'Add');
  return { output: bias?.output ?? weighted.output, weight: weighted.operand, bias: bias?.operand };
};

interface Weighted {
  readonly output: string;
  readonly operand: string | undefined;
}

const weightedBy = (facts: Facts, tensor: string, node: Node, opType: string): Weighted | undefined => {
  const operand = node.inputs.find(input => input !== tensor);
  return node.opType === opType && operand && facts.isConstant(operand) && (facts.shape(operand)?.length ?? 9) <= 1
    ? { output: node.outputs[0], operand: storedAs(facts, operand) }
    : undefined;
};

const constantOperand = (facts: Facts, from: string, opType: string): Weighted | undefined => {
  let at = from;
  for (let step = 0; step < 3; step++) {
    const readers = facts.consumers(at);
    const [node] = readers;
    if (readers.length !== 1 || facts.isOutput(at)) {
      return undefined;
    }
    const found = weightedBy(facts, at, node, opType);
    if (found || !TRANSPARENT.has(node.opType)) {
      return found;
    }
    at = node.outputs[0];
  }
  return undefined;
};
