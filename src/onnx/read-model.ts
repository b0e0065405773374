import { FUNCTION, MODEL, OPSET } from './field-names';
import type { Attribute, Entry, Graph, LocalFunction, Model, Node, OpsetId } from './model';
import { readAttribute, readGraph, readNode } from './read-graph';
import { readEntry } from './read-tensor';
import { BYTES, VARINT, WireReader } from './wire-reader';

/**
 * Reads an ONNX file. Byte fields are views on `bytes`, which must not change afterwards.
 * `name` is the file's name in messages. Errors: "not an ONNX file: …", "'x.onnx' is cut off: …", "'x.onnx' is broken: …".
 */
export const readModel = (bytes: Uint8Array, name: string): Model => {
  checkOnnx(bytes, name);
  const r = new WireReader(bytes, name);
  let irVersion = 0;
  let producer = '';
  let graph: Graph | undefined;
  const opsets: OpsetId[] = [];
  const functions: LocalFunction[] = [];
  const metadata: Entry[] = [];
  const unknown = r.root(MODEL, field => {
    switch (field) {
      case 1:
        irVersion = r.safeInteger();
        return true;
      case 2:
        producer = r.string();
        return true;
      case 7:
        r.once('graph', graph);
        graph = readGraph(r, 1);
        return true;
      case 8:
        opsets.push(readOpset(r));
        return true;
      case 14:
        metadata.push(readEntry(r));
        return true;
      case 25:
        functions.push(readFunction(r));
        return true;
      default:
        return false;
    }
  });
  if (graph === undefined) {
    throw new Error(`not an ONNX file: '${name}' (${bytes.length} bytes) holds no graph`);
  }
  return { irVersion, opsets, producer, graph, functions, metadata, unknown };
};

const readOpset = (r: WireReader): OpsetId => {
  let [domain, version] = ['', 0];
  r.message(OPSET, field => {
    if (field === 1) {
      domain = r.string();
    } else if (field === 2) {
      version = r.safeInteger();
    }
    return field === 1 || field === 2;
  });
  return { domain, version };
};

const readFunction = (r: WireReader): LocalFunction => {
  let [name, domain] = ['', ''];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributeNames: string[] = [];
  const attributeDefaults: Attribute[] = [];
  const nodes: Node[] = [];
  const opsets: OpsetId[] = [];
  const unknown = r.message(FUNCTION, field => {
    switch (field) {
      case 1:
        name = r.string();
        return true;
      case 4:
        inputs.push(r.string());
        return true;
      case 5:
        outputs.push(r.string());
        return true;
      case 6:
        attributeNames.push(r.string());
        return true;
      case 7:
        nodes.push(readNode(r, 1));
        return true;
      case 9:
        opsets.push(readOpset(r));
        return true;
      case 10:
        domain = r.string();
        return true;
      case 11:
        attributeDefaults.push(readAttribute(r, 1));
        return true;
      default:
        return false;
    }
  });
  return { name, domain, inputs, outputs, attributeNames, attributeDefaults, nodes, opsets, unknown };
};

/** Wire type of each field that a ModelProto has. */
const TOP_LEVEL: Readonly<Record<number, number>> = {
  1: VARINT,
  2: BYTES,
  3: BYTES,
  4: BYTES,
  5: VARINT,
  6: BYTES,
  7: BYTES,
  8: BYTES,
  14: BYTES,
  20: BYTES,
  25: BYTES,
  26: BYTES
};

/**
 * Tells text, pictures and other protobufs from a damaged ONNX file: the first field must be one of a ModelProto's
 * (every exporter known writes ir_version first), and an IR version must be there before anything else goes wrong.
 */
const checkOnnx = (bytes: Uint8Array, name: string): void => {
  const refuse = (why: string): never => {
    throw new Error(`not an ONNX file: '${name}' (${bytes.length} bytes) ${why}`);
  };
  if (bytes.length === 0) {
    refuse('is empty');
  }
  const [field, wire] = [bytes[0] >> 3, bytes[0] & 7];
  if (TOP_LEVEL[field] !== wire) {
    refuse(`begins with byte 0x${bytes[0].toString(16).padStart(2, '0')}, which begins no field of a model`);
  }
  let version = false;
  let at = 0;
  try {
    const r = new WireReader(bytes, name);
    r.each(MODEL, (number, { length }, type) => {
      at += length;
      version ||= number === 1 && type === VARINT;
      if ((TOP_LEVEL[number] ?? type) !== type) {
        r.fail(`has wire type ${type}, not ${TOP_LEVEL[number]}`);
      }
    });
  } catch (error) {
    if (version) {
      throw error;
    }
    refuse(`does not parse as a model: its field at offset ${at} is broken`);
  }
  if (!version) {
    refuse('has no ir_version');
  }
};
