import type { Node } from '../onnx/model';
import type { Content, Patches } from './anatomy';
import { intAttribute, intsAttribute, stringAttribute } from './attributes';
import { normPart } from './blocks';
import { UNPADDED } from './shapes/conv-shape';
import type { EmbeddingParts } from './embedding';
import { storedAs, type Facts } from './facts';
import { normOf, type Norms } from './norms';
import { CONVOLUTIONS, TRANSPARENT } from './op-classes';

const MOST_STEPS = 12;
const ROWS = new Set(['Transpose', 'Reshape', 'Flatten', 'Squeeze', ...TRANSPARENT]);

/**
 * What enters the first block where that is no table: backwards over the norm and the positions to the class token's Concat and the
 * convolution of patches, or to the graph's own input. Undefined where a sum of other streams, or a table of tokens, is met.
 */
export const contentOf = (facts: Facts, norms: Norms, from: string, parts: EmbeddingParts): Content | undefined =>
  pixelContent(facts, norms, from) ?? embeddingContent(parts);

/** One graph input [batch, pos, d_model] among the summands, which are tables otherwise. */
const embeddingContent = ({ fed, norm, project, strange }: EmbeddingParts): Content | undefined =>
  fed.length === 1 && !project
    ? {
        input: fed[0],
        kind: 'embeddings',
        tokens: fed[0],
        ...(norm && { norm: normPart('ln_embed', norm) }),
        length: null,
        strange
      }
    : undefined;

const pixelContent = (facts: Facts, norms: Norms, from: string): Content | undefined => {
  const norm = normOf(facts, norms, from);
  const { tokens, positions } = behindPositions(facts, norm?.input ?? from);
  const joined = joinedTokens(facts, tokens);
  const found = patchesBehind(facts, joined?.live ?? tokens, joined?.constants ?? []);
  const length = facts.shape(tokens)?.at(1);
  return (
    found && {
      input: found.input,
      kind: 'pixels',
      tokens,
      ...(positions !== undefined && { positions }),
      ...(norm && { norm: normPart('ln_embed', norm) }),
      patches: found.patches,
      length: typeof length === 'number' ? length : null,
      strange: []
    }
  );
};

/** Before what is added to every token by its place: the other operand of an Add does not depend on what is fed. */
export const behindPositions = (
  facts: Facts,
  from: string
): { readonly tokens: string; readonly positions?: string } => {
  const at = facts.origin(from);
  const node = facts.producer(at);
  const live = node?.opType === 'Add' ? node.inputs.filter(facts.isActivation) : [];
  const [positions] = node?.inputs.filter(input => !facts.isActivation(input)) ?? [];
  return live.length === 1 && (facts.shape(positions)?.length ?? 0) > 1
    ? { tokens: live[0], positions }
    : { tokens: at };
};

interface Joined {
  /** The one part that is fed. */
  readonly live: string;
  /** The parts before it. */
  readonly constants: readonly string[];
}

/** Concat along the positions of constant tokens and of one stream behind them. */
const joinedTokens = (facts: Facts, tokens: string): Joined | undefined => {
  const node = facts.producer(facts.origin(tokens));
  if (node?.opType !== 'Concat' || ![1, -2].includes(intAttribute(node, 'axis') ?? 0)) {
    return undefined;
  }
  const constants = node.inputs.slice(0, -1);
  const live = node.inputs[node.inputs.length - 1];
  return facts.isActivation(live) && !constants.some(facts.isActivation) ? { live, constants } : undefined;
};

/** Backwards from the patches' rows to one convolution of a graph input of four axes. */
const patchesBehind = (
  facts: Facts,
  from: string,
  constants: readonly string[]
): { readonly input: string; readonly patches: Patches } | undefined => {
  let at = from;
  let bias: string | undefined;
  for (let step = 0; step < MOST_STEPS; step++) {
    const node = facts.producer(at);
    if (node && CONVOLUTIONS.has(node.opType)) {
      const input = facts.origin(node.inputs[0]);
      const patches =
        facts.isInput(input) && facts.shape(input)?.length === 4
          ? patchesOf(facts, node, node.inputs[2] || bias, constants)
          : undefined;
      return patches && { input, patches };
    }
    const added = bias === undefined && node ? filterBias(facts, node) : undefined;
    bias ??= added;
    if (!node || !(added !== undefined || ROWS.has(node.opType))) {
      return undefined;
    }
    at = added === undefined ? node.inputs[0] : node.inputs.find(facts.isActivation)!;
  }
  return undefined;
};

/** A constant [1, filters, 1, 1] that is added behind the convolution, before it was reshaped. */
const filterBias = (facts: Facts, node: Node): string | undefined => {
  const constant = node.opType === 'Add' ? node.inputs.find(facts.isConstant) : undefined;
  const shape = constant === undefined ? undefined : facts.shape(constant);
  const made = constant === undefined ? undefined : facts.producer(constant);
  const each = shape?.length === 4 && shape.every((size, axis) => axis === 1 || size === 1);
  return each ? (made?.opType === 'Reshape' ? made.inputs[0] : constant) : undefined;
};

/** Undefined for a convolution that is dilated, in groups or padded by itself: no plain product of patches. */
const patchesOf = (
  facts: Facts,
  node: Node,
  bias: string | undefined,
  constants: readonly string[]
): Patches | undefined => {
  const [, weight] = node.inputs;
  const kernel = facts.shape(weight)?.slice(2);
  const grid = facts.shape(node.outputs[0])?.slice(2);
  const plain =
    (intAttribute(node, 'group') ?? 1) === 1 &&
    (intsAttribute(node, 'dilations') ?? []).every(step => step === 1) &&
    UNPADDED.has(stringAttribute(node, 'auto_pad') ?? '');
  if (!plain || !isPair(kernel) || !isPair(grid)) {
    return undefined;
  }
  const strides = intsAttribute(node, 'strides') ?? [1, 1];
  return {
    node: node.name,
    ...stored(facts, 'weight', weight),
    ...stored(facts, 'bias', bias),
    ...(node.opType !== 'Conv' && { rounds: true }),
    kernel,
    strides: [strides[0], strides[1]],
    pads: intsAttribute(node, 'pads') ?? [0, 0, 0, 0],
    grid,
    before: constants.map(constant => tokenWeight(facts, constant)),
    leading: constants.reduce((sum, constant) => sum + Number(facts.shape(constant)?.at(1) ?? 1), 0)
  };
};

const isPair = (sizes: readonly unknown[] | undefined): sizes is readonly [number, number] =>
  sizes?.length === 2 && sizes.every(size => typeof size === 'number');

const stored = <K extends string>(facts: Facts, key: K, tensor: string | undefined): Partial<Record<K, string>> => {
  const use = tensor ? facts.weight(tensor) : undefined;
  return use && !use.transposed ? ({ [key]: storedAs(facts, tensor) } as Record<K, string>) : {};
};

/** The initialiser that is repeated over the batch. */
const tokenWeight = (facts: Facts, tensor: string): string | undefined => {
  const node = facts.producer(tensor);
  const from = node?.opType === 'Expand' || node?.opType === 'Tile' ? node.inputs[0] : tensor;
  return facts.weight(from)?.transposed ? undefined : storedAs(facts, from);
};
