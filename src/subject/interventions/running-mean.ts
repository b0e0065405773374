import type { Tensor } from '../../onnx/tensor';
import type { ServedHook } from '../hook-names';

/** A mean that runs add to, in float64. */
export interface RunningMean {
  /** A hook's values, [batch, pos, …]. */
  add(values: Tensor): void;
  /** The hook's shape with size 1 where it was averaged. */
  mean(): Tensor;
}

/** Over the rows, place by place, or over rows and positions; the runs' lengths may differ in the second case. */
export const runningMean = ({ name, dims }: ServedHook, over: 'rows' | 'all'): RunningMean => {
  const axes = over === 'rows' ? [0] : [0, dims.indexOf('pos')];
  if (axes.includes(-1)) {
    throw new Error(`mean impossible: '${name}' has the axes ${dims.join(', ')}, none of positions to average over`);
  }
  let sums = new Float64Array(0);
  let shape: readonly number[] = [];
  let count = 0;
  return {
    add: values => {
      shape = values.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
      sums = sums.length > 0 ? sums : new Float64Array(product(shape));
      const strides = stridesOf(shape);
      eachPlace(values.dims, strides, (from, to) => (sums[to] += Number(values.data[from])));
      count += axes.reduce((total, axis) => total * values.dims[axis], 1);
    },
    mean: () => ({ dims: shape, type: 'float32', data: Float32Array.from(sums, sum => sum / count) })
  };
};

const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);

/** 0 along an axis of size 1. */
const stridesOf = (shape: readonly number[]): readonly number[] =>
  shape.map((size, axis) => (size === 1 ? 0 : product(shape.slice(axis + 1))));

const eachPlace = (
  dims: readonly number[],
  strides: readonly number[],
  visit: (from: number, to: number) => void
): void => {
  let from = 0;
  const walk = (axis: number, to: number): void => {
    if (axis === dims.length) {
      visit(from++, to);
      return;
    }
    for (let index = 0; index < dims[axis]; index++) {
      walk(axis + 1, to + index * strides[axis]);
    }
  };
  walk(0, 0);
};
