import { gridOf, integerOperator, sameGrid, type Grid, type IntegerOperator } from '../graph/integer-operators';
import { usesOf, type Uses } from '../graph/uses';
import type { Model, Node } from '../onnx/model';
import { elementCount } from '../onnx/element-type';
import { independent } from './independent';
import { SIZE_ONLY } from './op-classes';

/** A graph as if its activations were not rounded, and where they are. */
export interface Unrounded {
  /** QuantizeLinear and DequantizeLinear behind it belong to the operator whose output they round; operators on integers are those on numbers. */
  readonly nodes: readonly Node[];
  /** Tensors that are rounded, in which steps. */
  readonly grids: ReadonlyMap<string, Grid>;
}

/**
 * The nodes by which activations that the file itself rounds (static quantisation) are seen through. A tensor that is read only rounded goes by
 * the rounded tensor's name. What is not understood keeps its nodes. Weights keep theirs.
 */
export const unrounded = ({ graph }: Model): Unrounded => {
  if (!graph.nodes.some(({ opType }) => opType === 'QuantizeLinear')) {
    return { nodes: graph.nodes, grids: new Map() };
  }
  const uses = usesOf(graph);
  const seen = look(graph, uses);
  const grids = new Map<string, Grid>();
  const renamed = new Map<string, string>();
  const nodes = graph.nodes.flatMap(node => {
    const view = viewOf(node, uses, seen);
    if (view === undefined) {
      return [node];
    }
    if (view.grid) {
      grids.set(view.output, view.grid);
    }
    if (view.renames !== undefined) {
      renamed.set(view.renames, view.output);
    }
    return view.node ? [view.node] : [];
  });
  const named = (tensor: string): string => renamed.get(tensor) ?? tensor;
  const all = nodes.map(node => ({ ...node, inputs: node.inputs.map(named), outputs: node.outputs.map(named) }));
  return { nodes: withoutUnread(all), grids };
};

interface View {
  /** In place of the DequantizeLinear, or of an operator that gives numbers; absent where nothing is. */
  readonly node?: Node;
  readonly output: string;
  readonly grid?: Grid;
  /** The tensor that goes by the output's name. */
  readonly renames?: string;
}

interface Seen {
  /** Initialisers and Constant nodes. */
  isStored(tensor: string): boolean;
  /** Does not depend on what is fed. */
  isFixed(tensor: string): boolean;
  isSingle(tensor: string): boolean;
  isOutput(tensor: string): boolean;
}

const look = ({ nodes, initializers, outputs }: Model['graph'], uses: Uses): Seen => {
  const dims = new Map(initializers.map(tensor => [tensor.name, tensor.dims] as const));
  const shown = new Set(outputs.map(({ name }) => name));
  const constant = (tensor: string): Node | undefined => {
    const node = uses.producer(tensor)?.node;
    return node?.opType === 'Constant' ? node : undefined;
  };
  const dimsOf = (tensor: string): readonly number[] | undefined =>
    dims.get(tensor) ?? constant(tensor)?.attributes.find(({ t }) => t)?.t?.dims;
  const { fixed } = independent(nodes, dims.keys());
  return {
    isFixed: tensor => fixed.has(tensor),
    isStored: tensor => dims.has(tensor) || constant(tensor) !== undefined,
    isSingle: tensor => {
      const size = dimsOf(tensor);
      return size !== undefined && elementCount(size) === 1;
    },
    isOutput: tensor => shown.has(tensor)
  };
};

/** Undefined where the node stays as it is. */
const viewOf = (node: Node, uses: Uses, seen: Seen): View | undefined => {
  const found = integerOperator(node);
  if (found) {
    const plain = found.result ? undefined : plainNode(node, found, node.outputs, uses, seen);
    return plain && { node: plain, output: node.outputs[0] };
  }
  const maker = node.opType === 'DequantizeLinear' ? uses.producer(node.inputs[0])?.node : undefined;
  return maker && (pairOf(node, maker, uses, seen) ?? resultOf(node, maker, uses, seen));
};

/** DequantizeLinear of QuantizeLinear: a rounding. */
const pairOf = (node: Node, maker: Node, uses: Uses, { isFixed, isSingle, isOutput }: Seen): View | undefined => {
  const grid = gridOf(node);
  const [before] = maker.inputs;
  const [output] = node.outputs;
  if (maker.opType !== 'QuantizeLinear' || !sameGrid(gridOf(maker), grid)) {
    return undefined;
  }
  if (isFixed(before) && !isSingle(before)) {
    return { output, grid, node };
  }
  const alone = uses.consumers(before).every(({ node: reader }) => reader === maker || SIZE_ONLY.has(reader.opType));
  return alone && uses.producer(before) && !isFixed(before) && !isOutput(before)
    ? { output, grid, renames: before }
    : { output, grid, node: { ...node, opType: 'Identity', domain: '', inputs: [before], attributes: [] } };
};

/** DequantizeLinear of what an operator on integers gives. */
const resultOf = (node: Node, maker: Node, uses: Uses, seen: Seen): View | undefined => {
  const found = integerOperator(maker);
  const plain = found?.result && plainNode(maker, found, node.outputs, uses, seen);
  return plain && sameGrid(found.result, gridOf(node))
    ? { output: node.outputs[0], grid: gridOf(node), node: plain }
    : undefined;
};

const plainNode = (
  node: Node,
  { plain, operands, bias }: IntegerOperator,
  outputs: readonly string[],
  uses: Uses,
  { isStored }: Seen
): Node | undefined => {
  const dequantised = (integers: string, grid?: Grid): string | undefined =>
    uses
      .consumers(integers)
      .map(end => end.node)
      .find(reader => reader.opType === 'DequantizeLinear' && (!grid || sameGrid(gridOf(reader), grid)))?.outputs[0];
  const inputs = operands.map(operand => {
    if (typeof operand === 'string') {
      return operand;
    }
    const rounding = uses.producer(operand.tensor)?.node;
    return isStored(operand.tensor)
      ? dequantised(operand.tensor, operand)
      : rounding?.opType === 'QuantizeLinear' && sameGrid(gridOf(rounding), operand)
        ? rounding.inputs[0]
        : undefined;
  });
  const all = [...inputs, ...(bias === undefined ? [] : [dequantised(bias)])];
  return all.every(input => input !== undefined)
    ? { ...node, opType: plain, domain: '', inputs: all, outputs }
    : undefined;
};

/** Without what makes integers that are read no more. */
const withoutUnread = (nodes: readonly Node[]): readonly Node[] => {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const kept = nodes.filter(node => !isInteger(node) || node.outputs.some(output => read.has(output)));
  return kept.length === nodes.length ? nodes : withoutUnread(kept);
};

const isInteger = (node: Node): boolean => node.opType === 'QuantizeLinear' || integerOperator(node) !== undefined;
