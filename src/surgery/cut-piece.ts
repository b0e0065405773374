import type { HookSource } from '../anatomy/anatomy';
import type { Dim } from '../anatomy/shapes/dims';
import { int, ints } from '../graph/attributes';
import { topologicalOrder } from '../graph/order';
import { createBuilder, untyped, valueInfo, type Builder } from '../graph/build';
import type { Graph, Model, Node } from '../onnx/model';
import type { TensorTypeName } from '../onnx/tensor';
import { reads, type GraphFlow } from './graph-flow';

/** A place at which the graph is cut: a tensor, and how it becomes the shape of a hook. */
export interface PieceEnd {
  readonly name: string;
  readonly source: HookSource;
  readonly rank: number;
}

/** An integer tensor that is computed from the run's sizes and fed: names of sizes are the inputs', 'batch' and 'pos' the run's. */
export interface SizeInput {
  readonly name: string;
  readonly values: readonly Dim[];
  readonly rank: number;
}

/** The nodes between some ends and others, by themselves. */
export interface PiecePlan {
  readonly name: string;
  readonly inputs: readonly PieceEnd[];
  readonly outputs: readonly PieceEnd[];
  readonly nodes: readonly Node[];
  /** Sizes that cross the cut. */
  readonly sizes: readonly SizeInput[];
  /** What crosses the cut and comes from the model's inputs: masks, rotations. */
  readonly context: readonly string[];
}

/**
 * The file's nodes from `inputs` to `outputs` and nothing else, found by edges. Throws where something of the residual stream
 * crosses the cut besides the inputs.
 */
export const planPiece = (
  flow: GraphFlow,
  { name, inputs, outputs }: Pick<PiecePlan, 'name' | 'inputs' | 'outputs'>
): PiecePlan => {
  const stops = new Set(inputs.map(({ source }) => source.tensor));
  const fed = fedBy(flow, stops);
  const crossing = { sizes: new Map<string, SizeInput>(), context: new Set<string>() };
  const kept = new Set<Node>();
  const queue = outputs.map(({ source }) => source.tensor);
  const alone = queue.find(tensor => !fed.has(tensor));
  if (alone !== undefined) {
    throw new Error(`cut impossible: '${alone}' does not depend on ${inputs.map(end => `'${end.name}'`).join(', ')}`);
  }
  for (let at = 0; at < queue.length; at++) {
    const node = stops.has(queue[at]) ? undefined : flow.producer(queue[at]);
    if (node && !kept.has(node)) {
      kept.add(node);
      queue.push(...reads(node).filter(tensor => fed.has(tensor) || flow.isConstant(tensor)));
      reads(node)
        .filter(tensor => !fed.has(tensor) && !flow.isConstant(tensor))
        .forEach(tensor => cross(flow, tensor, crossing, name));
    }
  }
  return {
    name,
    inputs,
    outputs,
    nodes: flow.nodes.filter(node => kept.has(node)),
    sizes: [...crossing.sizes.values()],
    context: [...crossing.context]
  };
};

/** The stops and all that depends on them. */
const fedBy = (flow: GraphFlow, stops: ReadonlySet<string>): ReadonlySet<string> => {
  const fed = new Set(stops);
  for (const node of flow.nodes) {
    if (reads(node).some(tensor => fed.has(tensor))) {
      node.outputs.forEach(tensor => fed.add(tensor));
    }
  }
  return fed;
};

const cross = (
  flow: GraphFlow,
  tensor: string,
  { sizes, context }: { readonly sizes: Map<string, SizeInput>; readonly context: Set<string> },
  piece: string
): void => {
  const known = flow.sizes(tensor);
  if (known) {
    sizes.set(tensor, { name: tensor, ...known });
  } else if (flow.isStream(tensor)) {
    throw new Error(`cut impossible: '${piece}' reads '${tensor}' of the residual stream past the cut`);
  } else {
    context.add(tensor);
  }
};

