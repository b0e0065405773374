import { decodeTensor, toFloat64 } from '../../onnx/decode-tensor';
import type { Model, TensorProto } from '../../onnx/model';
import type { Weight, Weights } from '../../onnx/weights';
import type { NormPart, Projection } from '../anatomy';
import { blockWeights } from '../constants/block-weights';
import { constantRows } from '../constants/constant-rows';
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

export const matrixReader = (model: Model, weights: Weights): ReadMatrix => {
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
      return rows ? constantRows(sources, name, rows) : constantValues(sources, name);
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
  const each = weight.bytes.length / dims[0];
  return {
    ...weight,
    dims: [end - start, ...dims.slice(1)],
    bytes: weight.bytes.subarray(start * each, end * each)
  };
};

const numbers = (source: Parameters<typeof decodeTensor>[0] | TensorProto): Numbers => {
  const tensor = decodeTensor(source);
  return tensor.data instanceof Float32Array ? tensor.data : toFloat64(tensor);
};

/** x @ W + b in float64, x [rows, in]; the projection's own columns only, head after head. A string says why not. */
export const project = (x: Float64Array, projection: Projection, read: ReadMatrix): Float64Array | string => {
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
  const width = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const out = new Float64Array((x.length / from) * width);
  const multiply = projection.transposed ? byColumn : byRow;
  let at = 0;
  for (const [start, end] of ranges) {
    multiply({ x, weight: weight.data, from, to, start, end, out, at, width, bias: bias?.data });
    at += end - start;
  }
  return out;
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

interface Product {
  readonly x: Float64Array;
  readonly weight: Numbers;
  readonly from: number;
  readonly to: number;
  /** Columns of the weight, and where the first of them goes in a row of `out`, which is `width` long. */
  readonly start: number;
  readonly end: number;
  readonly out: Float64Array;
  readonly at: number;
  readonly width: number;
  readonly bias: Numbers | undefined;
}

/** Rows of x that are multiplied together: a weight is read once for all of them. */
const TOGETHER = 3;

/** W stored [in, out]: its rows are added up, in the order in which they lie in memory. */
const byRow = (product: Product): void => {
  const { x, weight, from, to, start, end, out, at, width, bias } = product;
  const rowOf = (r: number): Float64Array => out.subarray(r * width + at, r * width + at + end - start);
  const rows = x.length / from;
  for (let r = 0; r < rows; r += r + TOGETHER <= rows ? TOGETHER : 1) {
    if (r + TOGETHER <= rows) {
      threeByRow(product, r, [rowOf(r), rowOf(r + 1), rowOf(r + 2)]);
    } else {
      const row = rowOf(r);
      for (let i = 0; i < from; i++) {
        const factor = x[r * from + i];
        const first = i * to + start;
        for (let c = 0; c < row.length; c++) {
          row[c] += factor * weight[first + c];
        }
      }
    }
  }
  for (let r = 0; bias && r < rows; r++) {
    const row = rowOf(r);
    for (let c = 0; c < row.length; c++) {
      row[c] += bias[start + c];
    }
  }
};

const threeByRow = (
  { x, weight, from, to, start }: Product,
  r: number,
  [one, two, three]: readonly Float64Array[]
): void => {
  const count = one.length;
  for (let i = 0; i < from; i++) {
    const [a, b, c] = [x[r * from + i], x[(r + 1) * from + i], x[(r + 2) * from + i]];
    const first = i * to + start;
    for (let at = 0; at < count; at++) {
      const w = weight[first + at];
      one[at] += a * w;
      two[at] += b * w;
      three[at] += c * w;
    }
  }
};

/** W stored [out, in]: one dot product for each column of W. */
const byColumn = (product: Product): void => {
  const { x, weight, from, start, end, out, at, width, bias } = product;
  const rows = x.length / from;
  for (let r = 0; r < rows; r += r + TOGETHER <= rows ? TOGETHER : 1) {
    if (r + TOGETHER <= rows) {
      threeByColumn(product, r);
      continue;
    }
    for (let c = start; c < end; c++) {
      let sum = bias ? bias[c] : 0;
      for (let i = 0; i < from; i++) {
        sum += x[r * from + i] * weight[c * from + i];
      }
      out[r * width + at + c - start] = sum;
    }
  }
};

const threeByColumn = ({ x, weight, from, start, end, out, at, width, bias }: Product, r: number): void => {
  const [one, two, three] = [0, 1, 2].map(k => x.subarray((r + k) * from, (r + k + 1) * from));
  for (let c = start; c < end; c++) {
    let a = bias ? bias[c] : 0;
    let [b, d] = [a, a];
    for (let i = 0; i < from; i++) {
      const w = weight[c * from + i];
      a += one[i] * w;
      b += two[i] * w;
      d += three[i] * w;
    }
    const to = r * width + at + c - start;
    [out[to], out[to + width], out[to + 2 * width]] = [a, b, d];
  }
};

const columnRanges = ({ columns, perHead }: Projection, to: number): readonly (readonly [number, number])[] => {
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
