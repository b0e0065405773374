import { topologicalOrder } from '../graph/order';
import type { Model, Node } from '../onnx/model';
import { intAttribute } from './attributes';
import { constantTensors } from './constants/numbers';

const [FLOAT, FLOAT16, DOUBLE, BFLOAT16] = [1, 10, 11, 16];
const FLOATS: ReadonlySet<number> = new Set([FLOAT, FLOAT16, DOUBLE, BFLOAT16]);

/** Where the type of an operator's output is not that of its first floating-point input. */
const TYPED_BY: Readonly<Record<string, number>> = {
  DequantizeLinear: 1,
  GatherBlockQuantized: 2,
  CastLike: 1
};

/** ONNX's types of tensors' elements, as far as floating point is concerned: ranks and sizes are not looked at. */
export const elementTypes = (model: Model): ReadonlyMap<string, number> => {
  const { graph } = model;
  const types = new Map<string, number>(graph.inputs.map(({ name, type }) => [name, type?.elementType ?? 0]));
  constantTensors(model).forEach(({ dataType }, name) => types.set(name, dataType));
  for (const node of topologicalOrder(graph.nodes)) {
    const type = outputType(node, types);
    node.outputs.forEach(output => type !== undefined && !types.has(output) && types.set(output, type));
  }
  return types;
};

const outputType = (node: Node, types: ReadonlyMap<string, number>): number | undefined => {
  if (node.opType === 'Cast') {
    return intAttribute(node, 'to');
  }
  const by = TYPED_BY[node.opType];
  return by === undefined
    ? node.inputs.map(input => types.get(input)).find(type => type !== undefined && FLOATS.has(type))
    : types.get(node.inputs[by] ?? '');
};
