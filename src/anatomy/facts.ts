import { topologicalOrder } from '../graph/order';
import { usesOf } from '../graph/uses';
import type { Model, Node, TensorProto } from '../onnx/model';
import type { Weights } from '../onnx/weights';
import { intsAttribute } from './attributes';
import { canonical, type Before } from './shapes/canonical';
import type { Dim } from './shapes/dims';
import { followed } from './followed';
import { constantTensors, numbersOf } from './constants/numbers';
import {
  CONVOLUTIONS,
  FLAGS,
  FLAT_WEIGHTS,
  FUSED_ATTENTION,
  LINEAR,
  LOOK_UPS,
  NORM_KINDS,
  SIZE_ONLY,
  SKIP_NORM,
  TRANSPARENT
} from './op-classes';
import type { Known } from './shapes/known';
import { inferNode } from './shapes/shapes';
import { streamInputs } from './stream-inputs';
import { unrounded } from './unrounded';

/** Everything that one pass over the nodes tells about a graph; the searches of this folder read nothing else. */
export interface Facts {
  readonly model: Model;
  readonly weights: Weights;
  /** In topological order, and as `canonical` writes them: not the file's own objects. */
  readonly nodes: readonly Node[];
  readonly index: ReadonlyMap<Node, number>;
  producer(tensor: string): Node | undefined;
  consumers(tensor: string): readonly Node[];
  /** Depends on initialisers alone. */
  isConstant(tensor: string): boolean;
  /** Depends on weights and on what is fed, not merely on a size: a stream of the network. */
  isActivation(tensor: string): boolean;
  shape(tensor: string): readonly Dim[] | undefined;
  /** Elements, where they are few and known. */
  values(tensor: string): readonly Dim[] | undefined;
  /** All elements of an initialiser or a Constant, or the first `most`, as float64; undefined for anything else. */
  numbers(tensor: string, most?: number): Float64Array | undefined;
  /** Looks backwards through nodes that keep the values. */
  origin(tensor: string): string;
  /** As `origin`, and through reshapes that merge or part the rows of a stream and keep its width. */
  streamOrigin(tensor: string): string;
  /** The initialiser behind a constant tensor that is it, cast, dequantised or transposed. */
  weight(tensor: string): WeightUse | undefined;
  isOutput(tensor: string): boolean;
  isInput(tensor: string): boolean;
}

export interface WeightUse {
  readonly name: string;
  readonly transposed: boolean;
  /** As the initialiser has them, before a transposition. */
  readonly dims: readonly number[];
  /** The initialiser's numbers are the tensor's: nothing was dequantised on the way. */
  readonly exact: boolean;
}

/** The initialiser whose numbers a constant has; the constant itself where they are dequantised. */
export const storedAs = (facts: Pick<Facts, 'weight'>, tensor: string | undefined): string | undefined => {
  const use = tensor ? facts.weight(tensor) : undefined;
  return use && !use.exact ? tensor : use?.name;
};

/** Tensors' sizes as seen in a run, or known otherwise, where the graph alone does not tell them. */
export type Observed = ReadonlyMap<string, readonly Dim[]>;

const MOST_VALUES = 64;
const SMALLEST_TABLE = 64;

export const collectFacts = (model: Model, weights: Weights, observed: Observed = new Map()): Facts => {
  const { nodes: seen } = unrounded(model);
  const ordered = inOrder(seen) ? seen : topologicalOrder(seen);
  const protos = constantTensors(model);
  const { nodes, known, constants, activations } = propagate(model, weights, ordered, protos, observed);
  const uses = usesOf({ ...model.graph, nodes });
  const inputs = new Set(model.graph.inputs.map(input => input.name).filter(name => !protos.has(name)));
  const outputs = new Set(model.graph.outputs.map(output => output.name));
  const keepsWidth = ({ opType, inputs: [from], outputs: [to] }: Node): boolean => {
    const [before, after] = [known.get(from)?.shape, known.get(to)?.shape];
    const ranks = [before?.length, after?.length].join();
    return (
      opType === 'Reshape' &&
      ['2,3', '3,2'].includes(ranks) &&
      before!.at(-1) === after!.at(-1) &&
      after!.at(-1) !== null
    );
  };
  const producer = (tensor: string): Node | undefined => uses.producer(tensor)?.node;
  return {
    model,
    weights,
    nodes,
    index: new Map(nodes.map((node, i) => [node, i])),
    producer,
    consumers: tensor => [...new Set(uses.consumers(tensor).map(end => end.node))],
    isConstant: tensor => constants.has(tensor),
    isActivation: tensor => activations.has(tensor),
    shape: tensor => known.get(tensor)?.shape,
    values: tensor => known.get(tensor)?.values,
    numbers: (tensor, most) => {
      const proto = protos.get(tensor);
      return proto && numbersOf(tensor, proto, weights, most);
    },
    origin: followed(producer, ({ opType }) => TRANSPARENT.has(opType)),
    streamOrigin: followed(producer, node => TRANSPARENT.has(node.opType) || keepsWidth(node)),
    weight: tensor => weightUse(tensor, producer, protos),
    isOutput: tensor => outputs.has(tensor),
    isInput: tensor => inputs.has(tensor)
  };
};

