import { ATTRIBUTE, GRAPH, NODE } from './field-names';
import type { Attribute, Entry, Graph, Node, TensorProto, ValueInfo } from './model';
import { placed } from './place';
import { readEntry, readTensor } from './read-tensor';
import { readValueInfo } from './read-value-info';
import { quoted } from './quoted';
import type { WireReader } from './wire-reader';

const MAX_DEPTH = 32;
const MAX_NODES = 100_000;

/** The current field as a GraphProto, `depth` graphs deep. */
export const readGraph = (r: WireReader, depth: number): Graph => {
  if (depth > MAX_DEPTH) {
    r.fail(`is a graph nested more than ${MAX_DEPTH} deep, which is the limit`);
  }
  r.refuseMore(GRAPH, 1, 'node', MAX_NODES);
  let name = '';
  const nodes: Node[] = [];
  const initializers: TensorProto[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfos: ValueInfo[] = [];
  const metadata: Entry[] = [];
  const [made, held, taken] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const unknown = r.message(GRAPH, field => {
    switch (field) {
      case 1:
        nodes.push(readNode(r, depth));
        nodes[nodes.length - 1].outputs.forEach(output => unique(r, made, output, 'makes'));
        return true;
      case 2:
        name = r.string();
        return true;
      case 5:
        initializers.push(readTensor(r));
        unique(r, held, initializers[initializers.length - 1].name, 'holds');
        return true;
      case 11:
        inputs.push(readValueInfo(r));
        unique(r, taken, inputs[inputs.length - 1].name, 'takes');
        return true;
      case 12:
        outputs.push(readValueInfo(r));
        return true;
      case 13:
        valueInfos.push(readValueInfo(r));
        return true;
      case 16:
        metadata.push(readEntry(r));
        return true;
      default:
        return false;
    }
  });
  return { name, nodes, initializers, inputs, outputs, valueInfos, metadata, unknown };
};

/**
 * Refuses the current field where it gives a second time what a graph may hold once: names are how a graph refers. A name that every object has
 * ('constructor') is refused, too: values of a run are objects by name.
 */
const unique = (r: WireReader, earlier: Set<string>, name: string, what: string): void => {
  if (name in Object.prototype) {
    r.fail(`${what} tensor ${quoted(name)}, a name that is not allowed`);
  }
  if (name !== '' && earlier.has(name)) {
    r.fail(`${what} tensor ${quoted(name)} a second time in its graph`);
  }
  earlier.add(name);
};

/** The current field as a NodeProto of a graph `depth` deep. */
export const readNode = (r: WireReader, depth: number): Node => {
  r.count('node', MAX_NODES);
  const { offset } = r;
  let [name, opType, domain] = ['', '', ''];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Attribute[] = [];
  const metadata: Entry[] = [];
  const unknown = r.message(NODE, field => {
    switch (field) {
      case 1:
        inputs.push(r.string());
        return true;
      case 2:
        outputs.push(r.string());
        return true;
      case 3:
        name = r.string();
        return true;
      case 4:
        opType = r.string();
        return true;
      case 5:
        attributes.push(readAttribute(r, depth));
        return true;
      case 7:
        domain = r.string();
        return true;
      case 9:
        metadata.push(readEntry(r));
        return true;
      default:
        return false;
    }
  });
  return placed({ name, opType, domain, inputs, outputs, attributes, metadata, unknown }, offset);
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Lists = Required<Pick<Attribute, 'floats' | 'ints' | 'strings' | 'tensors' | 'graphs'>>;

/** The current field as an AttributeProto; a list is there only when the file has at least one element of it. */
export const readAttribute = (r: WireReader, depth: number): Attribute => {
  const single: Mutable<Pick<Attribute, 'name' | 'type' | 'f' | 'i' | 's' | 't' | 'g'>> = { name: '', type: 0 };
  const lists = { floats: [], ints: [], strings: [], tensors: [], graphs: [] };
  const unknown = r.message(
    ATTRIBUTE,
    field => readSingle(r, field, single, depth) || readList(r, field, lists, depth)
  );
  const filled = Object.entries(lists).filter(([, values]) => values.length > 0);
  return { ...single, ...(filled.length > 0 && (Object.fromEntries(filled) as Partial<Lists>)), unknown };
};

const readSingle = (
  r: WireReader,
  field: number,
  into: Mutable<Pick<Attribute, 'name' | 'type' | 'f' | 'i' | 's' | 't' | 'g'>>,
  depth: number
): boolean => {
  switch (field) {
    case 1:
      into.name = r.string();
      return true;
    case 2:
      into.f = r.float();
      return true;
    case 3:
      into.i = r.integer();
      return true;
    case 4:
      into.s = r.view8();
      return true;
    case 5:
      r.once('t', into.t);
      into.t = readTensor(r);
      return true;
    case 6:
      r.once('g', into.g);
      into.g = readGraph(r, depth + 1);
      return true;
    case 20:
      into.type = r.safeInteger();
      return true;
    default:
      return false;
  }
};

const readList = (
  r: WireReader,
  field: number,
  into: {
    floats: number[];
    ints: (number | bigint)[];
    strings: Uint8Array[];
    tensors: TensorProto[];
    graphs: Graph[];
  },
  depth: number
): boolean => {
  switch (field) {
    case 7:
      r.floats(into.floats);
      return true;
    case 8:
      r.integers(into.ints);
      return true;
    case 9:
      into.strings.push(r.view8());
      return true;
    case 10:
      into.tensors.push(readTensor(r));
      return true;
    case 11:
      into.graphs.push(readGraph(r, depth + 1));
      return true;
    default:
      return false;
  }
};
