import { decodeTensor, toFloat32 } from '../../onnx/decode-tensor';
import { halfToNumber } from '../../onnx/half';
import type { Node, TensorProto } from '../../onnx/model';
import { numberToHalf } from '../../onnx/number-to-half';
import { tensorBytes } from '../../onnx/tensor-bytes';
import type { Weight, Weights } from '../../onnx/weights';
import { gridOf } from '../../graph/integer-operators';
import { intAttribute, intsAttribute } from '../attributes';
import { stepsOf, wholeSteps } from './steps';

/** Numbers of a constant in single precision. */
export interface ConstantValues {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface ConstantSources {
  readonly tensors: ReadonlyMap<string, TensorProto>;
  readonly weights: Weights;
  producer(tensor: string): Node | undefined;
}

/** Longer chains from an initialiser to a weight are not followed. */
const MOST_NODES = 16;
const MOST_ELEMENTS = 2 ** 28;

/**
 * A tensor that the file computes from initialisers alone: a weight stored in few bits, dequantised by a chain of Cast, Mul, Add, Reshape, Transpose,
 * DequantizeLinear. Undefined where an operator or a type is not understood. Dequantised when asked for; nothing is kept.
 */
export const constantValues = (sources: ConstantSources, name: string, depth = 0): ConstantValues | undefined => {
  const proto = sources.tensors.get(name);
  if (proto) {
    return storedValues(proto.data.kind === 'weight' ? sources.weights.get(name) : proto);
  }
  const node = depth < MOST_NODES ? sources.producer(name) : undefined;
  if (node?.opType === 'QuantizeLinear') {
    return quantised(sources, node, depth);
  }
  if (!node || !OPERATORS[node.opType]) {
    return undefined;
  }
  const inputs = node.inputs.map(input => (input === '' ? undefined : constantValues(sources, input, depth + 1)));
  const known = inputs.every((input, at) => input !== undefined || node.inputs[at] === '');
  return known ? computeConstant(node, inputs as readonly ConstantValues[]) : undefined;
};

const quantised = (sources: ConstantSources, node: Node, depth: number): ConstantValues | undefined => {
  const read = (tensor: string): ConstantValues | undefined => constantValues(sources, tensor, depth + 1);
  const [x, steps] = [read(node.inputs[0]), stepsOf(gridOf(node), sources.tensors, read)];
  return x && steps && { dims: x.dims, data: x.data.map(value => wholeSteps(value, steps)) };
};

/** One node of such a chain; '' stands for an input that is left out. */
export const computeConstant = (node: Node, inputs: readonly ConstantValues[]): ConstantValues | undefined =>
  ['', 'ai.onnx'].includes(node.domain) || node.opType === 'DequantizeLinear'
    ? OPERATORS[node.opType]?.(node, inputs)
    : undefined;

const UINT4 = 21;
const INT4 = 22;

/** An initialiser's numbers; undefined for types that are none. */
export const storedValues = (source: TensorProto | Weight | undefined): ConstantValues | undefined => {
  if (!source || elements(source.dims) > MOST_ELEMENTS) {
    return undefined;
  }
  const { dims, dataType } = source;
  if (dataType === UINT4 || dataType === INT4) {
    const bytes = 'bytes' in source ? source.bytes : tensorBytes(source);
    return { dims, data: nibbles(bytes, elements(dims), dataType === INT4) };
  }
  try {
    return { dims, data: toFloat32(decodeTensor(source)) };
  } catch {
    // A type that is not one of numbers.
    return undefined;
  }
};

/** Two a byte, the lower half first. */
const nibbles = (bytes: Uint8Array, count: number, signed: boolean): Float32Array => {
  const data = new Float32Array(count);
  for (let at = 0; at < count; at++) {
    const value = (bytes[at >> 1] >> ((at & 1) * 4)) & 15;
    data[at] = signed && value > 7 ? value - 16 : value;
  }
  return data;
};

const elements = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

type Compute = (node: Node, inputs: readonly ConstantValues[]) => ConstantValues | undefined;

const elementwise =
  (of: (a: number, b: number) => number): Compute =>
  (_, [a, b]) => {
    const rank = Math.max(a.dims.length, b.dims.length);
    const [da, db] = [a, b].map(({ dims }) => [...Array<number>(rank - dims.length).fill(1), ...dims]);
    const dims = da.map((size, axis) => (size === 1 ? db[axis] : size));
    if (da.some((size, axis) => size !== 1 && db[axis] !== 1 && size !== db[axis])) {
      return undefined;
    }
    const [sa, sb] = [strides(da), strides(db)];
    const data = new Float32Array(elements(dims));
    const [x, y] = [a.data, b.data];
    walk(dims, [sa, sb], (at, count, [from, other], [step, otherStep]) => {
      for (let i = 0; i < count; i++) {
        data[at + i] = of(x[from + i * step], y[other + i * otherStep]);
      }
    });
    return { dims, data };
  };

/** Steps in memory of each axis; 0 where the axis has one place for all. */
const strides = (dims: readonly number[]): readonly number[] =>
  dims.map((size, axis) => (size === 1 ? 0 : elements(dims.slice(axis + 1))));

type Visit = (at: number, count: number, offsets: readonly number[], steps: readonly number[]) => void;

/** Every run along the last axis of `dims` in order, with the offsets where it begins and the steps within it. */
const walk = (dims: readonly number[], steps: readonly (readonly number[])[], visit: Visit): void => {
  const count = dims.at(-1) ?? 1;
  const within = steps.map(step => step.at(-1) ?? 0);
  const place = dims.map(() => 0);
  const offsets = steps.map(() => 0);
  const all = elements(dims);
  for (let at = 0; at < all; at += count) {
    visit(at, count, offsets, within);
    for (let axis = dims.length - 2; axis >= 0; axis--) {
      place[axis]++;
      steps.forEach((step, i) => (offsets[i] += step[axis]));
      if (place[axis] < dims[axis]) {
        break;
      }
      steps.forEach((step, i) => (offsets[i] -= step[axis] * dims[axis]));
      place[axis] = 0;
    }
  }
};

const copy: Compute = (_, [x]) => x;

const FLOAT16 = 10;
/** To an integer type a cast would cut off: left to files that do nothing of the kind. */
const FLOATS = [1, FLOAT16, 11, 16];
const cast: Compute = (node, [x]) => {
  const to = intAttribute(node, 'to') ?? 0;
  if (!FLOATS.includes(to)) {
    return undefined;
  }
  return to === FLOAT16 ? { dims: x.dims, data: x.data.map(value => halfToNumber(numberToHalf(value))) } : x;
};

const reshape: Compute = (_, [x, shape]) => {
  const wanted = Array.from(shape.data, (size, axis) => (size === 0 ? x.dims[axis] : size));
  const known = wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const dims = wanted.map(size => (size === -1 ? x.data.length / known : size));
  return elements(dims) === x.data.length ? { dims, data: x.data } : undefined;
};

const transpose: Compute = (node, [x]) => {
  const perm = intsAttribute(node, 'perm') ?? x.dims.map((_, axis) => x.dims.length - 1 - axis);
  if (new Set(perm.filter(axis => axis in x.dims)).size !== x.dims.length || perm.length !== x.dims.length) {
    return undefined;
  }
  const dims = perm.map(axis => x.dims[axis]);
  const own = strides(x.dims);
  const data = new Float32Array(x.data.length);
  walk(dims, [perm.map(axis => own[axis])], (at, count, [from], [step]) => {
    for (let i = 0; i < count; i++) {
      data[at + i] = x.data[from + i * step];
    }
  });
  return { dims, data };
};

/** (x − zero point) · scale: for the whole tensor, along an axis, or in blocks along it. */
const dequantise: Compute = (node, [x, scale, zero]) => {
  const axis = ((intAttribute(node, 'axis') ?? 1) + x.dims.length) % Math.max(1, x.dims.length);
  const block = intAttribute(node, 'block_size') ?? 0;
  const inner = elements(x.dims.slice(axis + 1));
  const length = x.dims[axis] ?? 1;
  const groups = block > 0 ? Math.ceil(length / block) : length;
  const one = scale.data.length === 1;
  const expected = block > 0 ? (x.data.length / length) * groups : length;
  if (!one && scale.data.length !== expected) {
    return undefined;
  }
  const data = new Float32Array(x.data.length);
  for (let at = 0; at < data.length; at += inner) {
    const row = at / inner;
    const along = row % length;
    const group = block > 0 ? Math.floor(along / block) : along;
    const first = block > 0 ? (((row - along) / length) * groups + group) * inner : group;
    for (let i = 0; i < inner; i++) {
      const place = one ? 0 : block > 0 ? first + i : first;
      data[at + i] = (x.data[at + i] - (zero ? zero.data[place] : 0)) * scale.data[place];
    }
  }
  return { dims: x.dims, data };
};

const OPERATORS: Readonly<Record<string, Compute>> = {
  Identity: copy,
  Cast: cast,
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Reshape: reshape,
  Transpose: transpose,
  DequantizeLinear: dequantise
};
