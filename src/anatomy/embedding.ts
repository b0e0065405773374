import type { Node } from '../onnx/model';
import type { Projection } from './anatomy';
import { intsAttribute } from './attributes';
import { isBlockTable } from './constants/block-weights';
import type { Facts } from './facts';
import { findProjection, isLayer, layerInput } from './linear';
import { coneOf } from './mask';
import { LOOK_UPS } from './op-classes';
import { normOf, type Norm, type Norms } from './norms';

/** One table of embeddings: rows of a constant matrix, picked by indices, or the first rows of it. */
export interface LookUp {
  readonly output: string;
  /** The initialiser, or what the file computes from initialisers. */
  readonly weight?: string;
  readonly rows: number;
  /** Absent where the first rows are taken. */
  readonly indices?: string;
  /** Its rows are picked by where a token stands, not by what is fed. */
  readonly counted: boolean;
  /** The graph input that the indices are, perhaps cast or reshaped; undefined where they are computed. */
  readonly input?: string;
  /** What tokens' rows are multiplied by. */
  readonly scale?: number;
  /** Graph inputs [batch, pos, n] that its indices are computed from. */
  readonly boxes: readonly string[];
}

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
const INDICES = new Set(['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Slice']);
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
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = facts.producer(queue[i]);
    const first = firstRows(facts, queue[i]);
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
      queue.push(...node.inputs.filter(input => facts.isActivation(input) || isTable(facts, input)));
    } else if (node && !facts.isConstant(queue[i])) {
      strange.push(node.opType);
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

/** `table[:length]` of a constant [rows, width] or [1, rows, width]; a constant of that shape is all of its rows. */
const firstRows = (facts: Facts, tensor: string): LookUp | undefined => {
  const node = facts.producer(tensor);
  const constant = facts.isConstant(tensor);
  const table = constant ? tensor : node?.opType === 'Slice' ? node.inputs[0] : undefined;
  const shape = table === undefined ? undefined : facts.shape(table);
  const rows = shape?.at(-2);
  const isMatrix = shape?.length === 2 || (shape?.length === 3 && shape[0] === 1);
  if (table === undefined || !facts.isConstant(table) || !isMatrix || typeof rows !== 'number' || rows < 2) {
    return undefined;
  }
  if (!constant && !slicesAxis(facts, node!, shape.length - 2)) {
    return undefined;
  }
  const weight = facts.weight(table);
  const plain = weight?.exact && !weight.transposed ? weight.name : undefined;
  return { output: tensor, rows, counted: true, boxes: [], ...(plain !== undefined && { weight: plain }) };
};

/** From 0 on along this one axis. */
const slicesAxis = (facts: Facts, node: Node, axis: number): boolean => {
  const starts = intsAttribute(node, 'starts') ?? facts.values(node.inputs[1]);
  const axes = intsAttribute(node, 'axes') ?? facts.values(node.inputs[3] ?? '') ?? [0];
  const rank = facts.shape(node.inputs[0])?.length ?? 0;
  return starts?.length === 1 && starts[0] === 0 && axes.length === 1 && [axis, axis - rank].includes(Number(axes[0]));
};

/** Every table of the graph that an input picks rows of. */
export const fedTables = (facts: Facts): readonly LookUp[] =>
  facts.nodes
    .filter(({ opType, outputs }) => LOOK_UPS.has(opType) && facts.isActivation(outputs[0]))
    .map(node => lookUp(facts, node))
    .filter(({ input }) => input !== undefined);

const lookUp = (facts: Facts, node: Node): LookUp => {
  const [table, indices] = node.inputs;
  const rows = facts.shape(table)?.[0];
  const weight = facts.weight(table);
  const dequantised = facts.consumers(node.outputs[0]).find(({ opType }) => opType === 'DequantizeLinear');
  const computed = !weight?.exact && node.opType === 'Gather' && facts.isConstant(table);
  const exact = node.opType === 'Gather' && weight?.exact && !weight.transposed && !dequantised;
  const plain = exact || (dequantised && weight) ? weight.name : computed || isBlockTable(node) ? table : undefined;
  const input = inputBehind(facts, indices);
  const cone = coneOf(facts, [indices]);
  const boxes = [...cone.inputs].filter(name => facts.shape(name)?.length === 3);
  const counted = [...cone.nodes].some(({ opType }) => opType === 'Range' || opType === 'CumSum');
  const read = shaped(facts, dequantised?.outputs[0] ?? node.outputs[0]);
  const scaling = scalingOf(facts, read);
  const added = counted && scaling ? scaling.output : read;
  return {
    output: added,
    indices,
    counted,
    boxes,
    ...(plain !== undefined && added === read && { weight: plain }),
    rows: typeof rows === 'number' ? rows : 0,
    ...(input !== undefined && { input }),
    ...(!counted && scaling?.factor !== undefined && { scale: scaling.factor })
  };
};

/** Rows picked by a list of indices get their batch and positions behind that (M2M100). */
const shaped = (facts: Facts, output: string): string => {
  const [node, ...more] = facts.consumers(output).filter(({ opType }) => opType !== 'Shape');
  return facts.shape(output)?.length === 2 && node?.opType === 'Reshape' && more.length === 0
    ? node.outputs[0]
    : output;
};

interface Scaling {
  readonly output: string;
  readonly factor?: number;
}

/** Rows times one number; where they are positions', what is added to the stream is the product, of which no table holds the rows. */
const scalingOf = (facts: Facts, output: string): Scaling | undefined => {
  const [node, ...more] = facts.consumers(output).filter(({ opType }) => opType !== 'Shape');
  const by = node?.inputs.find(input => input !== output);
  const scales = more.length === 0 && (node?.opType === 'Mul' || (node?.opType === 'Div' && node.inputs[0] === output));
  const single = by !== undefined && facts.isConstant(by) && facts.shape(by)?.every(size => size === 1);
  if (!scales || !single) {
    return undefined;
  }
  const value = facts.values(by)?.[0];
  const factor = typeof value !== 'number' ? {} : { factor: node.opType === 'Mul' ? value : 1 / value };
  return { output: node.outputs[0], ...factor };
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
  /** Tables that are read by places on a page. */
  readonly boxes: readonly LookUp[];
}

/**
 * Tokens: the table with as many rows as the logits have columns, else the only one read by an input, else the largest.
 * None of them where embeddings are fed. Of the rest, positions are counted, and small ones that are not hold types.
 */
export const embeddingRoles = (
  lookUps: readonly LookUp[],
  vocabulary: number | null,
  embedded = false
): EmbeddingRoles => {
  const fed = lookUps.filter(({ input }) => input !== undefined);
  const fitting = fed.filter(({ rows }) => rows === vocabulary);
  const tokens = (fitting.length === 1 ? fitting : fed).reduce<LookUp | undefined>(
    (best, one) => (best && best.rows >= one.rows ? best : one),
    undefined
  );
  const rest = lookUps.filter(one => one !== tokens);
  // Where no input picks tokens, and no embeddings are fed, a table that something else picks rows of may be theirs.
  const others =
    tokens || embedded ? rest.find(({ rows, boxes: read }) => rows > MOST_TYPES && read.length === 0) : undefined;
  const positions = rest.find(({ counted }) => counted) ?? others;
  const types = rest.find(one => one !== positions && one.rows <= MOST_TYPES);
  const boxes = rest.filter(one => one !== positions && one !== types && one.boxes.length > 0);
  return { tokens, positions, types, boxes };
};
