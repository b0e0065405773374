import { decodeTensor, toFloat64 } from '../../onnx/decode-tensor';
import { byteLength, elementCount, elementType } from '../../onnx/element-type';
import { weightPart } from '../../onnx/file-weight';
import type { Model, TensorProto } from '../../onnx/model';
import { tensorBytes } from '../../onnx/tensor-bytes';
import type { Weight, Weights } from '../../onnx/weights';

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

/** The elements, or the first `most` of them, as float64; undefined where the type is not one of numbers (strings, elements below a byte). */
export const numbersOf = (
  name: string,
  tensor: TensorProto,
  weights: Weights,
  most = Infinity
): Float64Array | undefined => {
  const bfloat16 = tensor.dataType === 16;
  if (!elementType(tensor.dataType)?.tensor && !bfloat16) {
    return undefined;
  }
  const source = tensor.data.kind === 'weight' ? weights.get(tensor.name || name) : tensor;
  return source && toFloat64(decodeTensor(beginning(source, most)));
};

/** As a vector, where it has more elements than `most`. */
const beginning = (source: TensorProto | Weight, most: number): TensorProto | Weight => {
  const { name, dims, dataType } = source;
  if (elementCount(dims) <= most) {
    return source;
  }
  const length = byteLength(dataType, [most])!;
  const bytes = 'bytes' in source ? weightPart(source, 0, length) : tensorBytes(source).subarray(0, length);
  return { name, dims: [most], dataType, bytes };
};
