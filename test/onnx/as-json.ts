import { decodeTensor } from '../../src/onnx/decode-tensor';
import { externalBytes } from '../../src/onnx/external-data';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import type { Attribute, Entry, Graph, LocalFunction, Model, Node, TensorProto, ValueInfo } from '../../src/onnx/model';

/** A model in the shape of test/fixtures/onnx/*.json, which Python's onnx wrote. */
export const modelJson = (model: Model, files: ReadonlyMap<string, Uint8Array> = new Map()): unknown => {
  const text = new TextDecoder();
  const entries = (list: readonly Entry[]) => Object.fromEntries(list.map(({ key, value }) => [key, value]));
  const opsets = (list: Model['opsets']) => list.map(({ domain, version }) => [domain, version]);
  const number = (value: number) => (Number.isFinite(value) ? value : String(value));

  const tensor = (proto: TensorProto): unknown => ({
    name: proto.name,
    dims: proto.dims,
    type: proto.dataType,
    values: values(proto)
  });
  const values = (proto: TensorProto): unknown => {
    if (proto.data.kind === 'string') {
      return proto.data.values.map(bytes => text.decode(bytes));
    }
    const whole: TensorProto =
      proto.data.kind === 'external' ? { ...proto, data: { kind: 'raw', bytes: externalBytes(proto, files) } } : proto;
    const decoded = decodeTensor(whole);
    return /^u?int/.test(decoded.type) ? Array.from(decoded.data, String) : Array.from(toFloat64(decoded), number);
  };
  const attribute = (a: Attribute): unknown => ({ name: a.name, type: a.type, value: attributeValue(a) });
  const attributeValue = (a: Attribute): unknown => {
    if (a.unknown.length > 0) {
      return null;
    }
    switch (a.type) {
      case 1:
        return number(a.f!);
      case 2:
        return String(a.i);
      case 3:
        return text.decode(a.s);
      case 4:
        return tensor(a.t!);
      case 5:
        return graph(a.g!);
      case 6:
        return a.floats!.map(number);
      case 7:
        return (a.ints ?? []).map(String);
      case 8:
        return a.strings!.map(bytes => text.decode(bytes));
      case 9:
        return a.tensors!.map(tensor);
      default:
        throw new Error(`attribute type ${a.type} is in no fixture`);
    }
  };
  const node = ({ name, opType, domain, inputs, outputs, attributes, metadata }: Node): unknown => ({
    name,
    opType,
    domain,
    inputs,
    outputs,
    attributes: attributes.map(attribute),
    metadata: entries(metadata)
  });
  const info = ({ name, type }: ValueInfo): unknown =>
    type ? { name, elementType: type.elementType, shape: type.shape ?? null } : { name };
  const graph = (g: Graph): unknown => ({
    name: g.name,
    nodes: g.nodes.map(node),
    initializers: g.initializers.map(tensor),
    inputs: g.inputs.map(info),
    outputs: g.outputs.map(info),
    valueInfos: g.valueInfos.map(info),
    metadata: entries(g.metadata)
  });
  const local = (f: LocalFunction): unknown => ({
    name: f.name,
    domain: f.domain,
    inputs: f.inputs,
    outputs: f.outputs,
    attributeNames: f.attributeNames,
    attributeDefaults: f.attributeDefaults.map(attribute),
    nodes: f.nodes.map(node),
    opsets: opsets(f.opsets)
  });
  return {
    irVersion: model.irVersion,
    producer: model.producer,
    opsets: opsets(model.opsets),
    graph: graph(model.graph),
    functions: model.functions.map(local),
    metadata: entries(model.metadata)
  };
};
