import type { Graph, Node } from '../onnx/model';
import { placeOf } from '../onnx/place';
import { quoted } from '../onnx/quoted';
import { captures } from './captures';

/** One end of an edge: `node` is `graph.nodes[index]`, `slot` the position among its outputs or inputs. */
export interface End {
  readonly node: Node;
  readonly index: number;
  /** -1: taken by a sub-graph of the node, in no list of its inputs. */
  readonly slot: number;
}

export interface Uses {
  /** Who makes a tensor; nobody makes inputs and initialisers. */
  producer(tensor: string): End | undefined;
  /** Who reads it, in the graph's order, a node once for each slot. The graph's outputs are not among them. */
  consumers(tensor: string): readonly End[];
}

const NONE: readonly End[] = [];

/** Both ends of every edge. Throws when two nodes make one tensor. */
export const usesOf = (graph: Graph): Uses => {
  const producers = new Map<string, End>();
  const consumers = new Map<string, End[]>();
  const consume = (tensor: string, end: End): void => {
    const ends = consumers.get(tensor);
    if (ends) {
      ends.push(end);
    } else if (tensor !== '') {
      consumers.set(tensor, [end]);
    }
  };
  graph.nodes.forEach((node, index) => {
    node.outputs.forEach((tensor, slot) => produce(producers, tensor, { node, index, slot }));
    node.inputs.forEach((tensor, slot) => consume(tensor, { node, index, slot }));
    captures(node).forEach(tensor => consume(tensor, { node, index, slot: -1 }));
  });
  return { producer: tensor => producers.get(tensor), consumers: tensor => consumers.get(tensor) ?? NONE };
};

const produce = (producers: Map<string, End>, tensor: string, end: End): void => {
  if (tensor === '') {
    return;
  }
  const earlier = producers.get(tensor);
  if (earlier) {
    throw new Error(
      `tensor ${quoted(tensor)} is made twice: by ${nodeLabel(earlier.node)}${placeOf(earlier.node)} and by ${nodeLabel(end.node)}${placeOf(end.node)}`
    );
  }
  producers.set(tensor, end);
};

/** How a node is named in messages: "Softmax '/h.0/attn/Softmax'", or by its first output where it has no name. */
export const nodeLabel = (node: Node): string =>
  `${quoted(node.opType).slice(1, -1).slice(0, MOST_OPERATOR)} ${quoted(node.name || (node.outputs[0] ?? ''))}`;

/** Of an operator's name in a message. */
const MOST_OPERATOR = 60;
