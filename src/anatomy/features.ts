import type { Node } from '../onnx/model';
import type { Content, Stem, StemLayer } from './anatomy';
import { intAttribute, intsAttribute, stringAttribute } from './attributes';
import { normPart } from './blocks';
import { behindPositions } from './content';
import { UNPADDED } from './shapes/conv-shape';
import type { Facts } from './facts';
import { CURVES } from './mlp';
import { normOf, type Norms } from './norms';
import { CONVOLUTIONS, SIZE_ONLY, TRANSPARENT } from './op-classes';

const MOST_TENSORS = 400;

/**
 * What enters the first block where it is computed from one input of numbers by more than a convolution of patches: a sound's spectrogram
 * (Whisper), its samples (HuBERT), or a picture with tokens put between others (DINOv2 with registers).
 */
export const featureContent = (facts: Facts, norms: Norms, from: string): Content | undefined => {
  const norm = normOf(facts, norms, from);
  const { tokens, positions } = behindPositions(facts, norm?.input ?? from);
  const input = onlyInput(facts, tokens);
  const length = facts.shape(tokens)?.at(1);
  const stem = input === undefined ? undefined : stemBehind(facts, tokens, input);
  return input === undefined
    ? undefined
    : {
        input,
        kind: facts.shape(input)?.length === 4 ? 'pixels' : 'features',
        tokens,
        ...(positions !== undefined && { positions }),
        ...(norm && { norm: normPart('ln_embed', norm) }),
        ...(stem && { stem }),
        length: typeof length === 'number' ? length : null,
        strange: []
      };
};

/** The one input that a tensor's values depend on, where a convolution reads it. */
const onlyInput = (facts: Facts, from: string): string | undefined => {
  const queue = [from];
  const seen = new Set(queue);
  const inputs: string[] = [];
  let convolved = false;
  for (let i = 0; i < queue.length; i++) {
    const node = facts.producer(queue[i]);
    convolved ||= node !== undefined && CONVOLUTIONS.has(node.opType);
    if (facts.isInput(queue[i])) {
      inputs.push(queue[i]);
    }
    for (const name of node && !SIZE_ONLY.has(node.opType) ? node.inputs : []) {
      if (name !== '' && !seen.has(name) && !facts.isConstant(name)) {
        seen.add(name);
        queue.push(name);
      }
    }
  }
  return inputs.length === 1 && convolved && queue.length < MOST_TENSORS ? inputs[0] : undefined;
};

/** Convolutions along one axis from the input on, each with a curve behind it, then channels and positions swapped; undefined for anything else. */
const stemBehind = (facts: Facts, tokens: string, input: string): Stem | undefined => {
  const swap = facts.producer(facts.origin(tokens));
  if (swap?.opType !== 'Transpose' || intsAttribute(swap, 'perm')?.join() !== '0,2,1') {
    return undefined;
  }
  const layers: StemLayer[] = [];
  let at = swap.inputs[0];
  while (facts.origin(at) !== input) {
    const found = bentConvolution(facts, at);
    const layer = found && stemLayer(facts, found.node, found.curve);
    if (!layer) {
      return undefined;
    }
    layers.unshift(layer);
    at = found.node.inputs[0];
  }
  return layers.length > 0 ? { layers } : undefined;
};

const AROUND = new Set([...CURVES.keys(), ...TRANSPARENT, 'Mul', 'Div', 'Add', 'Pow']);

/** The one convolution behind a tensor, and the one curve on the way. */
const bentConvolution = (facts: Facts, from: string): { readonly node: Node; readonly curve: string } | undefined => {
  const queue = [from];
  const convolutions = new Set<Node>();
  const curves = new Set<string>();
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    if (node && CONVOLUTIONS.has(node.opType)) {
      convolutions.add(node);
      continue;
    }
    if (!node || !AROUND.has(node.opType)) {
      return undefined;
    }
    curves.add(CURVES.get(node.opType) ?? '');
    queue.push(...node.inputs.filter(name => facts.isActivation(name) && !queue.includes(name)));
  }
  curves.delete('');
  const [[node, ...more], [curve, ...others]] = [[...convolutions], [...curves]];
  return node && curve !== undefined && more.length + others.length === 0 ? { node, curve } : undefined;
};

/** Undefined for a convolution in groups, dilated, or that rounds what it reads. */
const stemLayer = (facts: Facts, node: Node, curve: string): StemLayer | undefined => {
  const [weight, bias] = node.inputs.slice(1).map(name => (name ? facts.weight(name) : undefined));
  const plain =
    node.opType === 'Conv' &&
    (intAttribute(node, 'group') ?? 1) === 1 &&
    (intsAttribute(node, 'dilations') ?? []).every(step => step === 1) &&
    UNPADDED.has(stringAttribute(node, 'auto_pad') ?? '');
  if (!plain || weight?.dims.length !== 3 || !weight.exact || (node.inputs[2] && !bias?.exact)) {
    return undefined;
  }
  return {
    node: node.name,
    weight: weight.name,
    ...(bias && { bias: bias.name }),
    stride: intsAttribute(node, 'strides')?.[0] ?? 1,
    pad: intsAttribute(node, 'pads')?.[0] ?? 0,
    curve
  };
};
