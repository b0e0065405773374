import type { Node } from '../../onnx/model';

/** x, rounded to eight bits with one scale for the whole tensor, times (weight − zero) · scale. */
export interface IntegerProduct {
  readonly x: string;
  /** An initialiser of integers, [in, out], or of a convolution [out, in, height, width]. */
  readonly weight: string;
  /** One number, or one for each column, or filter. */
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
  return lastOf(node, 'MatMulInteger', graph)?.found;
};

/** The same of ConvInteger, with its node. */
export const integerConvolution = (node: Node, graph: Graph): Spelled | undefined => lastOf(node, 'ConvInteger', graph);

interface Spelled {
  readonly found: IntegerProduct;
  /** The product of integers. */
  readonly product: Node;
}

const lastOf = (node: Node, opType: string, graph: Graph): Spelled | undefined => {
  const product = (tensor: string): Node | undefined => {
    const cast = graph.producer(tensor);
    const made = cast?.opType === 'Cast' ? graph.producer(cast.inputs[0]) : undefined;
    return made?.opType === opType ? made : undefined;
  };
  const cast = node.opType === 'Mul' ? node.inputs.find(product) : undefined;
  const scales = node.inputs.find(input => input !== cast);
  const found = cast !== undefined && scales !== undefined ? spelledOut(product(cast)!, scales, graph) : undefined;
  return found && { found, product: product(cast!)! };
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
