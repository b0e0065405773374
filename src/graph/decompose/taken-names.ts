import type { Graph } from '../../onnx/model';
import { captures, definedNames } from '../captures';

/** Names that a new tensor of the graph must not have. */
export function* takenNames(graph: Graph): Iterable<string> {
  yield* definedNames(graph);
  yield* graph.outputs.map(({ name }) => name);
  for (const node of graph.nodes) {
    yield* captures(node);
    yield* node.inputs;
  }
}
