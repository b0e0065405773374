import type { Graph, Node } from '../onnx/model';

/** The graphs in a node's attributes: the branches of If, the body of Loop or Scan. */
const bodies = (node: Node): readonly Graph[] =>
  node.attributes.flatMap(({ g, graphs = [] }) => (g ? [g, ...graphs] : graphs));

/** Names that a node's sub-graphs take from the graph around it; they are inputs of the node that no list shows. */
export const captures = (node: Node): ReadonlySet<string> => {
  const outer = new Set<string>();
  bodies(node).forEach(body => outerNames(body).forEach(name => outer.add(name)));
  return outer;
};

/** Names defined in a graph: inputs, initialisers, nodes' outputs. */
export const definedNames = (graph: Graph): ReadonlySet<string> =>
  new Set([
    ...graph.inputs.map(info => info.name),
    ...graph.initializers.map(tensor => tensor.name),
    ...graph.nodes.flatMap(node => node.outputs.filter(name => name !== ''))
  ]);

const outerNames = (graph: Graph): ReadonlySet<string> => {
  const own = definedNames(graph);
  const used = [
    ...graph.nodes.flatMap(node => [...node.inputs, ...captures(node)]),
    ...graph.outputs.map(info => info.name)
  ];
  return new Set(used.filter(name => name !== '' && !own.has(name)));
};
