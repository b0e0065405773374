import type { GraphInput } from '../../anatomy/anatomy';
import { isContent, rowInput } from '../../anatomy/certificate/row-input';
import { elementType, elementTypeName } from '../../onnx/element-type';
import { numberToHalf } from '../../onnx/number-to-half';
import type { Tensor, TensorArray, TensorTypeName } from '../../onnx/tensor';
import { contentFeed } from './content-feed';

/** One row a sequence, all of one length. */
export type Rows = readonly (readonly number[])[];

type Shape = readonly (number | string)[];
type Role = Exclude<GraphInput['role'], 'unknown'>;

/** An input that can be fed. */
export interface Feedable {
  readonly name: string;
  readonly role: Role;
  readonly type: TensorTypeName;
  readonly shape: Shape;
  /** The input whose positions it has, where the graph reads more than one sequence. */
  readonly positions?: string;
  /** Of another sequence than the one that a run's rows are: its ids, one row for all or as many as the run has. */
  readonly own?: Rows;
  /** Positions that pixels or features become. */
  readonly length?: number;
}

/** Throws for an input whose role is not known, whose rank is not, or whose type no run can hold. */
export const feedables = (inputs: readonly GraphInput[]): readonly Feedable[] =>
  inputs.map(({ name, role, elementType: code, shape, positions, length }) => {
    const type = elementType(code)?.tensor;
    if (role === 'unknown' || shape === undefined || type === undefined) {
      const size = shape === undefined ? 'of unknown rank' : `[${shape.join(', ')}]`;
      throw new Error(
        `input not understood: '${name}' (${elementTypeName(code)} ${size}) is not ids, mask, positions, token types, boxes, past, pixels, embeddings or features`
      );
    }
    const known = { ...(positions !== undefined && { positions }), ...(length !== undefined && { length }) };
    return { name, role, type, shape, ...known };
  });

/** The inputs where a run's rows are ids of `main`, and each other sequence is what is given for it, or what it was. */
export const readingInputs = (
  inputs: readonly Feedable[],
  main: string | undefined,
  others: Readonly<Record<string, Rows>>
): readonly Feedable[] =>
  inputs.map(({ own: before, ...input }) => {
    const positions = input.role === 'states' ? input.name : input.positions;
    const own = positions === undefined || positions === main ? undefined : (others[positions] ?? before);
    return own ? { ...input, own } : input;
  });

/** Positions of the sequences that a run's rows are not, by their inputs. */
export const ownLengths = (inputs: readonly Feedable[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    inputs.flatMap(({ name, role, own }) =>
      own && (role === 'ids' || role === 'states' || isContent({ role })) ? [[name, own[0].length]] : []
    )
  );

/** The input that a run's rows are the ids of, or that is read in their stead, and its axes; undefined without either. */
export const mainInput = (inputs: readonly Feedable[]): ReturnType<typeof rowInput<Feedable>> =>
  rowInput(inputs.filter(({ own }) => own === undefined));

/**
 * What the graph's inputs get for these ids, which stand from row `at` on in all of a run's: a mask of ones, positions from 0, token
 * types 0 and an empty past. Pixels, embeddings and states, which no ids
 * give, are good for nothing but looking at identities.
 */
export const buildFeeds = (inputs: readonly Feedable[], rows: Rows, at = 0): Record<string, Tensor> => {
  const shape = mainInput(inputs)?.shape ?? [];
  return Object.fromEntries(inputs.map(input => [input.name, feed(input, rowsFor(input, rows, at), shape)]));
};

const rowsFor = ({ own }: Feedable, rows: Rows, at: number): Rows =>
  own ? rows.map((_, row) => own[own.length === 1 ? 0 : at + row]) : rows;

/** Of these, what is read instead of ids. */
export const contentFeeds = (inputs: readonly Feedable[], rows: Rows): ReadonlyMap<string, Tensor> =>
  new Map(inputs.filter(isContent).map(input => [input.name, contentFeed(input, rowsFor(input, rows, 0))]));

/** 1 in binary16. */
const HALF_ONE = 0x3c00;

type PlainRole = Exclude<Role, 'pixels' | 'embeddings' | 'features'>;

const VALUES: Readonly<Record<PlainRole, (rows: Rows, index: number, type: TensorTypeName) => number>> = {
  ids: (rows, index) => rows[Math.floor(index / rows[0].length)][index % rows[0].length],
  attention_mask: (_rows, _index, type) => (type === 'float16' ? HALF_ONE : 1),
  position_ids: (rows, index) => index % rows[0].length,
  token_type_ids: () => 0,
  boxes: () => 0,
  past: () => 0,
  states: (_rows, index) => Math.sin(0.7 * index),
  unused: () => 0
};

const feed = (input: Feedable, rows: Rows, idsShape: Shape): Tensor => {
  if (isContent(input)) {
    return contentFeed(input, rows);
  }
  const { type, shape } = input;
  const role = input.role as PlainRole;
  const small = role === 'unused' && shape.length !== 1 && shape.length !== 2;
  const dims = small
    ? shape.map(size => (typeof size === 'number' ? size : 1))
    : role === 'past'
      ? pastDims(input, rows.length, idsShape)
      : role === 'states'
        ? statesDims(input, rows)
        : role === 'boxes'
          ? [rows.length, rows[0].length, Number(shape[2])]
          : plainDims(input, shape, rows);
  const data = new ARRAYS[type](dims.reduce((product, dim) => product * dim, 1));
  const whole = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let index = 0; index < data.length; index++) {
    const value = VALUES[role](rows, index, type);
    data[index] = whole ? BigInt(value) : type === 'float16' && role === 'states' ? numberToHalf(value) : value;
  }
  return { dims, type, data };
};

/** [batch, pos], or [pos]; a size of 1 stays (positions shared by the rows). */
const plainDims = ({ name }: Feedable, shape: Shape, rows: Rows): readonly number[] => {
  if (shape.length !== 1 && shape.length !== 2) {
    throw new Error(`input not understood: '${name}' has shape [${shape.join(', ')}], wanted [batch, pos]`);
  }
  const sizes = [rows.length, rows[0].length].slice(2 - shape.length);
  return shape.map((size, axis) => (size === 1 ? 1 : sizes[axis]));
};

/** [batch, pos, width] */
const statesDims = ({ name, shape }: Feedable, rows: Rows): readonly number[] => {
  const width = shape[2];
  if (shape.length !== 3 || typeof width !== 'number') {
    throw new Error(`input not understood: '${name}' has shape [${shape.join(', ')}], wanted [batch, pos, width]`);
  }
  return [rows.length, rows[0].length, width];
};

/** Sizes as declared; the batch is the axis named as the ids' batch is, else the first open one; the other is empty. */
const pastDims = ({ name, shape }: Feedable, batch: number, idsShape: Shape): readonly number[] => {
  const open = shape.flatMap((size, axis) => (typeof size === 'number' ? [] : [axis]));
  const named = open.find(axis => shape[axis] !== '' && shape[axis] === idsShape[0]);
  const batchAxis = named ?? (open.length > 1 ? open[0] : -1);
  const past = open.filter(axis => axis !== batchAxis);
  if (past.length !== 1) {
    throw new Error(
      `input not understood: '${name}' [${shape.join(', ')}] should have one open axis for the past besides the batch`
    );
  }
  return shape.map((size, axis) => (axis === past[0] ? 0 : axis === batchAxis ? batch : Number(size)));
};

const ARRAYS: Readonly<Record<TensorTypeName, new (length: number) => TensorArray>> = {
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
