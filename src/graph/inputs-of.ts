import type { Graph } from '../onnx/model';
import { captures } from './captures';

/** Names of what nobody in the graph makes that a tensor is computed from: inputs and initialisers. */
export const inputsOf = ({ nodes }: Graph, tensor: string): ReadonlySet<string> => {
  const producers = new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const seen = new Set([tensor]);
  for (const name of seen) {
    const node = producers.get(name);
    for (const input of node ? [...node.inputs, ...captures(node)] : []) {
      seen.add(input);
    }
  }
  return new Set([...seen].filter(name => name !== '' && !producers.has(name)));
};
