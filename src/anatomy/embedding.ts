import type { Projection } from './anatomy';
import type { Facts } from './facts';
import { findProjection, isLayer, layerInput } from './linear';
import { firstRows, lookUp, type LookUp } from './look-up';
import { LOOK_UPS } from './op-classes';
import { normOf, type Norm, type Norms } from './norms';

/** What enters the first block, taken apart. */
export interface EmbeddingParts {
  readonly norm?: Norm;
  /** Of one summand alone. */
  readonly tokenNorm?: Norm;
  /** The layer that widens narrow tables to the stream. */
  readonly project?: Projection;
  readonly lookUps: readonly LookUp[];
  /** Node types met that are neither sums, scales nor tables. */
  readonly strange: readonly string[];
  /** Graph inputs that are summands. */
  readonly fed: readonly string[];
}

const THROUGH = new Set([
  'Cast',
  'Identity',
  'Dropout',
  'DequantizeLinear',
  'Reshape',
  'Mul',
  'Div',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Add'
]);
const MOST_TENSORS = 60;

/** Backwards from the first residual stream over sums, scales, a mask, a layer and a norm to the tables. */
export const embeddingParts = (facts: Facts, norms: Norms, from: string): EmbeddingParts => {
  const entry = entryOf(facts, norms, from);
  let { project } = entry;
  let tokenNorm: Norm | undefined;
  const queue = [entry.norm?.input ?? from];
  const lookUps: LookUp[] = [];
  const strange: string[] = [];
  const fed: string[] = [];
  // Behind an operator that is not understood what is constant may be anything's, not only positions'.
  const hidden = new Set<string>();
  const push = (tensors: readonly string[], behind: boolean): void => {
    queue.push(...tensors);
    tensors.filter(() => behind).forEach(tensor => hidden.add(tensor));
  };
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    const behind = hidden.has(queue[i]);
    const first = behind ? undefined : firstRows(facts, queue[i]);
    const layer = project ? undefined : widening(facts, norms, queue[i]);
    const inner = tokenNorm ? undefined : normOf(facts, norms, queue[i]);
    if (inner) {
      tokenNorm = inner;
      queue.push(inner.input);
    } else if (node && LOOK_UPS.has(node.opType)) {
      lookUps.push(lookUp(facts, node));
    } else if (first) {
      lookUps.push(first);
    } else if (layer) {
      project = layer;
      queue.push(layerInput(facts, layer.input));
    } else if (node && THROUGH.has(node.opType)) {
      push(
        node.inputs.filter(input => facts.isActivation(input) || isTable(facts, input)),
        behind
      );
    } else if (node && !facts.isConstant(queue[i])) {
      strange.push(node.opType);
      push(node.inputs.filter(facts.isActivation), true);
    } else if (facts.isInput(queue[i])) {
      fed.push(queue[i]);
    }
  }
  return {
    ...(entry.norm && { norm: entry.norm }),
    ...(tokenNorm && { tokenNorm }),
    ...(project && { project }),
    lookUps,
    strange,
    fed
  };
};

/** The norm that the stream comes from, over a mask that zeroes padding (DeBERTa) and a layer that widens (ALBERT, ELECTRA). */
const entryOf = (facts: Facts, norms: Norms, from: string): Pick<EmbeddingParts, 'norm' | 'project'> => {
  let at: string | undefined = from;
  let project: Projection | undefined;
  for (let step = 0; step < MOST_STEPS && at !== undefined; step++) {
    const norm = normOf(facts, norms, at);
    if (norm) {
      return { norm, ...(project && { project }) };
    }
    const layer: Projection | undefined = project ? undefined : widening(facts, norms, at);
    project ??= layer;
    at = layer ? layerInput(facts, layer.input) : alone(facts, at);
  }
  return {};
};

const MOST_STEPS = 12;
const WIDENING = new Set(['Add', 'Cast', 'Identity', 'Dropout', 'Reshape']);

/** The layer that a tensor is the output of, its bias included. */
const widening = (facts: Facts, norms: Norms, tensor: string): Projection | undefined => {
  let at: string | undefined = tensor;
  for (let step = 0; step < MOST_STEPS && at !== undefined; step++) {
    const node = facts.producer(at);
    if (node && isLayer(facts, node)) {
      return findProjection(facts, norms, tensor, WIDENING);
    }
    const isBias = node?.opType === 'Add' && node.inputs.some(input => facts.shape(input)?.length === 1);
    at = isBias || (node && RESHAPING.has(node.opType)) ? alone(facts, at) : undefined;
  }
  return undefined;
};

const RESHAPING = new Set(['Cast', 'Identity', 'Dropout', 'Reshape']);
const MASKING = new Set(['Cast', 'Identity', 'Dropout', 'Reshape', 'Mul']);

/** The one activation behind a tensor, where all else is constant, or a mask that it is multiplied by. */
const alone = (facts: Facts, tensor: string): string | undefined => {
  const node = facts.producer(tensor);
  const [live, ...more] = node?.inputs.filter(facts.isActivation) ?? [];
  const only = more.length === 0 && node !== undefined;
  const plain =
    only && (MASKING.has(node.opType) || node.inputs.every(input => input === live || facts.isConstant(input)));
  return plain && !node.opType.startsWith('Gather') ? live : undefined;
};

/** Small tables (two token types) and first rows of a table count as constants, not as activations. */
const isTable = (facts: Facts, tensor: string): boolean => {
  const at = behindCopies(facts, tensor);
  const node = facts.producer(at);
  const picked =
    node && LOOK_UPS.has(node.opType) && facts.isConstant(node.inputs[0]) && facts.shape(node.inputs[0])?.length === 2;
  return picked || firstRows(facts, at) !== undefined;
};

const COPIES = new Set(['Cast', 'Identity', 'Dropout', 'Unsqueeze', 'Squeeze', 'Expand', 'DequantizeLinear']);

/** Backwards through what repeats a tensor over a batch. */
const behindCopies = (facts: Facts, tensor: string): string => {
  let at = tensor;
  for (let step = 0; step < 8; step++) {
    const node = facts.producer(at);
    if (!node || !COPIES.has(node.opType) || facts.isConstant(at)) {
      break;
    }
    at = node.inputs[0];
  }
  return at;
};
