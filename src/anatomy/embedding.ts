import type { Node } from '../onnx/model';
import type { Facts } from './facts';
import { normOf, type Norm, type Norms } from './norms';

/** One table of embeddings: rows of a constant matrix, picked by indices. */
export interface LookUp {
  readonly output: string;
  /** The initialiser. */
  readonly weight?: string;
  readonly rows: number;
  readonly indices: string;
  /** The graph input that the indices are, perhaps cast or reshaped; undefined where they are computed. */
  readonly input?: string;
}

/** What enters the first block, taken apart. */
export interface EmbeddingParts {
  readonly norm?: Norm;
  readonly lookUps: readonly LookUp[];
  /** Node types met that are neither sums, scales nor tables. */
  readonly strange: readonly string[];
}

const THROUGH = new Set([
  'Cast',
  'Identity',
  'Dropout',
  'Reshape',
  'Mul',
  'Div',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Add'
]);
const INDICES = new Set(['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten']);
const MOST_TENSORS = 60;

/** Backwards from the first residual stream over sums, scales and a norm to the tables. */
export const embeddingParts = (facts: Facts, norms: Norms, from: string): EmbeddingParts => {
  const norm = normOf(facts, norms, from);
  const queue = [norm?.input ?? from];
  const lookUps: LookUp[] = [];
  const strange: string[] = [];
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    if (node?.opType === 'Gather' || node?.opType === 'GatherBlockQuantized') {
      lookUps.push(lookUp(facts, node));
    } else if (node && THROUGH.has(node.opType)) {
      queue.push(...node.inputs.filter(input => facts.isActivation(input) || isTable(facts, input)));
    } else if (node && !facts.isConstant(queue[i])) {
      strange.push(node.opType);
    }
  }
  return { norm, lookUps, strange };
};

/** Small tables (two token types) count as constants, not as activations. */
const isTable = (facts: Facts, tensor: string): boolean => {
  const node = facts.producer(facts.origin(tensor));
  return node?.opType === 'Gather' && facts.isConstant(node.inputs[0]) && facts.shape(node.inputs[0])?.length === 2;
};

/** Every table of the graph that an input picks rows of. */
export const fedTables = (facts: Facts): readonly LookUp[] =>
  facts.nodes
    .filter(({ opType, outputs }) => opType === 'Gather' && facts.isActivation(outputs[0]))
    .map(node => lookUp(facts, node))
    .filter(({ input }) => input !== undefined);

const lookUp = (facts: Facts, node: Node): LookUp => {
  const [table, indices] = node.inputs;
  const rows = facts.shape(table)?.[0];
  const weight = facts.weight(table);
  const plain = weight?.exact && !weight.transposed ? weight : undefined;
  const input = inputBehind(facts, indices);
  return {
    output: node.outputs[0],
    indices,
    ...(plain && { weight: plain.name }),
    rows: typeof rows === 'number' ? rows : 0,
    ...(input !== undefined && { input })
  };
};

const inputBehind = (facts: Facts, indices: string): string | undefined => {
  let at = indices;
  for (let step = 0; step < 8; step++) {
    const node = facts.producer(at);
    if (!node) {
      return facts.isInput(at) ? at : undefined;
    }
    if (!INDICES.has(node.opType)) {
      return undefined;
    }
    at = node.inputs[0];
  }
  return undefined;
};

/** Tables of one to four rows hold token types; positions need more. */
const MOST_TYPES = 4;

export interface EmbeddingRoles {
  readonly tokens?: LookUp;
  readonly positions?: LookUp;
  readonly types?: LookUp;
}

/**
 * Tokens: the table with as many rows as the logits have columns, else the only one read by an input, else the largest.
 * Of the rest, small ones hold types.
 */
export const embeddingRoles = (lookUps: readonly LookUp[], vocabulary: number | null): EmbeddingRoles => {
  const fed = lookUps.filter(({ input }) => input !== undefined);
  const fitting = fed.filter(({ rows }) => rows === vocabulary);
  const tokens = (fitting.length === 1 ? fitting : fed).reduce<LookUp | undefined>(
    (best, one) => (best && best.rows >= one.rows ? best : one),
    undefined
  );
  const rest = lookUps.filter(one => one !== tokens);
  return {
    tokens,
    positions: rest.find(({ rows }) => rows > MOST_TYPES),
    types: rest.find(({ rows }) => rows <= MOST_TYPES)
  };
};
