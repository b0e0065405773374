import type { HookSource, HookStep } from '../anatomy/anatomy';
import { toFloat32 } from '../onnx/decode-tensor';
import { elementCount } from '../onnx/element-type';
import type { Tensor } from '../onnx/tensor';

/** Sizes of the run that a tensor comes from. */
export interface RunSizes {
  readonly batch: number;
  readonly pos: number;
}

interface Values {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/**
 * A tensor of the graph as the hook's documented shape, fp32. Without steps the array is the tensor's own. Throws when the
 * tensor does not have the elements that the steps ask for.
 */
export const readHook = (tensor: Tensor, source: HookSource, sizes: RunSizes): Tensor => {
  const start: Values = { dims: tensor.dims, data: toFloat32(tensor) };
  const { dims, data } = source.steps.reduce((values, step) => apply(values, step, sizes, source.tensor), start);
  return { dims, type: 'float32', data };
};

const apply = (values: Values, step: HookStep, sizes: RunSizes, name: string): Values => {
  switch (step.op) {
    case 'reshape':
      return { dims: reshaped(values, step.shape, sizes, name), data: values.data };
    case 'transpose':
      return transpose(values, step.perm);
    case 'slice':
      return gather(values, step.axis, range(step.start, step.end, 1));
    case 'every':
      return gather(values, step.axis, range(0, values.dims[step.axis], step.step));
    case 'expand':
      return expand(values, sized(step.shape, sizes));
    case 'normalise':
      return { dims: values.dims, data: normalise(values, step.kind, step.epsilon) };
  }
};

const sized = (shape: readonly (number | 'batch' | 'pos')[], sizes: RunSizes): number[] =>
  shape.map(dim => (typeof dim === 'number' ? dim : sizes[dim]));

const reshaped = (
  { data }: Values,
  shape: readonly (number | 'batch' | 'pos')[],
  sizes: RunSizes,
  name: string
): readonly number[] => {
  const dims = sized(shape, sizes);
  const open = dims.indexOf(-1);
  if (open >= 0) {
    dims[open] = data.length / -elementCount(dims);
  }
  if (elementCount(dims) !== data.length || dims.some(dim => !Number.isInteger(dim))) {
    throw new Error(`tensor '${name}' has ${data.length} elements, its hook wants the shape [${dims.join(', ')}]`);
  }
  return dims;
};

const range = (start: number, end: number, step: number): number[] =>
  Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);

const stridesOf = (dims: readonly number[]): number[] => dims.map((_, axis) => elementCount(dims.slice(axis + 1)));

/** Walks the target in order, with the source's stride for each of its axes. */
const rearrange = ({ data }: Values, dims: readonly number[], strides: readonly number[]): Values => {
  const out = new Float32Array(elementCount(dims));
  const index = dims.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < dims[axis]) {
        break;
      }
      from -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return { dims, data: out };
};

const transpose = (values: Values, perm: readonly number[]): Values => {
  const strides = stridesOf(values.dims);
  return rearrange(
    values,
    perm.map(axis => values.dims[axis]),
    perm.map(axis => strides[axis])
  );
};

/** Axes of size 1 repeat; missing leading axes are of size 1. */
const expand = (values: Values, dims: readonly number[]): Values => {
  const padded = [...Array<number>(dims.length - values.dims.length).fill(1), ...values.dims];
  const strides = stridesOf(padded);
  return padded.every((dim, axis) => dim === dims[axis])
    ? { dims, data: values.data }
    : rearrange(
        values,
        dims,
        padded.map((dim, axis) => (dim === 1 ? 0 : strides[axis]))
      );
};

const gather = ({ dims, data }: Values, axis: number, picks: readonly number[]): Values => {
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const out = new Float32Array(outer * picks.length * inner);
  for (let o = 0; o < outer; o++) {
    picks.forEach((pick, i) => {
      const from = (o * dims[axis] + pick) * inner;
      out.set(data.subarray(from, from + inner), (o * picks.length + i) * inner);
    });
  }
  return { dims: dims.map((dim, i) => (i === axis ? picks.length : dim)), data: out };
};

/** In float64, row by row. */
const normalise = ({ dims, data }: Values, kind: 'layer' | 'rms', epsilon: number): Float32Array => {
  const width = dims[dims.length - 1];
  const out = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += width) {
    const row = data.subarray(start, start + width);
    const mean = kind === 'layer' ? row.reduce((sum, x) => sum + x, 0) / width : 0;
    const square = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(square + epsilon);
    row.forEach((x, i) => (out[start + i] = (x - mean) * scale));
  }
  return out;
};
