import type { LocalFunction, Model, OpsetId } from './model';
import { WireWriter } from './wire-writer';
import { writeAttribute, writeGraph, writeNode } from './write-graph';
import { NOTHING_KEPT, writeEntries } from './write-tensor';

/**
 * The file as a list of chunks (`new Blob(chunks)`, or `joinBytes` for a small one). Large byte fields are pushed as they
 * are, never copied. A file whose fields stand in the order of their numbers, as Python's `onnx` writes them, comes back
 * byte for byte, but for strings that were set to ''.
 */
export const writeModel = (model: Model): Uint8Array[] => {
  const w = new WireWriter();
  return w.root(model.unknown, () => {
    w.integer(1, model.irVersion);
    w.text(2, model.producer);
    writeGraph(w, 7, model.graph);
    model.opsets.forEach(opset => writeOpset(w, 8, opset));
    writeEntries(w, 14, model.metadata);
    model.functions.forEach(local => writeFunction(w, 25, local));
  });
};

const writeOpset = (w: WireWriter, field: number, { domain, version }: OpsetId): void =>
  w.message(field, NOTHING_KEPT, () => {
    w.text(1, domain);
    w.integer(2, version);
  });

const writeFunction = (w: WireWriter, field: number, local: LocalFunction): void =>
  w.message(field, local.unknown, () => {
    w.text(1, local.name);
    local.inputs.forEach(name => w.string(4, name));
    local.outputs.forEach(name => w.string(5, name));
    local.attributeNames.forEach(name => w.string(6, name));
    local.nodes.forEach(node => writeNode(w, 7, node));
    local.opsets.forEach(opset => writeOpset(w, 9, opset));
    w.text(10, local.domain);
    local.attributeDefaults.forEach(attribute => writeAttribute(w, 11, attribute));
  });
