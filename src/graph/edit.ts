import type { Attribute, Graph, Node, TensorProto, ValueInfo } from '../onnx/model';
import { quoted } from '../onnx/quoted';
import { definedNames } from './captures';
import { topologicalOrder } from './order';

/** A change to a graph as a value. */
export type Edit =
  | { readonly op: 'add-node'; readonly node: Node }
  | { readonly op: 'add-initializer'; readonly tensor: TensorProto }
  | { readonly op: 'add-input'; readonly info: ValueInfo }
  /** A tensor of the graph becomes an output; nothing changes when it is one already. */
  | { readonly op: 'add-output'; readonly info: ValueInfo }
  /** These become the only outputs. */
  | { readonly op: 'set-outputs'; readonly infos: readonly ValueInfo[] }
  /**
   * Whoever reads `tensor` at this point reads `by` instead, sub-graphs included; nodes added by later edits do not.
   * Outputs of the graph keep their names and values.
   */
  | { readonly op: 'replace-uses'; readonly tensor: string; readonly by: string }
  /** The node that makes `tensor` makes it under the name `to`: a later node can take that and make `tensor` itself. */
  | { readonly op: 'rename-produced'; readonly tensor: string; readonly to: string }
  /** Removes the node that makes `tensor`. */
  | { readonly op: 'remove-node'; readonly tensor: string }
  | { readonly op: 'remove-initializer'; readonly name: string };

/**
 * The graph with the edits applied one after the other, its nodes in topological order again. Throws for a name that is
 * not there, or one that is there already, and for a cycle.
 */
export const applyEdits = (graph: Graph, edits: readonly Edit[]): Graph => {
  const draft: Draft = {
    nodes: [...graph.nodes],
    initializers: [...graph.initializers],
    inputs: [...graph.inputs],
    outputs: [...graph.outputs],
    defined: new Set(definedNames(graph))
  };
  edits.forEach(edit => apply(draft, edit));
  const { nodes, initializers, inputs, outputs, defined } = draft;
  const missing = outputs.find(info => !defined.has(info.name));
  if (missing) {
    throw new Error(`output unknown: no node of graph ${quoted(graph.name)} makes ${quoted(missing.name)}`);
  }
  return { ...graph, nodes: topologicalOrder(nodes), initializers, inputs, outputs };
};

interface Draft {
  nodes: Node[];
  initializers: TensorProto[];
  readonly inputs: ValueInfo[];
  outputs: ValueInfo[];
  readonly defined: Set<string>;
}

const apply = (draft: Draft, edit: Edit): void => {
  switch (edit.op) {
    case 'add-node':
      edit.node.outputs.filter(Boolean).forEach(name => define(draft, name));
      draft.nodes.push(edit.node);
      return;
    case 'add-initializer':
      define(draft, edit.tensor.name);
      draft.initializers.push(edit.tensor);
      return;
    case 'add-input':
      define(draft, edit.info.name);
      draft.inputs.push(edit.info);
      return;
    case 'add-output':
      if (!draft.outputs.some(info => info.name === edit.info.name)) {
        draft.outputs.push(edit.info);
      }
      return;
    case 'set-outputs':
      draft.outputs = [...edit.infos];
      return;
    case 'replace-uses':
      draft.nodes = draft.nodes.map(node => replaceUses(node, edit.tensor, edit.by));
      return;
    case 'rename-produced':
      return renameProduced(draft, edit.tensor, edit.to);
    case 'remove-node':
      return removeNode(draft, edit.tensor);
    case 'remove-initializer':
      return removeInitializer(draft, edit.name);
  }
};

const define = (draft: Draft, name: string): void => {
  if (draft.defined.has(name)) {
    throw new Error(`name taken: ${quoted(name)} is already a tensor of the graph`);
  }
  draft.defined.add(name);
};

const producerIndex = (draft: Draft, tensor: string): number => {
  const index = tensor === '' ? -1 : draft.nodes.findIndex(node => node.outputs.includes(tensor));
  if (index < 0) {
    throw new Error(`tensor unknown: no node makes ${quoted(tensor)}`);
  }
  return index;
};

const renameProduced = (draft: Draft, tensor: string, to: string): void => {
  const index = producerIndex(draft, tensor);
  const node = draft.nodes[index];
  define(draft, to);
  draft.defined.delete(tensor);
  draft.nodes[index] = { ...node, outputs: node.outputs.map(name => (name === tensor ? to : name)) };
};

const removeNode = (draft: Draft, tensor: string): void => {
  const [node] = draft.nodes.splice(producerIndex(draft, tensor), 1);
  node.outputs.forEach(name => draft.defined.delete(name));
};

const removeInitializer = (draft: Draft, name: string): void => {
  const kept = draft.initializers.filter(tensor => tensor.name !== name);
  if (kept.length === draft.initializers.length) {
    throw new Error(`initialiser unknown: ${quoted(name)}`);
  }
  draft.initializers = kept;
  if (!draft.inputs.some(info => info.name === name)) {
    draft.defined.delete(name);
  }
};

const replaceUses = (node: Node, tensor: string, by: string): Node => {
  const inputs = node.inputs.includes(tensor) ? node.inputs.map(name => (name === tensor ? by : name)) : node.inputs;
  const attributes = node.attributes.some(a => a.g ?? a.graphs)
    ? node.attributes.map(attribute => replaceInBodies(attribute, tensor, by))
    : node.attributes;
  return inputs === node.inputs && attributes === node.attributes ? node : { ...node, inputs, attributes };
};

const replaceInBodies = (attribute: Attribute, tensor: string, by: string): Attribute => ({
  ...attribute,
  ...(attribute.g && { g: replaceInBody(attribute.g, tensor, by) }),
  ...(attribute.graphs && { graphs: attribute.graphs.map(graph => replaceInBody(graph, tensor, by)) })
});

/** A body that defines the name itself means another tensor by it. */
const replaceInBody = (graph: Graph, tensor: string, by: string): Graph => {
  if (definedNames(graph).has(tensor)) {
    return graph;
  }
  return {
    ...graph,
    nodes: graph.nodes.map(node => replaceUses(node, tensor, by)),
    outputs: graph.outputs.map(info => (info.name === tensor ? { ...info, name: by } : info))
  };
};
