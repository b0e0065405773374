import { toFloat32 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';

const MOST_RANK = 8;
const MOST_ELEMENTS = 2 ** 24;

/** Nested lists of finite numbers, or a tensor, as float32. `at` names it in errors. */
export const nestedTensor = (value: unknown, at: string): Tensor => {
  if (isTensor(value)) {
    return { dims: value.dims, type: 'float32', data: toFloat32(value) };
  }
  const dims = nestedDims(value, at);
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count > MOST_ELEMENTS) {
    throw new Error(`value too large: ${at} has ${count} numbers, at most ${MOST_ELEMENTS} are read`);
  }
  const data = new Float32Array(count);
  fill(value, dims, 0, data, 0, at);
  return { dims, type: 'float32', data };
};

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && ArrayBuffer.isView((value as { data?: unknown }).data);

/** Along the first elements. */
const nestedDims = (value: unknown, at: string): readonly number[] => {
  const dims: number[] = [];
  for (let part = value; Array.isArray(part) && dims.length <= MOST_RANK; part = (part as readonly unknown[])[0]) {
    dims.push(part.length);
  }
  if (dims.length === 0 || dims.length > MOST_RANK || dims.includes(0)) {
    throw new Error(`value wrong: ${at} should be a number or nested lists of numbers, none of them empty`);
  }
  return dims;
};

const fill = (
  value: unknown,
  dims: readonly number[],
  axis: number,
  to: Float32Array,
  place: number,
  at: string
): number => {
  if (axis === dims.length) {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new Error(`value wrong: ${at} holds something that is not a finite number, at place ${place}`);
    }
    to[place] = value;
    return place + 1;
  }
  if (!Array.isArray(value) || value.length !== dims[axis]) {
    throw new Error(`value ragged: ${at} should have ${dims[axis]} elements on axis ${axis} everywhere`);
  }
  return value.reduce<number>((next, part: unknown) => fill(part, dims, axis + 1, to, next, at), place);
};
