import { elementTypeCode } from '../onnx/element-type';
import { int64Vector, makeTensor } from '../onnx/make-tensor';
import type { Attribute, Graph, Model, Node, TensorProto, ValueInfo } from '../onnx/model';
import type { Tensor, TensorTypeName } from '../onnx/tensor';
import type { Edit } from './edit';
import { uniqueNames } from './unique-names';

const unknown = new Uint8Array(0);

/** A node without attributes' extras; the name is that of its first output. */
export const makeNode = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Attribute[] = [],
  domain = ''
): Node => ({ name: outputs[0] ?? '', opType, domain, inputs, outputs, attributes, metadata: [], unknown });

/** A tensor's name, type and shape (numbers or symbols); the rank is unknown when the shape is left out. */
export const valueInfo = (name: string, type: TensorTypeName, shape?: readonly (number | string)[]): ValueInfo => ({
  name,
  type: { elementType: elementTypeCode(type), ...(shape && { shape }) },
  unknown
});

/** A tensor whose type the runtime infers: enough for an output of ONNX's own operators. */
export const untyped = (name: string): ValueInfo => ({ name, unknown });

/** Collects nodes and initialisers under names that are not taken; gives them as a graph or as edits to one. */
export interface Builder {
  /** Adds a node of one output and returns its name: `hint`, or the operator's name, made unique. */
  node(opType: string, inputs: readonly string[], attributes?: readonly Attribute[], options?: NodeOptions): string;
  /** As `node`, with `count` outputs. */
  nodes(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes?: readonly Attribute[],
    options?: NodeOptions
  ): readonly string[];
  /** Adds an initialiser. */
  tensor(hint: string, value: Tensor): string;
  initializer(tensor: TensorProto): string;
  /** A vector of 64-bit integers, the same one for the same values. */
  ints(values: readonly number[]): string;
  input(name: string, type: TensorTypeName, shape?: readonly (number | string)[]): string;
  output(info: ValueInfo): void;
  edits(): readonly Edit[];
  graph(name: string): Graph;
}

export interface NodeOptions {
  readonly domain?: string;
  readonly hint?: string;
}

/** `taken`: names that must not be used, as those of the graph to edit; or what makes names, shared by several builders. */
export const createBuilder = (taken: Iterable<string> | ((hint: string) => string) = []): Builder => {
  const unique = typeof taken === 'function' ? taken : uniqueNames(taken);
  const vectors = new Map<string, string>();
  const nodes: Node[] = [];
  const initializers: TensorProto[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const initializer = (tensor: TensorProto): string => {
    const name = unique(tensor.name);
    initializers.push({ ...tensor, name });
    return name;
  };
  const builder: Builder = {
    node: (opType, from, attributes, options) => builder.nodes(opType, from, 1, attributes, options)[0],
    nodes: (opType, from, count, attributes = [], { domain = '', hint = opType } = {}) => {
      const names = Array.from({ length: count }, () => unique(hint));
      nodes.push(makeNode(opType, from, names, attributes, domain));
      return names;
    },
    tensor: (hint, value) => initializer(makeTensor(hint, value)),
    initializer,
    ints: values => {
      const key = values.join();
      const name = vectors.get(key) ?? initializer(int64Vector('ints', values));
      vectors.set(key, name);
      return name;
    },
    input: (hint, type, shape) => {
      const name = unique(hint);
      inputs.push(valueInfo(name, type, shape));
      return name;
    },
    output: info => void outputs.push(info),
    edits: () => [
      ...inputs.map(info => ({ op: 'add-input', info }) as const),
      ...initializers.map(tensor => ({ op: 'add-initializer', tensor }) as const),
      ...nodes.map(node => ({ op: 'add-node', node }) as const),
      ...outputs.map(info => ({ op: 'add-output', info }) as const)
    ],
    graph: name => ({
      name,
      nodes: [...nodes],
      initializers: [...initializers],
      inputs: [...inputs],
      outputs: [...outputs],
      valueInfos: [],
      metadata: [],
      unknown
    })
  };
  return builder;
};

/** A model of ONNX's own operators around a graph. */
export const makeModel = (graph: Graph, opset: number): Model => ({
  irVersion: 8,
  opsets: [{ domain: '', version: opset }],
  producer: 'jupyterlab-orrery',
  graph,
  functions: [],
  metadata: [],
  unknown
});
