import type { Node } from '../onnx/model';
import { intsAttribute } from './attributes';
import { isBlockTable } from './constants/block-weights';
import type { Facts } from './facts';
import { firstRow } from './first-row';
import { coneOf } from './mask';
import { LOOK_UPS } from './op-classes';

/** One table of embeddings: rows of a constant matrix, picked by indices, or the first rows of it. */
export interface LookUp {
  readonly output: string;
  /** The initialiser, or what the file computes from initialisers. */
  readonly weight?: string;
  readonly rows: number;
  /** Absent where the first rows are taken. */
  readonly indices?: string;
  /** The row that the first token's position has, where the table has rows before it (OPT, BART, RoBERTa). */
  readonly first?: number;
  /** Its rows are picked by where a token stands, not by what is fed. */
  readonly counted: boolean;
  /** The graph input that the indices are, perhaps cast or reshaped; undefined where they are computed. */
  readonly input?: string;
  /** What tokens' rows are multiplied by. */
  readonly scale?: number;
  /** Graph inputs [batch, pos, n] that its indices are computed from. */
  readonly boxes: readonly string[];
}

/** `table[:length]` of a constant [rows, width] or [1, rows, width]; a constant of that shape is all of its rows. */
export const firstRows = (facts: Facts, tensor: string): LookUp | undefined => {
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

export const lookUp = (facts: Facts, node: Node): LookUp => {
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
  const before = firstRow(facts, indices) ?? 0;
  return {
    output: added,
    indices,
    counted,
    boxes,
    ...(plain !== undefined && added === read && { weight: plain }),
    rows: typeof rows === 'number' ? rows : 0,
    ...(before > 0 && { first: before }),
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

const INDICES = new Set(['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Slice']);

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
