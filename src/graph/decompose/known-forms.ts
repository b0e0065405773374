import type { Graph } from '../../onnx/model';
import { topologicalOrder } from '../order';
import { declaredForms, inferForms, type Form } from './form';

/** What the graph itself says of each of its tensors: what the file declares goes before what is inferred. */
export const knownForms = (graph: Graph): ReadonlyMap<string, Form> => {
  const forms = declaredForms(graph);
  for (const node of topologicalOrder(graph.nodes)) {
    const inferred = inferForms(
      node,
      node.inputs.map(input => forms.get(input) ?? {})
    );
    inferred.forEach((form, slot) => forms.set(node.outputs[slot], { ...form, ...forms.get(node.outputs[slot]) }));
  }
  return forms;
};