/** Files are meant to be in order, and nearly all are: looking is cheaper than sorting. */
const inOrder = (nodes: readonly Node[]): boolean => {
  const places = new Map(nodes.flatMap((node, i) => node.outputs.map(output => [output, i] as const)));
  return nodes.every((node, i) => node.inputs.every(input => input === '' || (places.get(input) ?? -1) < i));
};

const weightUse = (
  tensor: string,
  producer: (tensor: string) => Node | undefined,
  protos: ReadonlyMap<string, TensorProto>
): WeightUse | undefined => {
  let at = tensor;
  let transposed = false;
  let exact = true;
  for (let proto = protos.get(at); ; proto = protos.get(at)) {
    if (proto) {
      return { name: at, transposed, dims: proto.dims, exact };
    }
    const node = producer(at);
    if (!node || !(TRANSPARENT.has(node.opType) || ROUNDINGS.has(node.opType) || isFlip(node))) {
      return undefined;
    }
    transposed = transposed !== isFlip(node);
    exact = exact && !ROUNDINGS.has(node.opType);
    at = node.inputs[0];
  }
};

const ROUNDINGS = new Set(['DequantizeLinear', 'QuantizeLinear']);

const isFlip = (node: Node): boolean => {
  const perm = intsAttribute(node, 'perm');
  return node.opType === 'Transpose' && (!perm || (perm.length === 2 && perm[0] === 1));
};

interface Propagated {
  readonly nodes: readonly Node[];
  readonly known: ReadonlyMap<string, Known>;
  readonly constants: ReadonlySet<string>;
  readonly activations: ReadonlySet<string>;
}

const propagate = (
  model: Model,
  weights: Weights,
  ordered: readonly Node[],
  protos: ReadonlyMap<string, TensorProto>,
  observed: Observed
): Propagated => {
  const nodes: Node[] = [];
  const producers = new Map<string, Node>();
  const known = inputShapes(model);
  const constants = new Set(protos.keys());
  const activations = new Set<string>(streamInputs(model, protos));
  for (const [name, proto] of protos) {
    const whole = proto.dataType === 6 || proto.dataType === 7;
    known.set(name, { shape: proto.dims, values: fewValues(name, proto, weights), ...(whole && { whole }) });
  }
  const before: Before = {
    known: name => known.get(name) ?? {},
    producer: name => producers.get(name),
    isInitialiser: name => protos.has(name),
    single: name => {
      const proto = protos.get(name);
      return proto && proto.dims.every(size => size === 1) ? numbersOf(name, proto, weights)?.[0] : undefined;
    }
  };
  for (const written of ordered) {
    const node = canonical(written, before);
    nodes.push(node);
    node.outputs.forEach(output => producers.set(output, node));
    if (node.opType !== 'Constant') {
      inferNode(
        node,
        node.inputs.map(input => known.get(input) ?? {})
      ).forEach((result, i) => known.set(node.outputs[i], result));
      const mark = classify(node, constants, activations, tensor => known.get(tensor)?.shape, protos);
      node.outputs.forEach(output => mark?.add(output));
    } else {
      addPlainConstant(node, known);
      constants.add(node.outputs[0]);
    }
    for (const output of node.outputs) {
      const seen = observed.get(output);
      if (seen) {
        known.set(output, { shape: seen });
      }
    }
  }
  return { nodes, known, constants, activations };
};

