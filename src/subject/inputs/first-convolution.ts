import { elementType } from '../../onnx/element-type';
import type { Model, Node } from '../../onnx/model';

/** Numbers that a picture or a sound may be given as. */
export const isFloat = (code: number): boolean => /^(float|uint8)/.test(elementType(code)?.tensor ?? '');

/** What stands between pixels, or samples, and the convolution: their type, their one channel, or their rounding to eight bits. */
const BEFORE = new Set([
  'Cast',
  'Identity',
  'Unsqueeze',
  'DynamicQuantizeLinear',
  'QuantizeLinear',
  'DequantizeLinear'
]);
/** With the place of their weight. */
const CONVOLUTIONS: ReadonlyMap<string, number> = new Map([
  ['Conv', 1],
  ['ConvInteger', 1],
  ['QLinearConv', 3]
]);
const MOST_BEFORE = 4;

/** The one convolution that reads an input, perhaps behind Casts, and the sizes of its filters. */
export const convolutionOf = (
  { graph }: Model,
  input: string
): { readonly conv: Node; readonly dims: readonly number[] } | undefined => {
  const readers = (tensor: string): readonly Node[] => graph.nodes.filter(({ inputs }) => inputs[0] === tensor);
  const behind = (tensor: string, steps: number): readonly Node[] =>
    readers(tensor).flatMap(node =>
      steps > 0 && BEFORE.has(node.opType) ? behind(node.outputs[0], steps - 1) : [node]
    );
  const convs = behind(input, MOST_BEFORE).filter(({ opType }) => CONVOLUTIONS.has(opType));
  const dims = convs.length === 1 ? weightDims(graph, convs[0]) : undefined;
  return dims && { conv: convs[0], dims };
};

/** Of an initialiser, perhaps dequantised. */
const weightDims = (graph: Model['graph'], { opType, inputs }: Node): readonly number[] | undefined => {
  const weight = inputs[CONVOLUTIONS.get(opType) ?? 1];
  const dequantised = graph.nodes.find(node => node.opType === 'DequantizeLinear' && node.outputs[0] === weight);
  return graph.initializers.find(({ name }) => name === (dequantised?.inputs[0] ?? weight))?.dims;
};
