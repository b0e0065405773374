import { decodeTensor, toFloat64 } from '../../onnx/decode-tensor';
import { weightPart } from '../../onnx/file-weight';
import type { Model, TensorProto } from '../../onnx/model';
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

type Numbers = Float32Array | Float64Array;

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

const numbers = (source: Parameters<typeof decodeTensor>[0] | TensorProto): Numbers => {
  const tensor = decodeTensor(source);
  return tensor.data instanceof Float32Array ? tensor.data : toFloat64(tensor);
};

/**
 * x @ W + b in float64, x [rows, in]; the projection's own columns only, head after head, and of these the wanted ones of a product that must be
 * `width` wide. A string says why not.
 */
export const project = (
  x: Float64Array,
  projection: Projection,
  read: ReadMatrix,
  wanted?: { readonly width: number; readonly columns: Ranges }
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
  const own = columnRanges(projection, to);
  if (wanted && widthOf(own) !== wanted.width) {
    return `its product is ${widthOf(own)} wide instead of ${wanted.width}: where it lies in its weight is not known`;
  }
  const ranges = wanted ? within(own, wanted.columns) : own;
  const { transposed = false } = projection;
  return multiply({ x, weight: weight.data, from, to, transposed, ranges, bias: bias?.data });
};

const widthOf = (ranges: Ranges): number => ranges.reduce((sum, [start, end]) => sum + end - start, 0);

/** Where the wanted columns of a product lie in the weight: the product's columns are those of the weight's `ranges`, one after another. */
const within = (ranges: Ranges, wanted: Ranges): Ranges => {
  let before = 0;
  return ranges.flatMap(([start, end]) => {
    const moved = start - before;
    const cut = wanted
      .map(([from, to]) => [Math.max(start, from + moved), Math.min(end, to + moved)] as const)
      .filter(([from, to]) => from < to);
    before += end - start;
    return cut;
  });
};

/** [in, out] of a weight with more axes. */
const unfolded = ({ dims, data }: Matrix, { perm, rows }: NonNullable<Projection['layout']>): Matrix => {
  const sizes = perm.map(axis => dims[axis]);
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, size) => product * size, 1));
  const out = new Float64Array(data.length);
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
  x: Float64Array,
  { weight, bias }: Pick<NormPart, 'weight' | 'bias'>,
  read: ReadMatrix,
  width: number
): Float64Array | string => {
  const [w, b] = [weight, bias].map(name => (name === undefined ? undefined : read(name)));
  if ((weight !== undefined && w?.data.length !== width) || (bias !== undefined && b?.data.length !== width)) {
    return 'its weight does not have the width of the stream';
  }
  return x.map((value, i) => value * (w?.data[i % width] ?? 1) + (b?.data[i % width] ?? 0));
};

/** (x − mean)/√(variance + ε), or x/√(mean x² + ε), row by row in float64. */
export const standardise = (
  x: Float64Array,
  { kind, epsilon = 0 }: Pick<NormPart, 'kind' | 'epsilon'>,
  width: number
): Float64Array => {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = kind === 'layer' ? row.reduce((sum, value) => sum + value, 0) / width : 0;
    const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width + epsilon);
    row.forEach((value, i) => (out[start + i] = (value - mean) * scale));
  }
  return out;
};
