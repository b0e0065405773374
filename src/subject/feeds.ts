import type { Tensor, TensorArray, TensorTypeName } from '../onnx/tensor';
import type { InputRole } from './input-roles';

/** One row a sequence, all of one length. */
export type Rows = readonly (readonly number[])[];

/**
 * What the graph's inputs get for these ids: a mask of ones, positions from 0, token types 0, an empty past, and false
 * for the branch that would use a past.
 */
export const buildFeeds = (roles: readonly InputRole[], rows: Rows): Record<string, Tensor> => {
  const ids = roles.find(({ role }) => role === 'ids');
  return Object.fromEntries(roles.map(role => [role.name, feed(role, rows, ids?.shape ?? [])]));
};

const feed = (input: InputRole, rows: Rows, idsShape: readonly (number | string)[]): Tensor => {
  const { role, type, shape } = input;
  const dims = role === 'past' ? pastDims(input, rows.length, idsShape) : plainDims(shape, rows);
  const data = makeArray(
    type,
    dims.reduce((product, dim) => product * dim, 1)
  );
  const length = rows[0].length;
  if (role === 'ids') {
    fill(data, index => rows[Math.floor(index / length)][index % length]);
  } else if (role === 'mask') {
    fill(data, () => (type === 'float16' ? HALF_ONE : 1));
  } else if (role === 'positions') {
    fill(data, index => index % length);
  }
  return { dims, type, data };
};

/** 1 in binary16. */
const HALF_ONE = 0x3c00;

/** Rank 2 is [batch, pos], rank 1 is [pos]; fixed ones stay ones (flags, positions shared by the rows). */
const plainDims = (shape: readonly (number | string)[], rows: Rows): readonly number[] => {
  const sizes = [rows.length, rows[0].length].slice(2 - Math.min(2, shape.length));
  return shape.map((size, axis) => (size === 1 ? 1 : sizes[axis]));
};

/** Sizes as declared; the batch is the axis named as the ids' batch is, the other open axis is the past, empty. */
const pastDims = (
  { name, shape }: InputRole,
  batch: number,
  idsShape: readonly (number | string)[]
): readonly number[] => {
  const open = shape.flatMap((size, axis) => (typeof size === 'number' ? [] : [axis]));
  const named = open.filter(axis => shape[axis] !== '' && shape[axis] === idsShape[0]);
  const batchAxis = named[0] ?? (open.length > 1 ? open[0] : -1);
  const past = open.filter(axis => axis !== batchAxis);
  if (past.length !== 1) {
    throw new Error(
      `input not understood: '${name}' [${shape.join(', ')}] should have one open axis for the past besides the batch`
    );
  }
  return shape.map((size, axis) => (axis === past[0] ? 0 : axis === batchAxis ? batch : Number(size)));
};

const MAKE: Readonly<Record<TensorTypeName, new (length: number) => TensorArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array
};

const makeArray = (type: TensorTypeName, length: number): TensorArray => new MAKE[type](length);

const fill = (data: TensorArray, valueAt: (index: number) => number): void => {
  const whole = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let index = 0; index < data.length; index++) {
    const value = valueAt(index);
    data[index] = whole ? BigInt(value) : value;
  }
};
