import type { Node } from '../onnx/model';
import type { OutputLayer, Projection } from './anatomy';
import type { Facts } from './facts';
import { findProjection, isLayer, layerInput } from './linear';
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
  'Add Mul Div Tanh Reshape Cast Identity Dropout Slice Where DynamicQuantizeLinear Flatten Split Squeeze Gather Softmax Sigmoid'.split(
    ' '
  )
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

/**
 * The first output that a layer makes of the stream besides an unembedding. On its way rows may have been picked, or a mean taken, so that
 * it reads one row a sequence.
 */
export const findOutputLayer = (
  facts: Facts,
  norms: Norms,
  heads: readonly HeadParts[],
  stream: ReadonlySet<string>
): OutputLayer | undefined => {
  const [first] = heads.filter(head => leadsBack(facts, norms, head.unembed.input, stream));
  // A rank that is not known yet is seen in a run.
  const rank = first && (facts.shape(first.unembed.output)?.length ?? 2);
  if (rank !== 2 && rank !== 3) {
    return undefined;
  }
  // All of its columns, where several outputs share them (an answer's start and end).
  const { columns: _, perHead: __, ...layer } = first.unembed;
  return { output: first.logits, layer, pooled: rank === 2 && !isMerged(facts, first) };
};

/** Rows of [batch, pos, width] that were merged for the product. */
const isMerged = (facts: Facts, { unembed }: HeadParts): boolean => {
  const node = facts.producer(facts.origin(unembed.input));
  return node?.opType === 'Reshape' && facts.shape(node.inputs[0])?.length === 3 && !isRow(facts, node.inputs[0]);
};

/** One token of each sequence, its axis kept. */
const isRow = (facts: Facts, tensor: string): boolean => facts.shape(tensor)?.[1] === 1;

const POOLING = new Set(
  'Slice Gather GatherND GatherElements ReduceMean ReduceMax Squeeze Reshape Flatten Transpose Identity Cast Dropout DynamicQuantizeLinear Tanh Gelu Relu Erf Mul Div Add Pow'.split(
    ' '
  )
);
const MOST_BACK = 40;

const leadsBack = (facts: Facts, norms: Norms, from: string, stream: ReadonlySet<string>): boolean => {
  const queue = [from];
  const seen = new Set(queue);
  for (let i = 0; i < queue.length && i < MOST_BACK; i++) {
    const at = queue[i];
    if (stream.has(facts.streamOrigin(at))) {
      return true;
    }
    const norm = norms.get(at);
    const node = facts.producer(at);
    const read = norm
      ? [norm.input]
      : node && (POOLING.has(node.opType) || isLayer(facts, node))
        ? node.inputs.filter(facts.isActivation)
        : [];
    for (const input of read.filter(name => !seen.has(name))) {
      seen.add(input);
      queue.push(input);
    }
  }
  return false;
};

/** A dense layer with its activation, as BERT's masked-language head has before the unembedding. */
const TRANSFORM = new Set(
  'Add Mul Div Erf Tanh Pow Gelu Relu Sigmoid Reshape Cast Identity Dropout FastGelu BiasGelu'.split(' ')
);