/** The nodes that make `tensors` from the model's inputs. Throws where that takes the residual stream. */
export const planContext = (flow: GraphFlow, tensors: readonly string[]): PiecePlan => {
  const crossing = { sizes: new Map<string, SizeInput>(), context: new Set<string>() };
  const kept = new Set<Node>();
  const queue = [...tensors];
  for (let at = 0; at < queue.length; at++) {
    const node = flow.producer(queue[at]);
    if (node && !kept.has(node)) {
      kept.add(node);
      const [stream, own] = [true, false].map(want => reads(node).filter(tensor => flow.isStream(tensor) === want));
      const size = stream.length > 0 ? flow.sizes(queue[at]) : undefined;
      if (size) {
        kept.delete(node);
        crossing.sizes.set(queue[at], { name: queue[at], ...size });
      } else if (stream.length > 0) {
        throw new Error(`cut impossible: '${queue[at]}' needs '${stream[0]}' of the residual stream`);
      } else {
        queue.push(...own);
      }
    }
  }
  return {
    name: 'context',
    inputs: [],
    outputs: tensors.map(tensor => ({ name: tensor, source: { tensor, steps: [] }, rank: 0 })),
    nodes: flow.nodes.filter(node => kept.has(node)),
    sizes: [...crossing.sizes.values()],
    context: []
  };
};

