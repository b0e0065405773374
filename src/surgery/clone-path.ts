import { LINEAR, NORM_KINDS, SIZE_ONLY } from '../anatomy/op-classes';
import { int } from '../graph/attributes';
import { captures } from '../graph/captures';
import type { Builder } from '../graph/build';
import { nodeLabel } from '../graph/uses';
import type { Graph, Node } from '../onnx/model';

/** The nodes through which the values of `from` reach `to`, in the graph's order. */
export interface Path {
  readonly from: string;
  readonly to: string;
  readonly nodes: readonly Node[];
}

/** Throws where `to` does not depend on `from`, or does so inside a branch or a loop. */
export const pathBetween = (graph: Graph, from: string, to: string): Path => {
  const reached = new Set([from]);
  const forward = graph.nodes.filter(node => {
    const meets = node.inputs.some(name => reached.has(name)) && !SIZE_ONLY.has(node.opType);
    if ([...captures(node)].some(name => reached.has(name))) {
      throw new Error(`path impossible: ${nodeLabel(node)} takes '${from}' into a branch or a loop`);
    }
    (meets ? node.outputs : []).forEach(name => name && reached.add(name));
    return meets;
  });
  const wanted = new Set([to]);
  const nodes = forward.reverse().filter(node => {
    const leads = node.outputs.some(name => wanted.has(name));
    (leads ? node.inputs : []).forEach(name => wanted.add(name));
    return leads;
  });
  if (nodes.length === 0 || !wanted.has(from)) {
    throw new Error(`path impossible: '${to}' does not depend on '${from}'`);
  }
  return { from, to, nodes: nodes.reverse() };
};

/** Adds the path's nodes once more, reading `instead` where they read its start; gives what stands for its end. */
export const clonePath = (builder: Builder, { from, to, nodes }: Path, instead: string): string => {
  const names = new Map([[from, instead]]);
  nodes.forEach(node => cloneNode(builder, node, names));
  return names.get(to)!;
};

/**
 * The same for several starts. A product with a weight is made once, of all of them on its first axis: the runtime keeps a copy of the weight for
 * each node that multiplies by it.
 */
export const clonePaths = (
  builder: Builder,
  graph: Graph,
  opset: number,
  path: Path,
  starts: readonly string[]
): readonly string[] => {
  const core = starts.length > 1 ? productOf(graph, path) : undefined;
  if (core === undefined) {
    return starts.map(start => clonePath(builder, path, start));
  }
  const at = path.nodes.indexOf(core);
  const [ahead, behind] = [path.nodes.slice(0, at), path.nodes.slice(at + 1)];
  const copies = starts.map(start => new Map([[path.from, start]]));
  // A norm in front treats rows alike as well, where it is read by the product alone.
  const inner = new Set(ahead.flatMap(({ outputs }) => outputs));
  const apart = behind.some(({ inputs }) => inputs.some(name => inner.has(name)));
  const together = !apart && keepsRows(graph, ahead, path.from) ? ahead : [];
  if (together.length === 0) {
    copies.forEach(names => ahead.forEach(node => cloneNode(builder, node, names)));
  }
  const meeting = together.length > 0 ? path.from : core.inputs[0];
  const rows = copies.map(names => names.get(meeting)!);
  const names = new Map([[meeting, builder.node('Concat', rows, [int('axis', 0)])]]);
  [...together, core].forEach(node => cloneNode(builder, node, names));
  const product = names.get(core.outputs[0])!;
  const parts = builder.nodes('Split', [product], starts.length, [
    int('axis', 0),
    ...(opset >= EQUAL_SPLIT_BY_COUNT ? [int('num_outputs', starts.length)] : [])
  ]);
  return copies.map((copy, index) => {
    copy.set(core.outputs[0], parts[index]);
    behind.forEach(node => cloneNode(builder, node, copy));
    return copy.get(path.to)!;
  });
};

/** Since opset 18, equal parts are asked for by their number. */
const EQUAL_SPLIT_BY_COUNT = 18;

const cloneNode = (builder: Builder, node: Node, names: Map<string, string>): void => {
  const { opType, domain, inputs, outputs, attributes } = node;
  const made = builder.nodes(
    opType,
    inputs.map(name => names.get(name) ?? name),
    outputs.length,
    attributes,
    { domain, hint: outputs[0] }
  );
  outputs.forEach((name, slot) => name && names.set(name, made[slot]));
};

const EACH_ROW: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Sqrt', 'Reciprocal', 'Cast', 'Identity', 'ReduceMean'],
  ...NORM_KINDS.keys()
]);

/** Work on the last axis, with constants; a mean over the first axis is no norm. */
const keepsRows = ({ nodes: all, initializers }: Graph, nodes: readonly Node[], from: string): boolean => {
  const constants = new Set(['', ...initializers.map(({ name }) => name)]);
  all
    .filter(({ inputs, outputs }) => outputs.length > 0 && inputs.every(name => constants.has(name)))
    .forEach(({ outputs }) => outputs.forEach(name => constants.add(name)));
  const on = new Set([from, ...nodes.flatMap(({ outputs }) => outputs)]);
  return nodes.every(
    ({ opType, inputs }) => EACH_ROW.has(opType) && inputs.every(name => on.has(name) || constants.has(name))
  );
};

const ROW_WISE: ReadonlySet<string> = new Set(['MatMul', 'Gemm', 'MatMulNBits', 'MatMulBnb4']);

/** The path's one product of its values with a matrix of weights, where rows of the first axis stay apart. */
const productOf = ({ initializers }: Graph, { from, nodes }: Path): Node | undefined => {
  const on = new Set([from, ...nodes.flatMap(({ outputs }) => outputs)]);
  const products = nodes.filter(({ opType }) => LINEAR.has(opType));
  const [core] = products;
  if (products.length !== 1 || !ROW_WISE.has(core.opType)) {
    return undefined;
  }
  const [data, weight, ...more] = core.inputs;
  const matrix =
    core.opType !== 'MatMul' || initializers.some(({ name, dims }) => name === weight && dims.length === 2);
  const flipped = core.attributes.some(({ name, i }) => name === 'transA' && Number(i) !== 0);
  return matrix && !flipped && on.has(data) && ![weight, ...more].some(name => on.has(name)) ? core : undefined;
};
