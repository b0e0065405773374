import { decodeTensor, toFloat64 } from '../onnx/decode-tensor';
import type { Model, TensorProto } from '../onnx/model';
import type { Weights } from '../onnx/weights';
import type { NormPart, Projection } from './anatomy';
import { constantTensors } from './numbers';

/** A constant of the file; elements are converted when read, not before. */
export interface Matrix {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Initialisers by name. */
export type ReadMatrix = (name: string) => Matrix | undefined;

export const matrixReader = (model: Model, weights: Weights): ReadMatrix => {
  const tensors = constantTensors(model);
  return name => {
    const tensor = tensors.get(name);
    const source = tensor?.data.kind === 'weight' ? weights.get(name) : tensor;
    return source && { dims: source.dims, data: numbers(source) };
  };
};

const numbers = (source: Parameters<typeof decodeTensor>[0] | TensorProto): ArrayLike<number> => {
  const tensor = decodeTensor(source);
  return tensor.data instanceof Float32Array ? tensor.data : toFloat64(tensor);
};

/** x @ W + b in float64, x [rows, in]; the projection's own columns only, head after head. A string says why not. */
export const project = (x: Float64Array, projection: Projection, read: ReadMatrix): Float64Array | string => {
  const weight = projection.weight === undefined ? undefined : read(projection.weight);
  if (!weight) {
    return 'its weight is not stored as plain numbers';
  }
  const [from, to] = projection.transposed ? [weight.dims[1], weight.dims[0]] : weight.dims;
  if (weight.dims.length !== 2 || x.length % from !== 0) {
    return `its weight is [${weight.dims.join(', ')}], which does not fit`;
  }
  const bias = projection.bias === undefined ? undefined : read(projection.bias);
  if (projection.bias !== undefined && !bias) {
    return 'its bias is not stored as plain numbers';
  }
  const columns = columnsOf(projection, to);
  const multiply = projection.transposed ? byColumn : byRow;
  const out = multiply(x, weight.data, from, to, columns);
  return bias ? out.map((value, i) => value + bias.data[columns[i % columns.length]]) : out;
};

type Multiply = (
  x: Float64Array,
  weight: ArrayLike<number>,
  from: number,
  to: number,
  columns: readonly number[]
) => Float64Array;

/** W stored [in, out]: its rows are added up, in the order in which they lie in memory. */
const byRow: Multiply = (x, weight, from, to, columns) => {
  const rows = x.length / from;
  const out = new Float64Array(rows * columns.length);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < from; i++) {
      const factor = x[r * from + i];
      for (let c = 0; c < columns.length; c++) {
        out[r * columns.length + c] += factor * weight[i * to + columns[c]];
      }
    }
  }
  return out;
};

/** W stored [out, in]: one dot product for each column of W. */
const byColumn: Multiply = (x, weight, from, _, columns) => {
  const rows = x.length / from;
  const out = new Float64Array(rows * columns.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns.length; c++) {
      let sum = 0;
      for (let i = 0; i < from; i++) {
        sum += x[r * from + i] * weight[columns[c] * from + i];
      }
      out[r * columns.length + c] = sum;
    }
  }
  return out;
};

const columnsOf = ({ columns, perHead }: Projection, to: number): readonly number[] => {
  if (perHead) {
    const { offset, stride, width } = perHead;
    const heads = Math.floor(to / stride);
    return Array.from({ length: heads * width }, (_, i) => Math.floor(i / width) * stride + offset + (i % width));
  }
  const [start, end] = columns ?? [0, to];
  return Array.from({ length: end - start }, (_, i) => start + i);
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
