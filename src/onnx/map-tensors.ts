import type { Attribute, Graph, Model, Node, TensorProto } from './model';
import { samePlace } from './place';

type Body = Pick<Graph, 'nodes' | 'initializers'>;

/** Every tensor in a graph, those in attributes and sub-graphs included. */
export const graphTensors = ({ nodes, initializers }: Body): readonly TensorProto[] => [
  ...initializers,
  ...nodes.flatMap(node => node.attributes.flatMap(attributeTensors))
];

const attributeTensors = ({ t, tensors = [], g, graphs = [] }: Attribute): readonly TensorProto[] => [
  ...(t ? [t] : []),
  ...tensors,
  ...(g ? graphTensors(g) : []),
  ...graphs.flatMap(graphTensors)
];

type Change = (tensor: TensorProto) => TensorProto;

/** The model with each tensor in attributes, sub-graphs and functions changed; the main graph's initialisers stay. */
export const mapInnerTensors = (model: Model, change: Change): Model => ({
  ...model,
  graph: { ...model.graph, nodes: model.graph.nodes.map(node => mapNode(node, change)) },
  functions: model.functions.map(local => ({ ...local, nodes: local.nodes.map(node => mapNode(node, change)) }))
});

const mapNode = (node: Node, change: Change): Node =>
  node.attributes.some(a => a.t ?? a.g ?? a.tensors ?? a.graphs)
    ? samePlace({ ...node, attributes: node.attributes.map(attribute => mapAttribute(attribute, change)) }, node)
    : node;

const mapAttribute = (a: Attribute, change: Change): Attribute => ({
  ...a,
  ...(a.t && { t: change(a.t) }),
  ...(a.tensors && { tensors: a.tensors.map(change) }),
  ...(a.g && { g: mapGraph(a.g, change) }),
  ...(a.graphs && { graphs: a.graphs.map(graph => mapGraph(graph, change)) })
});

const mapGraph = (graph: Graph, change: Change): Graph => ({
  ...graph,
  nodes: graph.nodes.map(node => mapNode(node, change)),
  initializers: graph.initializers.map(change)
});
