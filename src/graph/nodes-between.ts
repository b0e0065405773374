import type { Graph, Node } from '../onnx/model';
import { captures } from './captures';
import { topologicalOrder } from './order';

/**
 * The nodes that make the tensors `to` of what stands at `from`, those of their constants included, in the order in which they run. What
 * the graph computes of its inputs elsewhere and hands in (a mask, positions) is left out.
 */
export function nodesBetween(graph: Graph, from: readonly string[], to: readonly string[]): readonly Node[] {
  const order = topologicalOrder(graph.nodes);
  const begin = new Set(from);
  // Of inputs, and not by way of `from`.
  const elsewhere = new Set(graph.inputs.map(({ name }) => name).filter(name => !begin.has(name)));
  graph.initializers.forEach(({ name }) => elsewhere.delete(name));
  const follows = new Set(begin);
  for (const node of order) {
    const reads = readsOf(node);
    const kind = reads.some(name => follows.has(name))
      ? follows
      : reads.some(name => elsewhere.has(name))
        ? elsewhere
        : undefined;
    node.outputs.filter(name => !begin.has(name)).forEach(name => kind?.add(name));
  }
  const needed = new Set(to);
  const found: Node[] = [];
  for (const node of [...order].reverse()) {
    if (node.outputs.some(name => needed.has(name) && !begin.has(name) && !elsewhere.has(name))) {
      found.push(node);
      readsOf(node).forEach(name => needed.add(name));
    }
  }
  return found.reverse();
}

const readsOf = (node: Node): readonly string[] => [...node.inputs, ...captures(node)].filter(name => name !== '');
