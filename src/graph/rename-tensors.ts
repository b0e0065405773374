import type { Attribute, Graph, Node, ValueInfo } from '../onnx/model';

/** Tensors and initialisers of the graph under other names, inside sub-graphs too; a name that `renamed` gives back stays. */
export const renameTensors = (graph: Graph, renamed: (name: string) => string): Graph => ({
  ...graph,
  nodes: graph.nodes.map(node => renamedNode(node, renamed)),
  initializers: graph.initializers.map(tensor => ({ ...tensor, name: renamed(tensor.name) })),
  inputs: graph.inputs.map(info => renamedInfo(info, renamed)),
  outputs: graph.outputs.map(info => renamedInfo(info, renamed)),
  valueInfos: graph.valueInfos.map(info => renamedInfo(info, renamed))
});

const renamedInfo = (info: ValueInfo, renamed: (name: string) => string): ValueInfo => ({
  ...info,
  name: renamed(info.name)
});

/** '' marks an absent input and stays. */
const renamedNode = (node: Node, renamed: (name: string) => string): Node => {
  const other = (name: string): string => (name === '' ? '' : renamed(name));
  return {
    ...node,
    inputs: node.inputs.map(other),
    outputs: node.outputs.map(other),
    attributes: node.attributes.map(attribute => renamedAttribute(attribute, other))
  };
};

const renamedAttribute = (attribute: Attribute, renamed: (name: string) => string): Attribute => ({
  ...attribute,
  ...(attribute.g && { g: renameTensors(attribute.g, renamed) }),
  ...(attribute.graphs && { graphs: attribute.graphs.map(graph => renameTensors(graph, renamed)) })
});
