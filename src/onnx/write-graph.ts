import type { Attribute, Graph, Node, TensorType, ValueInfo } from './model';
import type { WireWriter } from './wire-writer';
import { NOTHING_KEPT, writeEntries, writeTensor } from './write-tensor';

export const writeGraph = (w: WireWriter, field: number, graph: Graph): void =>
  w.message(field, graph.unknown, () => {
    graph.nodes.forEach(node => writeNode(w, 1, node));
    w.text(2, graph.name);
    graph.initializers.forEach(tensor => writeTensor(w, 5, tensor));
    graph.inputs.forEach(info => writeValueInfo(w, 11, info));
    graph.outputs.forEach(info => writeValueInfo(w, 12, info));
    graph.valueInfos.forEach(info => writeValueInfo(w, 13, info));
    writeEntries(w, 16, graph.metadata);
  });

/** Inputs and outputs are written even when empty: '' marks an absent one. */
export const writeNode = (w: WireWriter, field: number, node: Node): void =>
  w.message(field, node.unknown, () => {
    node.inputs.forEach(name => w.string(1, name));
    node.outputs.forEach(name => w.string(2, name));
    w.text(3, node.name);
    w.text(4, node.opType);
    node.attributes.forEach(attribute => writeAttribute(w, 5, attribute));
    w.text(7, node.domain);
    writeEntries(w, 9, node.metadata);
  });

/** Repeated numbers of an attribute are not packed, as in onnx.proto (proto2). */
export const writeAttribute = (w: WireWriter, field: number, a: Attribute): void =>
  w.message(field, a.unknown, () => {
    w.text(1, a.name);
    if (a.f !== undefined) {
      w.float(2, a.f);
    }
    if (a.i !== undefined) {
      w.integer(3, a.i);
    }
    if (a.s !== undefined) {
      w.bytes(4, a.s);
    }
    if (a.t !== undefined) {
      writeTensor(w, 5, a.t);
    }
    if (a.g !== undefined) {
      writeGraph(w, 6, a.g);
    }
    a.floats?.forEach(value => w.float(7, value));
    a.ints?.forEach(value => w.integer(8, value));
    a.strings?.forEach(value => w.bytes(9, value));
    a.tensors?.forEach(tensor => writeTensor(w, 10, tensor));
    a.graphs?.forEach(graph => writeGraph(w, 11, graph));
    if (a.type !== 0) {
      w.integer(20, a.type);
    }
  });

const writeValueInfo = (w: WireWriter, field: number, info: ValueInfo): void =>
  w.message(field, info.unknown, () => {
    w.text(1, info.name);
    if (info.verbatimType !== undefined) {
      w.verbatim(2, info.verbatimType);
    } else if (info.type !== undefined) {
      writeType(w, 2, info.type);
    }
  });

const writeType = (w: WireWriter, field: number, type: TensorType): void =>
  w.message(field, NOTHING_KEPT, () =>
    w.message(1, NOTHING_KEPT, () => {
      w.integer(1, type.elementType);
      if (type.shape !== undefined) {
        writeShape(w, 2, type.shape);
      }
    })
  );

const writeShape = (w: WireWriter, field: number, shape: readonly (number | string)[]): void =>
  w.message(field, NOTHING_KEPT, () => {
    for (const dim of shape) {
      w.message(1, NOTHING_KEPT, () => (typeof dim === 'number' ? w.integer(1, dim) : w.text(2, dim)));
    }
  });
