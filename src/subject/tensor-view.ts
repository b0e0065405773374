import type { HookStep } from '../anatomy/anatomy';
import { toFloat32 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';

/** Sizes of this run, for the named sizes of a reshape. */
export interface RunSizes {
  readonly batch: number;
  readonly pos: number;
}

/** A strided window on an array. */
interface View {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The tensor in float32 after each step in order; `hook` names it in errors. */
export const applySteps = (tensor: Tensor, steps: readonly HookStep[], sizes: RunSizes, hook: string): Tensor => {
  const start: View = {
    data: toFloat32(tensor),
    dims: tensor.dims,
    strides: contiguousStrides(tensor.dims),
    offset: 0
  };
  const { data, dims } = contiguous(steps.reduce((view, step) => applyStep(view, step, sizes, hook), start));
  return { dims, type: 'float32', data };
};

const applyStep = (view: View, step: HookStep, sizes: RunSizes, hook: string): View => {
  const { dims, strides, offset } = view;
  switch (step.op) {
    case 'transpose':
      return { ...view, dims: step.perm.map(axis => dims[axis]), strides: step.perm.map(axis => strides[axis]) };
    case 'slice': {
      const end = Math.min(step.end, dims[step.axis]);
      return {
        ...view,
        dims: dims.map((dim, axis) => (axis === step.axis ? Math.max(0, end - step.start) : dim)),
        offset: offset + step.start * strides[step.axis]
      };
    }
    case 'every':
      return {
        ...view,
        dims: dims.map((dim, axis) => (axis === step.axis ? Math.ceil(dims[step.axis] / step.step) : dim)),
        strides: strides.map((stride, axis) => (axis === step.axis ? stride * step.step : stride))
      };
    case 'reshape': {
      const whole = contiguous(view);
      const shape = resolveShape(step.shape, whole.data.length, sizes, hook);
      return { ...whole, dims: shape, strides: contiguousStrides(shape) };
    }
    case 'expand':
      return expand(
        view,
        step.shape.map(size => (typeof size === 'number' ? size : sizes[size])),
        hook
      );
    case 'normalise':
      return normalise(contiguous(view), step.kind, step.epsilon);
  }
};

const expand = (view: View, shape: readonly number[], hook: string): View => {
  const missing = shape.length - view.dims.length;
  const dims = [...Array<number>(Math.max(0, missing)).fill(1), ...view.dims];
  if (missing < 0 || dims.some((dim, axis) => dim !== 1 && dim !== shape[axis])) {
    throw new Error(
      `hook malformed: '${hook}' has shape [${view.dims.join(', ')}], which does not expand to [${shape.join(', ')}]`
    );
  }
  const strides = [...Array<number>(missing).fill(0), ...view.strides];
  return { ...view, dims: shape, strides: strides.map((stride, axis) => (dims[axis] === 1 ? 0 : stride)) };
};

/** Each row of the last axis: (x − mean)/√(variance + ε), for 'rms' x/√(mean x² + ε). Sums in float64. */
const normalise = (view: View, kind: 'layer' | 'rms', epsilon: number): View => {
  const width = view.dims[view.dims.length - 1];
  const { data: x } = view;
  const data = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    let sum = 0;
    for (let i = row; kind === 'layer' && i < row + width; i++) {
      sum += x[i];
    }
    const mean = sum / width;
    let squares = 0;
    for (let i = row; i < row + width; i++) {
      squares += (x[i] - mean) * (x[i] - mean);
    }
    const scale = 1 / Math.sqrt(squares / width + epsilon);
    for (let i = row; i < row + width; i++) {
      data[i] = (x[i] - mean) * scale;
    }
  }
  return { ...view, data };
};

const resolveShape = (
  shape: readonly (number | 'batch' | 'pos' | -1)[],
  count: number,
  sizes: RunSizes,
  hook: string
): readonly number[] => {
  const named = shape.map(size => (typeof size === 'number' ? size : sizes[size]));
  const known = named.filter(size => size !== -1).reduce((product, size) => product * size, 1);
  const dims = named.map(size => (size === -1 ? count / known : size));
  if (dims.reduce((product, size) => product * size, 1) !== count || !dims.every(Number.isInteger)) {
    throw new Error(`hook malformed: '${hook}' has ${count} elements, which do not fit [${shape.join(', ')}]`);
  }
  return dims;
};

const contiguousStrides = (dims: readonly number[]): readonly number[] => {
  const strides = Array<number>(dims.length).fill(1);
  for (let axis = dims.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1] * dims[axis + 1];
  }
  return strides;
};

const contiguous = (view: View): View => {
  const { data, dims, offset } = view;
  const count = dims.reduce((product, dim) => product * dim, 1);
  const strides = contiguousStrides(dims);
  if (strides.every((stride, axis) => dims[axis] === 1 || stride === view.strides[axis])) {
    return { data: data.subarray(offset, offset + count), dims, strides, offset: 0 };
  }
  const copy = new Float32Array(count);
  if (count > 0) {
    copyAxis(view, copy, 0, offset, 0);
  }
  return { data: copy, dims, strides, offset: 0 };
};

/** Copies the slice from `axis` on that begins at `from`; returns the place after it. */
const copyAxis = (view: View, to: Float32Array, axis: number, from: number, at: number): number => {
  const { data, dims, strides } = view;
  if (axis === dims.length) {
    to[at] = data[from];
    return at + 1;
  }
  const stride = strides[axis];
  if (axis === dims.length - 1) {
    for (let index = 0; index < dims[axis]; index++) {
      to[at + index] = data[from + index * stride];
    }
    return at + dims[axis];
  }
  let place = at;
  for (let index = 0; index < dims[axis]; index++) {
    place = copyAxis(view, to, axis + 1, from + index * stride, place);
  }
  return place;
};