/** Constant nodes may also hold a bare number or a list of them. */
const addPlainConstant = (node: Node, known: Map<string, Known>): void => {
  const [attribute] = node.attributes;
  const list = attribute?.ints ?? attribute?.floats;
  const single = attribute?.i ?? attribute?.f;
  if (attribute?.name === 'value_ints' || attribute?.name === 'value_floats') {
    known.set(node.outputs[0], {
      shape: [list?.length ?? 0],
      values: (list ?? []).map(Number),
      whole: attribute.name === 'value_ints'
    });
  } else if (attribute?.name === 'value_int' || attribute?.name === 'value_float') {
    known.set(node.outputs[0], { shape: [], values: [Number(single ?? 0)], whole: attribute.name === 'value_int' });
  }
};

/** Sizes with one name are one size; a size without a name is like no other. The names themselves mean nothing. */
const inputShapes = (model: Model): Map<string, Known> => {
  const symbols = new Map<string, string>();
  const symbol = (key: string): string => {
    const known = symbols.get(key) ?? `n${symbols.size}`;
    symbols.set(key, known);
    return known;
  };
  return new Map(
    model.graph.inputs.map(({ name, type }) => [
      name,
      { shape: type?.shape?.map((dim, axis) => (typeof dim === 'number' ? dim : symbol(dim || `${name} ${axis}`))) }
    ])
  );
};

const fewValues = (name: string, proto: TensorProto, weights: Weights): readonly number[] | undefined => {
  const count = proto.dims.reduce((total, dim) => total * dim, 1);
  if (proto.dims.length > 1 || count > MOST_VALUES) {
    return undefined;
  }
  const numbers = numbersOf(name, proto, weights);
  return numbers && [...numbers];
};

/** The set that a node's outputs belong to. */
const classify = (
  node: Node,
  constants: Set<string>,
  activations: Set<string>,
  shape: (tensor: string) => readonly Dim[] | undefined,
  protos: ReadonlyMap<string, TensorProto>
): Set<string> | undefined => {
  const inputs = node.inputs.filter(Boolean);
  if (SIZE_ONLY.has(node.opType) || FLAGS.has(node.opType)) {
    return undefined;
  }
  if (inputs.length > 0 && inputs.every(input => constants.has(input))) {
    return constants;
  }
  const live = activations.has(inputs[0]);
  const started =
    isLookUp(node, constants, shape, protos) ||
    CONVOLUTIONS.has(node.opType) ||
    NORM_KINDS.has(node.opType) ||
    SKIP_NORM.has(node.opType) ||
    FUSED_ATTENTION.has(node.opType) ||
    (LINEAR.has(node.opType) &&
      !constants.has(inputs[0]) &&
      (FLAT_WEIGHTS.has(node.opType) || (isMatrix(inputs[1], constants, shape) && isWide(inputs[1], shape))));
  const carried = node.opType.startsWith('Gather') ? live : inputs.some(input => activations.has(input));
  return started || carried ? activations : undefined;
};

/** A row of a table for each index: an embedding. */
const isLookUp = (
  node: Node,
  constants: ReadonlySet<string>,
  shape: (tensor: string) => readonly Dim[] | undefined,
  protos: ReadonlyMap<string, TensorProto>
): boolean => {
  if (!LOOK_UPS.has(node.opType)) {
    return false;
  }
  const [table, indices] = node.inputs;
  const dims = shape(table);
  const whole = protos.get(table)?.dataType;
  const integers = whole === 6 || whole === 7 || whole === 9;
  const size = dims?.length === 2 ? Number(dims[0]) * Number(dims[1]) : 0;
  return constants.has(table) && !integers && size >= SMALLEST_TABLE && !constants.has(indices);
};

const isMatrix = (
  tensor: string,
  constants: ReadonlySet<string>,
  shape: (tensor: string) => readonly Dim[] | undefined
): boolean => constants.has(tensor) && (shape(tensor)?.length ?? 2) >= 2;

/** Rotary frequencies meet positions in a product of inner size one: not a layer. */
const isWide = (tensor: string, shape: (tensor: string) => readonly Dim[] | undefined): boolean =>
  shape(tensor)?.at(-2) !== 1;
