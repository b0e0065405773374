import { decodeTensor } from '../../onnx/decode-tensor';
import { weightPart } from '../../onnx/file-weight';
import type { Model, TensorProto } from '../../onnx/model';
import { numbersOf, type Numbers } from '../../onnx/numbers';
import { weightLength, type Weight, type Weights } from '../../onnx/weights';
import type { NormPart, Projection } from '../anatomy';
import { multiply, type Ranges } from './multiply';
import { blockWeights } from '../constants/block-weights';
import { constantRows, keepLast } from '../constants/constant-rows';
import { constantValues } from '../constants/constant-values';
import { constantTensors } from '../constants/numbers';

/** A constant of the file; elements are converted when read, not before. */
export interface Matrix {
  readonly dims: readonly number[];
  readonly data: Numbers;
}

/** Initialisers by name; `rows` of the first axis alone, where one asks for some: only these are converted, where the file's layout allows it. */
export type ReadMatrix = (name: string, rows?: readonly [number, number]) => Matrix | undefined;

/** `keeps`: the last computed tensor stays in memory as long as the reader. */
export const matrixReader = (model: Model, weights: Weights, keeps = false): ReadMatrix => {
  const whole = keeps ? keepLast() : constantValues;
  const tensors = constantTensors(model);
  const producers = new Map(model.graph.nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const sources = { tensors, weights, producer: (tensor: string) => producers.get(tensor) };
  const blocks = blockWeights(model, sources);
  return (name, rows) => {
    const block = blocks.get(name);
    if (block) {
      return block(rows);
    }
    const tensor = tensors.get(name);
    if (!tensor) {
      return rows ? constantRows(sources, name, rows, whole) : whole(sources, name);
    }
    const source = tensor.data.kind === 'weight' ? weights.get(name) : tensor;
    if (source && rows && 'bytes' in source) {
      const part = weightRows(source, rows);
      return { dims: part.dims, data: numbers(part) };
    }
    return source && cutRows({ dims: source.dims, data: numbers(source) }, rows);
  };
};

const cutRows = (matrix: Matrix | undefined, rows: readonly [number, number] | undefined): Matrix | undefined => {
  if (!matrix || !rows) {
    return matrix;
  }
  const dims = rowDims(matrix.dims);
  const each = matrix.data.length / dims[0];
  return {
    dims: [rows[1] - rows[0], ...dims.slice(1)],
    data: matrix.data.subarray(rows[0] * each, rows[1] * each)
  };
};

/** Tables of positions are often kept as [1, rows, width]. */
const rowDims = (dims: readonly number[]): readonly number[] =>
  dims.length === 3 && dims[0] === 1 ? dims.slice(1) : dims;

const weightRows = (weight: Weight, [start, end]: readonly [number, number]): Weight => {
  const dims = rowDims(weight.dims);
  const each = weightLength(weight) / dims[0];
  const { name, dataType } = weight;
  return { name, dataType, dims: [end - start, ...dims.slice(1)], bytes: weightPart(weight, start * each, end * each) };
};

const numbers = (source: Parameters<typeof decodeTensor>[0] | TensorProto): Numbers => numbersOf(decodeTensor(source));

/**
 * x @ W + b in float64, x [rows, in]; the projection's own columns only, head after head, which must be `width` of them where that is known. A
 * string says why not.
 */
export const project = (
  x: Numbers,
  projection: Projection,
  read: ReadMatrix,
  width?: number
): Float64Array | string => {
  const stored = projection.weight === undefined ? undefined : read(projection.weight);
  if (!stored) {
    return 'its weight is not stored as plain numbers';
  }
  const weight = projection.layout ? unfolded(stored, projection.layout) : stored;
  const [from, to] = projection.transposed ? [weight.dims[1], weight.dims[0]] : weight.dims;
  if (weight.dims.length !== 2 || x.length % from !== 0) {
    return `its weight is [${weight.dims.join(', ')}], which does not fit`;
  }
  const bias = projection.bias === undefined ? undefined : read(projection.bias);
  if (projection.bias !== undefined && !bias) {
    return 'its bias is not stored as plain numbers';
  }
  const ranges = columnRanges(projection, to);
  const own = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  if (width !== undefined && own !== width) {
    return `its product is ${own} wide instead of ${width}: where it lies in its weight is not known`;
  }
  const { transposed = false } = projection;
  return multiply({ x, weight: weight.data, from, to, transposed, ranges, bias: bias?.data });
};

/** [in, out] of a weight with more axes. */
const unfolded = ({ dims, data }: Matrix, { perm, rows }: NonNullable<Projection['layout']>): Matrix => {
  const sizes = perm.map(axis => dims[axis]);
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, size) => product * size, 1));
  const out = data.slice();
  const at = perm.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[perm.reduce((sum, axis, k) => sum + at[k] * strides[axis], 0)];
    for (let k = at.length - 1; k >= 0 && ++at[k] === sizes[k]; k--) {
      at[k] = 0;
    }
  }
  const from = sizes.slice(0, rows).reduce((product, size) => product * size, 1);
  return { dims: [from, out.length / from], data: out };
};

const columnRanges = ({ columns, perHead }: Projection, to: number): Ranges => {
  if (!perHead) {
    return [columns ?? [0, to]];
  }
  const { offset, stride, width } = perHead;
  return Array.from({ length: Math.floor(to / stride) }, (_, head) => {
    const start = head * stride + offset;
    return [start, start + width] as const;
  });
};

/** Standardised rows [rows, width] times the norm's weight plus its bias, in float64. */
export const affine = (
  x: Numbers,
  { weight, bias }: Pick<NormPart, 'weight' | 'bias'>,
  read: ReadMatrix,
  width: number
): Float64Array | string => {
  const [w, b] = [weight, bias].map(name => (name === undefined ? undefined : read(name)));
  if ((weight !== undefined && w?.data.length !== width) || (bias !== undefined && b?.data.length !== width)) {
    return 'its weight does not have the width of the stream';
  }
  const [factors, terms] = [w?.data ?? new Float64Array(width).fill(1), b?.data ?? new Float64Array(width)];
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    for (let i = 0; i < width; i++) {
      out[start + i] = x[start + i] * factors[i] + terms[i];
    }
  }
  return out;
};

/** (x − mean)/√(variance + ε), or x/√(mean x² + ε), row by row in float64. */
export const standardise = (
  x: Numbers,
  { kind, epsilon = 0 }: Pick<NormPart, 'kind' | 'epsilon'>,
  width: number
): Float64Array => {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const mean = kind === 'layer' ? moment(x, start, width, 0, 1) : 0;
    const scale = 1 / Math.sqrt(moment(x, start, width, mean, 2) + epsilon);
    for (let i = start; i < start + width; i++) {
      out[i] = (x[i] - mean) * scale;
    }
  }
  return out;
};

/** mean (x − about)ⁿ of a row, n = 1 or 2 */
const moment = (x: Numbers, start: number, width: number, about: number, power: 1 | 2): number => {
  let sum = 0;
  for (let i = start; i < start + width; i++) {
    const off = x[i] - about;
    sum += power === 1 ? off : off * off;
  }
  return sum / width;
};
