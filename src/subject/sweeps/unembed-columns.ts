import type { UnembeddingHead } from '../../anatomy/anatomy';
import { constantTensors } from '../../anatomy/constants/numbers';
import { decodeTensor } from '../../onnx/decode-tensor';
import { halfToNumber } from '../../onnx/half';
import type { Model } from '../../onnx/model';
import type { Weights } from '../../onnx/weights';

/** Logits of some ids from what the unembedding multiplies: x · W_U[:, id] + b[id], in double precision. */
export type UnembedColumns = (x: Float32Array, ids: readonly number[]) => Float32Array;

/** Undefined where the weight is not stored as a plain matrix of floating-point numbers, or where something changes its products. */
export const unembedColumns = (
  model: Model,
  weights: Weights,
  { logits, unembed }: Pick<UnembeddingHead, 'logits' | 'unembed'>
): UnembedColumns | undefined => {
  const { weight, bias, transposed, layout, columns, perHead } = unembed;
  if (!areProducts(model, logits, unembed)) {
    return undefined;
  }
  const tensors = constantTensors(model);
  const matrix = weight === undefined ? undefined : elements(tensors, weights, weight);
  const offset = bias === undefined ? undefined : elements(tensors, weights, bias);
  if (!matrix || matrix.dims.length !== 2 || layout || columns || perHead || (bias !== undefined && !offset)) {
    return undefined;
  }
  const [from, to] = transposed ? [matrix.dims[1], matrix.dims[0]] : matrix.dims;
  return (x, ids) =>
    Float32Array.from(ids, id => {
      let sum = offset ? offset.at(id) : 0;
      for (let i = 0; i < from; i++) {
        sum += x[i] * matrix.at(transposed ? id * from + i : i * to + id);
      }
      return sum;
    });
};

/** A cap, a scale or a cut between the products and the logits is not seen where logits are small: none may be there. */
const areProducts = (
  { graph }: Model,
  logits: string,
  { output, bias }: Pick<UnembeddingHead['unembed'], 'output' | 'bias'>
): boolean => {
  const producers = new Map(graph.nodes.flatMap(node => node.outputs.map(tensor => [tensor, node] as const)));
  let tensor: string | undefined = logits;
  while (tensor !== undefined && tensor !== output) {
    const node = producers.get(tensor);
    tensor =
      node?.opType === 'Add'
        ? node.inputs.includes(bias ?? '')
          ? node.inputs.find(input => input !== bias)
          : undefined
        : node && AS_THEY_ARE.has(node.opType)
          ? node.inputs[0]
          : undefined;
  }
  return tensor === output;
};

const AS_THEY_ARE: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Reshape']);

interface Elements {
  readonly dims: readonly number[];
  readonly at: (index: number) => number;
}

const elements = (
  tensors: ReturnType<typeof constantTensors>,
  weights: Weights,
  name: string
): Elements | undefined => {
  const proto = tensors.get(name);
  const source = proto?.data.kind === 'weight' ? weights.get(name) : proto;
  if (!source) {
    return undefined;
  }
  const { dims, type, data } = decodeTensor(source);
  if (type === 'float32') {
    return { dims, at: index => (data as Float32Array)[index] };
  }
  return type === 'float16' ? { dims, at: index => halfToNumber((data as Uint16Array)[index]) } : undefined;
};
