import type { Node } from '../onnx/model';

/** The tensor that a way back over `passes` begins at; ends are kept, so that a long chain is walked once. */
export const followed = (
  producer: (tensor: string) => Node | undefined,
  passes: (node: Node) => boolean
): ((tensor: string) => string) => {
  const ends = new Map<string, string>();
  return tensor => {
    const way: string[] = [];
    let at = tensor;
    for (let node = producer(at); node && passes(node) && !ends.has(at); node = producer(at)) {
      way.push(at);
      at = node.inputs[0];
    }
    const end = ends.get(at) ?? at;
    way.forEach(name => ends.set(name, end));
    return end;
  };
};
