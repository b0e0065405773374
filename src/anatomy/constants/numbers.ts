import { decodeTensor, toFloat64 } from '../../onnx/decode-tensor';
import { elementType } from '../../onnx/element-type';
import type { Model, TensorProto } from '../../onnx/model';
import type { Weights } from '../../onnx/weights';

/** Initialisers, and the values of Constant nodes under their outputs' names. */
export const constantTensors = (model: Model): ReadonlyMap<string, TensorProto> => {
  const tensors = new Map(model.graph.initializers.map(tensor => [tensor.name, tensor] as const));
  for (const node of model.graph.nodes) {
    const value = node.opType === 'Constant' ? node.attributes.find(a => a.name === 'value')?.t : undefined;
    if (value) {
      tensors.set(node.outputs[0], value);
    }
  }
  return tensors;
};

/** The elements as float64; undefined where the type is not one of numbers (strings, elements below a byte). */
export const numbersOf = (name: string, tensor: TensorProto, weights: Weights): Float64Array | undefined => {
  const bfloat16 = tensor.dataType === 16;
  if (!elementType(tensor.dataType)?.tensor && !bfloat16) {
    return undefined;
  }
  const source = tensor.data.kind === 'weight' ? weights.get(tensor.name || name) : tensor;
  return source && toFloat64(decodeTensor(source));
};
