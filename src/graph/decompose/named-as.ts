import type { Node } from '../../onnx/model';
import { makeNode } from '../build';
import type { Outputs } from './rule';

/** A rule's nodes, its results under the names of `node`'s outputs; one that is no new tensor, or has two names, is copied. */
export const namedAs = (
  nodes: readonly Node[],
  node: Node,
  made: Outputs,
  wanted: readonly boolean[]
): readonly Node[] => {
  const fresh = new Set(nodes.flatMap(({ outputs }) => outputs));
  const renames = new Map<string, string>();
  const copies: Node[] = [];
  node.outputs.forEach((output, i) => {
    const from = made[i];
    if (!wanted[i] || from === undefined) {
      return;
    }
    if (fresh.has(from) && !renames.has(from)) {
      renames.set(from, output);
    } else {
      copies.push(makeNode('Identity', [renames.get(from) ?? from], [output]));
    }
  });
  const renamed = (name: string): string => renames.get(name) ?? name;
  return [
    ...nodes.map(one => ({ ...one, inputs: one.inputs.map(renamed), outputs: one.outputs.map(renamed) })),
    ...copies
  ];
};
