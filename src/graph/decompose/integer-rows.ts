import type { Model, Node } from '../../onnx/model';
import { makeNode } from '../build';
import { topologicalOrder } from '../order';
import { uniqueNames } from '../unique-names';
import { usesOf, type Uses } from '../uses';
import { takenNames } from './taken-names';

/** (a − a₀)·(W − w₀) · (scale of a · scale of W), where the file dequantises a as well. */
interface RowsProduct {
  /** Its last node. */
  readonly end: Node;
  readonly inner: readonly Node[];
  /** a, dequantised. */
  readonly rows: string;
  readonly weight: string;
  readonly scale: string;
  readonly zero?: string;
}

/**
 * Rows of a table of integers that a layer multiplies as integers, and that the stream takes dequantised, as ONNX Runtime's quantize_dynamic writes a layer that
 * reads the embedding itself: the layer then reads the dequantised rows, times its dequantised weight, which is the same product. Nothing is rounded.
 */
export const integerRows = (model: Model): Model => {
  const { graph } = model;
  if (!graph.nodes.some(({ opType }) => opType === 'MatMulInteger')) {
    return model;
  }
  const uses = usesOf(graph);
  const kept = new Set(graph.outputs.map(({ name }) => name));
  const found = graph.nodes.flatMap(node => productOf(node, uses, kept) ?? []);
  if (found.length === 0) {
    return model;
  }
  const unique = uniqueNames(takenNames(graph));
  const gone = new Set(found.flatMap(({ end, inner }) => [end, ...inner]));
  const made = found.flatMap(({ end, rows, weight, scale, zero }) => {
    const plain = unique(`${end.outputs[0]}/weight`);
    return [
      makeNode('DequantizeLinear', [weight, scale, ...(zero ? [zero] : [])], [plain]),
      { ...makeNode('MatMul', [rows, plain], end.outputs), name: end.name }
    ];
  });
  const nodes = topologicalOrder([...graph.nodes.filter(node => !gone.has(node)), ...made]);
  return { ...model, graph: { ...graph, nodes } };
};

const productOf = (end: Node, uses: Uses, kept: ReadonlySet<string>): RowsProduct | undefined => {
  const node = (tensor: string | undefined): Node | undefined =>
    tensor === undefined ? undefined : uses.producer(tensor)?.node;
  const cast = end.opType === 'Mul' ? end.inputs.find(input => node(input)?.opType === 'Cast') : undefined;
  const integers = node(node(cast)?.inputs[0]);
  const scales = node(end.inputs.find(input => input !== cast));
  if (integers?.opType !== 'MatMulInteger' || scales?.opType !== 'Mul') {
    return undefined;
  }
  const [a, weight, shift = '', zero = ''] = integers.inputs;
  const rows = uses
    .consumers(a)
    .map(use => use.node)
    .find(({ opType, inputs }) => opType === 'DequantizeLinear' && inputs[0] === a && (inputs[2] ?? '') === shift);
  const scale = rows && scales.inputs.find(input => input !== rows.inputs[1]);
  const alone = [node(cast)!, integers].every(
    ({ outputs }) => uses.consumers(outputs[0]).length === 1 && !kept.has(outputs[0])
  );
  return rows && weight !== undefined && scale !== undefined && scales.inputs.includes(rows.inputs[1]) && alone
    ? {
        end,
        inner: [node(cast)!, integers],
        rows: rows.outputs[0],
        weight,
        scale,
        ...(zero && { zero })
      }
    : undefined;
};
