import { SIZE_ONLY } from '../anatomy/op-classes';
import { captures } from '../graph/captures';
import type { Builder } from '../graph/build';
import { nodeLabel } from '../graph/uses';
import type { Graph, Node } from '../onnx/model';

/** The nodes through which the values of `from` reach `to`, in the graph's order. */
export interface Path {
  readonly from: string;
  readonly to: string;
  readonly nodes: readonly Node[];
}

/** Throws where `to` does not depend on `from`, or does so inside a branch or a loop. */
export const pathBetween = (graph: Graph, from: string, to: string): Path => {
  const reached = new Set([from]);
  const forward = graph.nodes.filter(node => {
    const meets = node.inputs.some(name => reached.has(name)) && !SIZE_ONLY.has(node.opType);
    if ([...captures(node)].some(name => reached.has(name))) {
      throw new Error(`path impossible: ${nodeLabel(node)} takes '${from}' into a branch or a loop`);
    }
    (meets ? node.outputs : []).forEach(name => name && reached.add(name));
    return meets;
  });
  const wanted = new Set([to]);
  const nodes = forward.reverse().filter(node => {
    const leads = node.outputs.some(name => wanted.has(name));
    (leads ? node.inputs : []).forEach(name => wanted.add(name));
    return leads;
  });
  if (nodes.length === 0 || !wanted.has(from)) {
    throw new Error(`path impossible: '${to}' does not depend on '${from}'`);
  }
  return { from, to, nodes: nodes.reverse() };
};

/** Adds the path's nodes once more, reading `instead` where they read its start; gives what stands for its end. */
export const clonePath = (builder: Builder, { from, to, nodes }: Path, instead: string): string => {
  const names = new Map([[from, instead]]);
  for (const { opType, domain, inputs, outputs, attributes } of nodes) {
    const made = builder.nodes(
      opType,
      inputs.map(name => names.get(name) ?? name),
      outputs.length,
      attributes,
      { domain, hint: outputs[0] }
    );
    outputs.forEach((name, slot) => name && names.set(name, made[slot]));
  }
  return names.get(to)!;
};
