import { byteLength } from '../../onnx/element-type';
import type { Graph, Model, Node, TensorProto, ValueInfo } from '../../onnx/model';
import { makeNode } from '../build';
import { captures } from '../captures';
import { uniqueNames } from '../unique-names';
import { usesOf } from '../uses';
import { takenNames } from './taken-names';

export interface Chosen {
  /** The file with constants in place of the inputs that the branch chosen does not read: it computes what the file does. */
  readonly asFiled: Model;
  /** The branch in place of If. */
  readonly model: Model;
}

/**
 * Decoders with and without past keys and values merged in one file (optimum's decoder_model_merged): an input of one boolean chooses a
 * branch of If. The branch that reads fewer inputs, the one for a prompt, is taken, for good. The same object where the graph has no such
 * input. The initialisers are shared by both branches and stay as they are.
 */
export const chooseBranch = (model: Model): Chosen => {
  const flag = model.graph.inputs.find(input => choosesOnly(model.graph, input));
  const branches = flag && model.graph.nodes.filter(node => node.inputs[0] === flag.name);
  const taken = branches?.[0] && smaller(model.graph, branches[0]);
  if (!flag || !branches || !taken || !branches.every(node => isFlat(node, taken))) {
    return { asFiled: model, model };
  }
  const constant = constantOf(flag, taken === 'then_branch' ? 1 : 0);
  const unique = uniqueNames(takenNames(model.graph));
  const parts = branches.map(node => inlined(node, taken, unique));
  const whole: Graph = {
    ...model.graph,
    nodes: model.graph.nodes.flatMap(node => parts[branches.indexOf(node)]?.nodes ?? [node]),
    initializers: [...model.graph.initializers, ...parts.flatMap(({ initializers }) => initializers)],
    valueInfos: [...model.graph.valueInfos, ...parts.flatMap(({ valueInfos }) => valueInfos)]
  };
  const read = new Set([
    ...whole.nodes.flatMap(node => [...node.inputs, ...captures(node)]),
    ...whole.outputs.map(({ name }) => name)
  ]);
  const inputs = whole.inputs.filter(({ name }) => read.has(name));
  const idle = whole.inputs.filter(({ name }) => !read.has(name) && name !== flag.name).map(one => constantOf(one, 0));
  const asFiled = { ...model.graph, inputs, initializers: [...model.graph.initializers, constant, ...idle] };
  return { asFiled: { ...model, graph: asFiled }, model: { ...model, graph: { ...whole, inputs } } };
};

const BOOL = 9;

/** One boolean, that is nothing but the condition of If nodes. */
const choosesOnly = (graph: Graph, { name, type }: ValueInfo): boolean => {
  const single = type?.elementType === BOOL && (type.shape ?? [1]).every(size => size === 1);
  const readers = single ? usesOf(graph).consumers(name) : [];
  return (
    readers.length > 0 &&
    readers.every(({ node }) => node.opType === 'If' && node.domain === '') &&
    graph.outputs.every(output => output.name !== name)
  );
};

type Branch = 'then_branch' | 'else_branch';

const bodyOf = (node: Node, branch: Branch): Graph | undefined =>
  node.attributes.find(({ name }) => name === branch)?.g;

/** There, and without sub-graphs of its own, which may read names that are changed. */
const isFlat = (node: Node, branch: Branch): boolean =>
  bodyOf(node, branch)?.nodes.every(({ attributes }) => attributes.every(({ g, graphs }) => !g && !graphs)) ?? false;

/** The branch that reads fewer of the graph's inputs; undefined where both read as many. */
const smaller = (graph: Graph, node: Node): Branch | undefined => {
  const count = (branch: Branch): number => {
    const attributes = node.attributes.filter(({ name }) => name === branch);
    const outer = captures({ ...node, attributes });
    return graph.inputs.filter(({ name }) => outer.has(name)).length;
  };
  const difference = count('then_branch') - count('else_branch');
  return difference === 0 ? undefined : difference > 0 ? 'else_branch' : 'then_branch';
};

/** Of the input's type: a boolean, or nothing: a batch of one, and no positions where the size is free. */
const constantOf = ({ name, type }: ValueInfo, fill: number): TensorProto => {
  const { elementType: dataType, shape = [] } = type ?? { elementType: BOOL };
  const dims = shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : 0));
  const bytes = new Uint8Array(byteLength(dataType, dims) ?? 0).fill(fill);
  return { name, dims, dataType, data: { kind: 'raw', bytes }, unknown: new Uint8Array(0) };
};

type Inlined = Pick<Graph, 'nodes' | 'initializers' | 'valueInfos'>;

/** Names inside are free in each branch; those that the graph has already are changed. */
const inlined = (node: Node, branch: Branch, unique: (hint: string) => string): Inlined => {
  const body = bodyOf(node, branch)!;
  const names = new Map<string, string>();
  const made = new Set(body.nodes.flatMap(({ outputs }) => outputs));
  const copies: Node[] = [];
  body.outputs.forEach(({ name }, at) => {
    const output = node.outputs[at];
    if (output && made.has(name) && !names.has(name)) {
      names.set(name, output);
    } else if (output) {
      copies.push(makeNode('Identity', [name], [output]));
    }
  });
  [...made, ...body.initializers.map(({ name }) => name)].forEach(name => {
    if (name !== '' && !names.has(name)) {
      names.set(name, unique(name));
    }
  });
  const renamed = (name: string): string => names.get(name) ?? name;
  return {
    nodes: [...body.nodes, ...copies].map((one, at) => ({
      ...one,
      inputs: one.inputs.map(renamed),
      outputs: at < body.nodes.length ? one.outputs.map(renamed) : one.outputs
    })),
    initializers: body.initializers.map(tensor => ({ ...tensor, name: renamed(tensor.name) })),
    valueInfos: body.valueInfos.map(info => ({ ...info, name: renamed(info.name) }))
  };
};