export interface PieceModel {
  readonly model: Model;
  /** Names of the fed and fetched tensors, in the plan's order of ends. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly sizes: readonly SizeInput[];
}

/** The context as a model; its outputs have the tensors' own names. */
export const contextModel = (flow: GraphFlow, plan: PiecePlan): PieceModel => {
  const graph = flow.model.graph;
  const read = new Set(plan.nodes.flatMap(reads));
  const inputs = graph.inputs.filter(({ name }) => read.has(name) && !plan.sizes.some(size => size.name === name));
  return {
    model: {
      ...flow.model,
      graph: {
        ...bare(graph, plan, read),
        inputs: [...inputs, ...plan.sizes.map(sizeInfo)],
        outputs: plan.outputs.map(({ name }) => untyped(name))
      }
    },
    inputs: inputs.map(({ name }) => name),
    outputs: plan.outputs.map(({ name }) => name),
    sizes: plan.sizes
  };
};

/**
 * A piece as a model: takes and gives hooks in their shapes, float32, whatever the file's layout and type are. `types`: the element types of
 * its ends' tensors and of its context. Throws for an end whose steps cannot be undone without the rest of its tensor.
 */
export const pieceModel = (
  flow: GraphFlow,
  plan: PiecePlan,
  types: ReadonlyMap<string, TensorTypeName>
): PieceModel => {
  const read = new Set(plan.nodes.flatMap(reads));
  const builder = createBuilder([...flow.nodes.flatMap(node => node.outputs), ...namesOf(flow.model.graph)]);
  const made: SizeInput[] = [];
  const vector = (values: readonly Dim[]): string => {
    const name = builder.input('piece.sizes', 'int64', [values.length]);
    made.push({ name, values, rank: 1 });
    return name;
  };
  const type = (tensor: string): TensorTypeName => types.get(tensor) ?? 'float32';
  const renamed = new Map<string, string>();
  const inputs = plan.inputs.map((end, at) => {
    const input = builder.input('piece.in', 'float32', openShape(`in${at}`, end.rank));
    renamed.set(end.source.tensor, undo(flow, builder, end, cast(builder, input, type(end.source.tensor)), vector));
    return input;
  });
  const outputs = plan.outputs.map(({ source }) => {
    const tensor = renamed.get(source.tensor) ?? source.tensor;
    return builder.node('Identity', [castBack(builder, view(builder, tensor, source, vector), type(source.tensor))]);
  });
  outputs.forEach(name => builder.output(untyped(name)));
  const shell = builder.graph(plan.name);
  const nodes = plan.nodes.map(node => rename(node, renamed));
  return {
    model: {
      ...flow.model,
      graph: {
        ...bare(flow.model.graph, plan, read),
        nodes: topologicalOrder([...shell.nodes, ...nodes]),
        initializers: [...bare(flow.model.graph, plan, read).initializers, ...shell.initializers],
        inputs: [
          ...shell.inputs,
          ...plan.sizes.map(sizeInfo),
          ...plan.context.map(name => valueInfo(name, type(name)))
        ],
        outputs: shell.outputs
      }
    },
    inputs,
    outputs,
    sizes: [...plan.sizes, ...made]
  };
};

const namesOf = (graph: Graph): readonly string[] => [
  ...graph.inputs.map(({ name }) => name),
  ...graph.initializers.map(({ name }) => name)
];

const bare = (graph: Graph, plan: PiecePlan, read: ReadonlySet<string>): Graph => ({
  ...graph,
  name: plan.name,
  nodes: plan.nodes,
  initializers: graph.initializers.filter(({ name }) => read.has(name)),
  valueInfos: []
});

const sizeInfo = ({ name, values, rank }: SizeInput): ReturnType<typeof valueInfo> =>
  valueInfo(name, 'int64', rank === 0 ? [] : [values.length]);

const openShape = (hint: string, rank: number): readonly string[] =>
  Array.from({ length: rank }, (_, axis) => `${hint}.${axis}`);

const FLOAT16 = 10;
const FLOAT32 = 1;

const cast = (builder: Builder, tensor: string, type: TensorTypeName): string =>
  type === 'float16' ? builder.node('Cast', [tensor], [int('to', FLOAT16)]) : tensor;

const castBack = (builder: Builder, tensor: string, type: TensorTypeName): string =>
  type === 'float32' ? tensor : builder.node('Cast', [tensor], [int('to', FLOAT32)]);

type Vector = (values: readonly Dim[]) => string;

const view = (builder: Builder, tensor: string, { steps }: HookSource, vector: Vector): string =>
  steps.reduce((at, step) => {
    switch (step.op) {
      case 'transpose':
        return builder.node('Transpose', [at], [ints('perm', step.perm)]);
      case 'reshape':
        return builder.node('Reshape', [at, vector(step.shape)]);
      case 'slice':
        return builder.node('Slice', [
          at,
          builder.ints([step.start]),
          builder.ints([step.end]),
          builder.ints([step.axis])
        ]);
      default:
        throw new Error(`cut impossible: '${tensor}' is shown by '${step.op}'`);
    }
  }, tensor);

/**
 * Of the tensor that is reshaped to `parted`: as the graph tells it, one size that is not known following from the others; else with batch and heads
 * as one axis, or heads and features, where `parted` tells which.
 */
const shapeBefore = (flow: GraphFlow, tensor: string, parted: readonly Dim[]): readonly Dim[] | undefined => {
  const shape = flow.shape(tensor);
  const unknown = shape?.filter(dim => dim === null).length;
  if (unknown === 0 || unknown === 1) {
    return shape!.map(dim => dim ?? -1);
  }
  const kinds = parted.map(dim => (typeof dim === 'number' ? 'n' : dim)).join();
  const [first, second, third, last] = parted;
  // A pattern's keys are written -1: as many as positions, since pieces take no past.
  return kinds === 'batch,n,pos,n'
    ? [-1, third, last === -1 ? 'pos' : last]
    : kinds === 'batch,pos,n,n'
      ? [first, second, -1]
      : undefined;
};

/** From the hook's shape to the file's tensor. */
const undo = (flow: GraphFlow, builder: Builder, { source }: PieceEnd, from: string, vector: Vector): string => {
  const { tensor, steps } = source;
  return [...steps].reverse().reduce((at, step, index) => {
    if (step.op === 'transpose') {
      const inverse = step.perm.map((_, axis) => step.perm.indexOf(axis));
      return builder.node('Transpose', [at], [ints('perm', inverse)]);
    }
    const shape =
      step.op === 'reshape' && index === steps.length - 1 ? shapeBefore(flow, tensor, step.shape) : undefined;
    if (!shape) {
      throw new Error(`cut impossible: '${tensor}' cannot be put together again from its '${step.op}'`);
    }
    return builder.node('Reshape', [at, vector(shape)]);
  }, from);
};

const rename = (node: Node, names: ReadonlyMap<string, string>): Node => ({
  ...node,
  inputs: node.inputs.map(name => names.get(name) ?? name),
  // A node that also makes an end's tensor: what is fed takes its place.
  outputs: node.outputs.map(name => (names.has(name) ? '' : name))
});
