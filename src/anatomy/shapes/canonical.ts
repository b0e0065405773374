import { ints } from '../../graph/attributes';
import { equationOf } from '../../graph/einsum-equation';
import type { Node } from '../../onnx/model';
import { intAttribute } from '../attributes';
import { integerConvolution, integerProduct } from '../constants/integer-product';
import type { Known } from './known';

/** What is known when a node is read, nodes being read in order. */
export interface Before {
  known(tensor: string): Known;
  producer(tensor: string): Node | undefined;
  isInitialiser(tensor: string): boolean;
  /** The element of a constant that has one. */
  single(tensor: string): number | undefined;
}

/**
 * The same computation by the operator that the searches know: exporters write one thing in several ways. A copy: the
 * file's own node is left as it is, its outputs keep their names.
 */
export const canonical = (node: Node, before: Before): Node =>
  integerLayer(node, before) ??
  integerPatches(node, before) ??
  neutral(node, before) ??
  lookUp(node, before) ??
  picked(node, before) ??
  matrixProduct(node) ??
  node;

/** A layer of integers, spelled out in five nodes, is one. */
const integerLayer = (node: Node, before: Before): Node | undefined => {
  const found = node.opType === 'Mul' ? integerProduct(node, before) : undefined;
  return (
    found && {
      ...node,
      opType: 'DynamicQuantizeMatMul',
      domain: 'com.microsoft',
      inputs: [found.x, found.weight, found.scale, found.zero ?? ''],
      attributes: []
    }
  );
};

/** A convolution of integers likewise: ONNX has no one operator for it, here it goes by this name. */
const integerPatches = (node: Node, before: Before): Node | undefined => {
  const spelled = integerConvolution(node, before);
  return (
    spelled && {
      ...node,
      opType: 'DynamicQuantizeConv',
      inputs: [spelled.found.x, spelled.found.weight],
      attributes: spelled.product.attributes
    }
  );
};

/** The element with which an operator changes nothing; Sub and Div take it on the right only. */
const NEUTRAL: ReadonlyMap<string, number> = new Map([
  ['Add', 0],
  ['Sub', 0],
  ['Mul', 1],
  ['Div', 1]
]);

/** x + 0, x · 1: the other operand, where a single constant is neutral. */
const neutral = (node: Node, { known }: Before): Node | undefined => {
  const element = NEUTRAL.get(node.opType);
  if (element === undefined || node.inputs.length !== 2) {
    return undefined;
  }
  const isNeutral = (tensor: string): boolean => {
    const { shape, values } = known(tensor);
    return values?.length === 1 && values[0] === element && (shape?.length ?? 2) <= 1;
  };
  const [left, right] = node.inputs;
  const commutes = node.opType === 'Add' || node.opType === 'Mul';
  const kept = isNeutral(right) ? left : commutes && isNeutral(left) ? right : undefined;
  // A single number stretched to a longer operand is not that operand alone.
  return kept !== undefined && (known(kept).shape?.length ?? 2) >= 1
    ? { ...node, opType: 'Identity', domain: '', inputs: [kept], attributes: [] }
    : undefined;
};

/** GatherND(table, Unsqueeze(indices, last axis)): rows of a table, as `table[indices]` is exported. */
const lookUp = (node: Node, { known, producer }: Before): Node | undefined => {
  const unsqueeze = node.opType === 'GatherND' ? producer(node.inputs[1]) : undefined;
  if (unsqueeze?.opType !== 'Unsqueeze' || intAttribute(node, 'batch_dims')) {
    return undefined;
  }
  const [indices, axes] = unsqueeze.inputs;
  const axis = axes === undefined ? undefined : known(axes).values;
  const last = axis?.length === 1 && (axis[0] === -1 || axis[0] === known(indices).shape?.length);
  return last ? { ...node, opType: 'Gather', inputs: [node.inputs[0], indices], attributes: [] } : undefined;
};

/** GatherND(x, [[i]]), as `x[..., [i], :]` is exported behind a Transpose: the one slice i of the first axis. */
const picked = (node: Node, { known, single }: Before): Node | undefined => {
  const shape = node.opType === 'GatherND' ? known(node.inputs[1]).shape : undefined;
  const at = single(node.inputs[1]);
  if (shape?.join() !== '1,1' || at === undefined || intAttribute(node, 'batch_dims')) {
    return undefined;
  }
  const end = at === -1 ? Number.MAX_SAFE_INTEGER : at + 1;
  const attributes = [ints('starts', [at]), ints('ends', [end]), ints('axes', [0])];
  return { ...node, opType: 'Slice', inputs: [node.inputs[0]], attributes };
};

/** Einsum 'bsd,dm->bsm' is a matrix product. */
const matrixProduct = (node: Node): Node | undefined => {
  const equation = equationOf(node);
  if (!equation) {
    return undefined;
  }
  const { left, right, out } = equation;
  const [inner, column] = right;
  const plain =
    right.length === 2 &&
    left.length > 1 &&
    left.at(-1) === inner &&
    !left.includes(column) &&
    [...left.slice(0, -1), column].join() === out.join();
  return plain ? { ...node, opType: 'MatMul', attributes: [] } : undefined;
};
