import { nodesBetween } from '../graph/nodes-between';
import { usesOf } from '../graph/uses';
import { byteLength, elementTypeName } from '../onnx/element-type';
import type { Attribute, Model, Node, TensorProto, TensorType } from '../onnx/model';

/** What the graph says of one tensor. */
export interface TensorFacts {
  readonly name: string;
  /** Who gives it. */
  readonly from: 'initialiser' | 'input' | 'node';
  /** 'float32'; absent where the file does not say. */
  readonly type?: string;
  /** Numbers, or the file's names of sizes. */
  readonly shape?: readonly (number | string)[];
  /** Of an initialiser. */
  readonly bytes?: number;
  /** The node that makes it. */
  readonly node?: NodeFacts;
}

/** One node as the file has it; lists and texts are cut. */
export interface NodeFacts {
  readonly name: string;
  readonly opType: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** 'axis = -1' */
  readonly attributes: readonly string[];
}

/** The graph's tensors, by name and as a list. Fused operators are taken apart as they were for the anatomy. */
export interface TensorList {
  /** The initialisers, largest first, at most `most`. */
  initialisers(most: number): { readonly tensors: readonly TensorFacts[]; readonly omitted: number };
  /** Undefined for a name that the graph does not have. */
  describe(name: string): TensorFacts | undefined;
  /** The nodes between tensors, in the order in which they run, at most `most`. */
  nodes(span: Span, most: number): { readonly nodes: readonly NodeFacts[]; readonly omitted: number };
}

/** A piece of the graph by the tensors that it reads and those that it makes. */
export interface Span {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

const MOST_ENDS = 32;
const MOST_VALUES = 12;
const LONGEST = 120;

export const tensorList = ({ graph }: Pick<Model, 'graph'>): TensorList => {
  const weights = new Map(graph.initializers.map(one => [one.name, one]));
  const types = new Map([...graph.valueInfos, ...graph.inputs, ...graph.outputs].map(info => [info.name, info.type]));
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  let uses: ReturnType<typeof usesOf> | undefined;
  return {
    initialisers: most => {
      const sorted = graph.initializers.map(initialiserFacts).sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
      return { tensors: sorted.slice(0, most), omitted: Math.max(0, sorted.length - most) };
    },
    nodes: ({ from, to }, most) => {
      const found = nodesBetween(graph, from, to);
      return { nodes: found.slice(0, most).map(nodeFacts), omitted: Math.max(0, found.length - most) };
    },
    describe: name => {
      const weight = weights.get(name);
      if (weight) {
        return initialiserFacts(weight);
      }
      const node = (uses ??= usesOf(graph)).producer(name)?.node;
      if (!node && !inputs.has(name)) {
        return undefined;
      }
      return {
        name,
        from: node ? 'node' : 'input',
        ...typeFacts(types.get(name)),
        ...(node && { node: nodeFacts(node) })
      };
    }
  };
};

const initialiserFacts = ({ name, dims, dataType }: TensorProto): TensorFacts => {
  const bytes = byteLength(dataType, dims);
  return {
    name,
    from: 'initialiser',
    type: elementTypeName(dataType),
    shape: dims,
    ...(bytes !== undefined && { bytes })
  };
};

const typeFacts = (type: TensorType | undefined): Pick<TensorFacts, 'type' | 'shape'> =>
  type ? { type: elementTypeName(type.elementType), ...(type.shape && { shape: type.shape }) } : {};

const nodeFacts = ({ name, opType, domain, inputs, outputs, attributes }: Node): NodeFacts => ({
  name,
  opType,
  domain,
  inputs: inputs.slice(0, MOST_ENDS),
  outputs: outputs.slice(0, MOST_ENDS),
  attributes: attributes.slice(0, MOST_ENDS).map(attributeText)
});

const attributeText = (attribute: Attribute): string => {
  const { name, f, i, s, t, g, floats, ints, strings } = attribute;
  const list = (values: readonly unknown[]): string =>
    `[${values.slice(0, MOST_VALUES).join(', ')}${values.length > MOST_VALUES ? ', …' : ''}]`;
  const text = (bytes: Uint8Array): string => `'${new TextDecoder().decode(bytes.subarray(0, LONGEST))}'`;
  const value = s?.length
    ? text(s)
    : t
      ? `${elementTypeName(t.dataType)} [${t.dims.join(', ')}]`
      : g
        ? `a graph of ${g.nodes.length} nodes`
        : floats?.length
          ? list(floats)
          : ints?.length
            ? list(ints)
            : strings?.length
              ? list(strings.map(text))
              : (i ?? f ?? '');
  return `${name} = ${value}`.slice(0, LONGEST);
};
