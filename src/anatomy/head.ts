import type { Node } from '../onnx/model';
import type { Projection } from './anatomy';
import type { Facts } from './facts';
import { findProjection, layerInput } from './linear';
import { normOf, type Norm, type Norms } from './norms';

/** From a graph output back to the last layer and what it reads. */
export interface HeadParts {
  readonly logits: string;
  readonly unembed: Projection;
  readonly norm?: Norm;
  /** What the norm, or else the layer, reads. */
  readonly input: string;
  readonly vocabulary: number | null;
}

const BACK = new Set(
  'Add Mul Div Tanh Reshape Cast Identity Dropout Slice Where DynamicQuantizeLinear Flatten'.split(' ')
);

/** Every graph output that a layer makes, as a head. Which of them belongs to a tower, its residual stream decides. */
export const findHeads = (facts: Facts, norms: Norms): readonly HeadParts[] =>
  facts.model.graph.outputs.flatMap(({ name }) => {
    const unembed =
      facts.isActivation(name) && !normOf(facts, norms, name) ? findProjection(facts, norms, name, BACK) : undefined;
    if (!unembed) {
      return [];
    }
    const read = rowsOf(facts, unembed.input);
    const norm = normOf(facts, norms, read);
    const width = facts.shape(name)?.at(-1);
    const vocabulary = typeof width === 'number' ? width : null;
    return [{ logits: name, unembed, norm, input: norm?.input ?? read, vocabulary }];
  });

/** What a layer reads, before rows were picked (exports for generation keep the last position only) and before one number scaled all (T5). */
const rowsOf = (facts: Facts, tensor: string): string => {
  let at = layerInput(facts, tensor);
  for (let step = 0; step < 4; step++) {
    const node = facts.producer(at);
    const from = node && (picked(facts, node) ?? scaled(facts, node));
    if (from === undefined) {
      break;
    }
    at = layerInput(facts, from);
  }
  return at;
};

const picked = (facts: Facts, { opType, inputs: [from] }: Node): string | undefined =>
  ['Slice', 'Gather'].includes(opType) && !facts.isConstant(from) ? from : undefined;

const scaled = (facts: Facts, { opType, inputs }: Node): string | undefined => {
  const factor = opType === 'Mul' || opType === 'Div' ? inputs.find(facts.isConstant) : undefined;
  const single = factor !== undefined && facts.shape(factor)?.every(dim => dim === 1);
  return single && (opType === 'Mul' || factor === inputs[1]) ? inputs.find(input => input !== factor) : undefined;
};

/** The tensors on the way from an output back to the residual stream include one of `stream`. */
export const reaches = (
  facts: Facts,
  norms: Norms,
  head: HeadParts,
  stream: ReadonlySet<string>
): string | undefined => {
  let at: string | undefined = head.norm ? head.norm.output : head.input;
  for (let step = 0; step < 12 && at !== undefined; step++) {
    const origin: string = facts.streamOrigin(at);
    if (stream.has(origin)) {
      return origin;
    }
    const norm: Norm | undefined = normOf(facts, norms, at);
    const layer: Projection | undefined = norm ? undefined : findProjection(facts, norms, at, TRANSFORM);
    at = norm?.input ?? (layer && rowsOf(facts, layer.input));
  }
  return undefined;
};

/** A dense layer with its activation, as BERT's masked-language head has before the unembedding. */
const TRANSFORM = new Set(
  'Add Mul Div Erf Tanh Pow Gelu Relu Sigmoid Reshape Cast Identity Dropout FastGelu BiasGelu'.split(' ')
);
