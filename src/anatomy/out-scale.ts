import type { OutScale } from './anatomy';
import type { Facts } from './facts';
import type { Node } from '../onnx/model';

/** What a Mul multiplies `tensor` by: one number (Granite's residual multiplier) or a vector as wide as the stream (LayerScale). */
export const outScaleOf = (facts: Facts, node: Node, tensor: string): OutScale | undefined => {
  const other = node.opType === 'Mul' ? node.inputs.find(input => input !== tensor) : undefined;
  if (other === undefined || !facts.isConstant(other)) {
    return undefined;
  }
  const numbers = facts.numbers(facts.origin(other));
  if (numbers?.length === 1) {
    return { factor: numbers[0] };
  }
  const weight = facts.weight(other);
  return weight?.exact && weight.dims.length === 1 ? { factor: 1, weight: weight.name } : undefined;
};

/** One after the other; two vectors are not followed. */
export const bothScales = (a: OutScale | undefined, b: OutScale | undefined): OutScale | undefined => {
  if (!a || !b) {
    return a ?? b;
  }
  const weight = a.weight ?? b.weight;
  return a.weight && b.weight ? undefined : { factor: a.factor * b.factor, ...(weight !== undefined && { weight }) };
};

/** A branch's output before it is multiplied by constants, and those. */
export const behindScale = (
  facts: Facts,
  isNorm: (tensor: string) => boolean,
  added: string
): { readonly tensor: string; readonly scale?: OutScale } => {
  let tensor = added;
  let scale: OutScale | undefined;
  for (let step = 0; step < 4; step++) {
    const node = facts.producer(facts.origin(tensor));
    const live = node?.inputs.find(input => facts.isActivation(input));
    const found = node && live !== undefined && !isNorm(tensor) ? outScaleOf(facts, node, live) : undefined;
    if (live === undefined || !found) {
      break;
    }
    tensor = live;
    scale = bothScales(scale, found);
  }
  return { tensor, ...(scale && { scale }) };
};
