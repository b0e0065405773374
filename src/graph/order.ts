import type { Node } from '../onnx/model';
import { placeOf } from '../onnx/place';
import { captures } from './captures';
import { nodeLabel } from './uses';

const NAMED_IN_CYCLE = 4;

/**
 * The nodes with every producer before its consumers. Stable: nodes move only as far forward as a consumer needs, so a
 * list in order comes back in its order. Throws naming the nodes of a cycle.
 */
export const topologicalOrder = (nodes: readonly Node[]): readonly Node[] => {
  const producers = new Map<string, Node>();
  nodes.forEach(node => node.outputs.forEach(output => output !== '' && producers.set(output, node)));
  const state = new Map<Node, 'open' | 'done'>();
  const ordered: Node[] = [];
  for (const root of nodes) {
    const stack = state.has(root) ? [] : [visit(root, producers)];
    while (stack.length > 0) {
      const { node, waiting } = stack[stack.length - 1];
      state.set(node, 'open');
      const next = waiting.find(other => state.get(other) !== 'done');
      if (next === undefined) {
        state.set(node, 'done');
        ordered.push(node);
        stack.pop();
      } else if (state.get(next) === 'open') {
        throw cycle(stack.map(step => step.node).slice(stack.findIndex(step => step.node === next)));
      } else {
        stack.push(visit(next, producers));
      }
    }
  }
  return ordered;
};

interface Visit {
  readonly node: Node;
  readonly waiting: readonly Node[];
}

const visit = (node: Node, producers: ReadonlyMap<string, Node>): Visit => ({
  node,
  waiting: [...node.inputs, ...captures(node)].flatMap(tensor => producers.get(tensor) ?? [])
});

const cycle = (nodes: readonly Node[]): Error => {
  const named = nodes.slice(0, NAMED_IN_CYCLE).map(node => nodeLabel(node) + placeOf(node));
  const more = nodes.length > NAMED_IN_CYCLE ? ` → (${nodes.length - NAMED_IN_CYCLE} more)` : '';
  return new Error(`the graph has a cycle: ${named.join(' → ')}${more} → ${nodeLabel(nodes[0])}`);
};
