import { elementType } from '../onnx/element-type';
import type { Model, TensorProto } from '../onnx/model';
import { intAttribute } from './attributes';

/**
 * Inputs that are rows of a stream already: numbers [batch, pos, width], as wide as a weight of the graph is. What is as wide as it is
 * long (a mask over positions) is none.
 */
export const streamInputs = ({ graph }: Model, protos: ReadonlyMap<string, TensorProto>): readonly string[] => {
  const found = graph.inputs.filter(({ name, type }) => {
    const [, pos, width] = type?.shape ?? [];
    const isFloat = elementType(type?.elementType ?? 0)?.tensor?.startsWith('float');
    return isFloat && type?.shape?.length === 3 && typeof width === 'number' && pos !== width && !protos.has(name);
  });
  const widths = found.length > 0 ? weightWidths(graph, protos) : new Set();
  return found.filter(({ type }) => widths.has(type!.shape![2])).map(({ name }) => name);
};

const INTEGERS = new Set([6, 7, 9]);

const weightWidths = ({ nodes }: Model['graph'], protos: ReadonlyMap<string, TensorProto>): ReadonlySet<unknown> =>
  new Set([
    ...[...protos.values()].flatMap(({ dims, dataType }) => (INTEGERS.has(dataType) || dims.length > 2 ? [] : dims)),
    ...nodes.flatMap(node =>
      ['MatMulNBits', 'MatMulBnb4'].includes(node.opType) ? (intAttribute(node, 'K') ?? []) : []
    )
  ]);
