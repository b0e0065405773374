import type { Node } from '../../onnx/model';

/** x, rounded to eight bits with one scale for the whole tensor, times (weight − zero) · scale. */
export interface IntegerProduct {
  readonly x: string;
  /** An initialiser of integers, [in, out]. */
  readonly weight: string;
  /** One number, or one for each column. */
  readonly scale: string;
  /** As many; absent for 0. */
  readonly zero?: string;
  readonly bias?: string;
}

interface Graph {
  producer(tensor: string): Node | undefined;
  isInitialiser(tensor: string): boolean;
}

/**
 * What a node computes where it is the last of DynamicQuantizeLinear → MatMulInteger → Cast → Mul (scale of x · scale of the
 * weight), as ONNX Runtime's quantize_dynamic writes a layer, or com.microsoft's DynamicQuantizeMatMul, which is all of them.
 */
export const integerProduct = (node: Node, graph: Graph): IntegerProduct | undefined => {
  if (node.opType === 'DynamicQuantizeMatMul') {
    const [x, weight, scale, zero, bias] = node.inputs;
    return checked({ x, weight, scale, ...(zero && { zero }), ...(bias && { bias }) }, graph);
  }
  const cast = node.opType === 'Mul' ? node.inputs.find(input => isProduct(graph, input)) : undefined;
  const scales = node.inputs.find(input => input !== cast);
  const product = cast === undefined ? undefined : graph.producer(graph.producer(cast)!.inputs[0]);
  return product && scales !== undefined ? spelledOut(product, scales, graph) : undefined;
};

const isProduct = ({ producer }: Graph, tensor: string): boolean => {
  const cast = producer(tensor);
  return cast?.opType === 'Cast' && producer(cast.inputs[0])?.opType === 'MatMulInteger';
};

const spelledOut = ({ inputs }: Node, scales: string, graph: Graph): IntegerProduct | undefined => {
  const [integers, weight, shift, zero] = inputs;
  const rounding = graph.producer(integers);
  const both = graph.producer(scales);
  const scale = both?.opType === 'Mul' ? both.inputs.find(input => input !== rounding?.outputs[1]) : undefined;
  const own =
    rounding?.opType === 'DynamicQuantizeLinear' &&
    rounding.outputs[0] === integers &&
    rounding.outputs[2] === shift &&
    both?.inputs.includes(rounding.outputs[1]);
  return own && scale !== undefined
    ? checked({ x: rounding.inputs[0], weight, scale, ...(zero && { zero }) }, graph)
    : undefined;
};

const checked = (found: IntegerProduct, { isInitialiser }: Graph): IntegerProduct | undefined =>
  [found.weight, found.scale, found.zero, found.bias].every(name => name === undefined || isInitialiser(name))
    ? found
    : undefined;

/** A dequantised table: rows of integers are picked, then DequantizeLinear. */
export const integerTable = (node: Node, graph: Graph): IntegerProduct | undefined => {
  const gather = node.opType === 'DequantizeLinear' ? graph.producer(node.inputs[0]) : undefined;
  const [, scale, zero] = node.inputs;
  return gather?.opType === 'Gather'
    ? checked({ x: gather.inputs[1], weight: gather.inputs[0], scale, ...(zero && { zero }) }, graph)
    : undefined;
};
