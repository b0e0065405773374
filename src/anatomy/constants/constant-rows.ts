import { weightPart } from '../../onnx/file-weight';
import type { Node } from '../../onnx/model';
import { tensorBytes } from '../../onnx/tensor-bytes';
import { intAttribute } from '../attributes';
import {
  computeConstant,
  constantValues,
  storedValues,
  type ConstantSources,
  type ConstantValues
} from './constant-values';
import { elementType } from '../../onnx/element-type';

type Rows = readonly [number, number];

/**
 * Some rows (of the first axis) of a tensor that the file computes from initialisers: only what they need is read. Where an operator
 * mixes rows, all is computed by `whole` and cut.
 */
export const constantRows = (
  sources: ConstantSources,
  name: string,
  rows: Rows,
  whole: Whole = constantValues,
  depth = 0
): ConstantValues | undefined => {
  if (sources.tensors.has(name)) {
    return storedRows(sources, name, rows) ?? cut(whole(sources, name), rows);
  }
  const node = depth < MOST_NODES ? sources.producer(name) : undefined;
  const kept = node && KEEPS_ROWS[node.opType]?.(sources, node);
  if (!node || !kept) {
    return cut(whole(sources, name), rows);
  }
  const inputs = node.inputs.map((input, at) =>
    input === ''
      ? undefined
      : kept(at)
        ? constantRows(sources, input, rows, whole, depth + 1)
        : constantValues(sources, input)
  );
  return inputs.every((input, at) => input !== undefined || node.inputs[at] === '')
    ? computeConstant(node, inputs as readonly ConstantValues[])
    : undefined;
};

type Whole = (sources: ConstantSources, name: string) => ConstantValues | undefined;

/** Keeps the last tensor: for one whose rows are asked for one after another. */
export const keepLast = (): Whole => {
  let last: { readonly name: string; readonly values: ConstantValues | undefined } | undefined;
  return (sources, name) => {
    if (last?.name !== name) {
      last = { name, values: constantValues(sources, name) };
    }
    return last.values;
  };
};

const MOST_NODES = 16;

const cut = (whole: ConstantValues | undefined, [start, end]: Rows): ConstantValues | undefined => {
  const each = whole && whole.data.length / whole.dims[0];
  return (
    whole && { dims: [end - start, ...whole.dims.slice(1)], data: whole.data.subarray(start * each!, end * each!) }
  );
};

/** Undefined where a row does not begin at a byte. */
const storedRows = (
  { tensors, weights }: ConstantSources,
  name: string,
  [start, end]: Rows
): ConstantValues | undefined => {
  const proto = tensors.get(name)!;
  const source = proto.data.kind === 'weight' ? weights.get(name) : proto;
  const { dims, dataType } = proto;
  const bits = elements(dims.slice(1)) * (elementType(dataType)?.bits ?? 0);
  if (!source || bits === 0 || bits % 8 !== 0 || dims.length === 0 || end > dims[0]) {
    return undefined;
  }
  const [from, to] = [(start * bits) / 8, (end * bits) / 8];
  const part = 'bytes' in source ? weightPart(source, from, to) : tensorBytes(source).subarray(from, to);
  return storedValues({ name, dims: [end - start, ...dims.slice(1)], dataType, bytes: part });
};

const elements = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** Which inputs are cut along with the output; undefined where the operator mixes rows. */
type Keeps = (sources: ConstantSources, node: Node) => ((input: number) => boolean) | undefined;

const first: Keeps = () => at => at === 0;

const broadcast: Keeps = (sources, { inputs }) => {
  const dims = inputs.map(input => dimsOf(sources, input));
  if (!dims.every(one => one !== undefined)) {
    return undefined;
  }
  const rank = Math.max(...dims.map(({ length }) => length));
  return at => dims[at].length === rank && dims[at][0] !== 1;
};

/** Along the first axis each row has its own scale, or shares one with others: left to the whole. */
const dequantise: Keeps = (sources, node) => {
  const [x, scale] = node.inputs.map(input => dimsOf(sources, input));
  const axis = intAttribute(node, 'axis') ?? 1;
  if (!x || !scale || x.length < 2 || ((axis + x.length) % x.length === 0 && elements(scale) !== 1)) {
    return undefined;
  }
  return at => at === 0 || scale.length === x.length;
};

const KEEPS_ROWS: Readonly<Record<string, Keeps>> = {
  Identity: first,
  Cast: first,
  Mul: broadcast,
  Div: broadcast,
  Add: broadcast,
  Sub: broadcast,
  DequantizeLinear: dequantise
};

/** Of what keeps the shape of its input; undefined elsewhere. */
const dimsOf = (sources: ConstantSources, name: string, depth = 0): readonly number[] | undefined => {
  const proto = sources.tensors.get(name);
  const node = proto || depth >= MOST_NODES ? undefined : sources.producer(name);
  if (proto || !node) {
    return proto?.dims;
  }
  if (['Identity', 'Cast', 'DequantizeLinear'].includes(node.opType)) {
    return dimsOf(sources, node.inputs[0], depth + 1);
  }
  const parts = ['Mul', 'Div', 'Add', 'Sub'].includes(node.opType)
    ? node.inputs.map(input => dimsOf(sources, input, depth + 1))
    : [undefined];
  return parts.every(one => one !== undefined)
    ? parts.reduce((a, b) => (elements(a) >= elements(b) ? a : b))
    : undefined;
};
