import { toFloat32 } from '../../onnx/decode-tensor';
import type { Tensor } from '../../onnx/tensor';
import { mainInput, type Feedable, type Rows } from './feeds';

type Given = Readonly<Record<string, Tensor>>;

/**
 * Refuses, before anything runs, a tensor for an input that has another type, another rank or other sizes than the file declares, numbers that
 * are none or that its role does not have, and a mask that hides every token of a row: no attention is left to show there.
 */
export const checkFeeds = (inputs: readonly Feedable[], feeds: Given, rows: Rows): void => {
  checkPast(inputs, feeds);
  const ids = mainInput(inputs)?.shape ?? [];
  const named = new Map<number | string, number>();
  ids.forEach((size, axis) => named.set(size, [rows.length, rows[0].length].slice(2 - ids.length)[axis]));
  for (const input of inputs.filter(({ name }) => feeds[name] !== undefined)) {
    const tensor = feeds[input.name];
    checkType(input, tensor);
    checkShape(input, tensor, named);
    checkNumbers(input, tensor);
    if (input.role === 'attention_mask') {
      checkMask(input, tensor);
    }
  }
};

/** Behind a past, ids have other positions, and a mask is longer, than without one. */
const checkPast = (inputs: readonly Feedable[], feeds: Given): void => {
  const past = inputs.find(({ name, role }) => role === 'past' && feeds[name]?.data.length > 0);
  const lacking = inputs.find(
    ({ name, role }) => (role === 'position_ids' || role === 'attention_mask') && feeds[name] === undefined
  );
  if (past && lacking) {
    throw new Error(`input missing: with a past ('${past.name}') '${lacking.name}' must be given, too`);
  }
};

const checkType = ({ name, type }: Feedable, tensor: Tensor): void => {
  if (tensor.type !== type) {
    throw new Error(`input type wrong: '${name}' is ${tensor.type}, the file takes ${type}`);
  }
};

const checkShape = ({ name, shape }: Feedable, { dims }: Tensor, named: ReadonlyMap<number | string, number>): void => {
  const wanted = shape.map(size => (typeof size === 'number' ? size : size === '' ? undefined : named.get(size)));
  const fits = dims.length === shape.length && wanted.every((size, axis) => size === undefined || size === dims[axis]);
  if (!fits) {
    const sizes = wanted.map((size, axis) => size ?? (String(shape[axis]).slice(0, 40) || '?'));
    throw new Error(`input shape wrong: '${name}' is [${dims.join(', ')}], the file takes [${sizes.join(', ')}] here`);
  }
};

/** Files would take a negative index from the end of a table, and a mask of other numbers as they happen to compute it. */
const MOST: Partial<Record<Feedable['role'], number>> = {
  attention_mask: 1,
  position_ids: Infinity,
  token_type_ids: Infinity,
  boxes: Infinity
};

const checkNumbers = ({ name, role }: Feedable, tensor: Tensor): void => {
  if (tensor.type.startsWith('float')) {
    const place = toFloat32(tensor).findIndex(value => Number.isNaN(value));
    if (place >= 0) {
      throw new Error(`input NaN: '${name}' [${tensor.dims.join(', ')}] has NaN in row ${rowOf(tensor, place)}`);
    }
    return;
  }
  const most = MOST[role];
  const numbers = most === undefined ? [] : Array.from<number | bigint, number>(tensor.data, Number);
  const place = numbers.findIndex(value => value < 0 || value > most!);
  if (place >= 0) {
    const wanted = role === 'attention_mask' ? '0 or 1' : '0 or more';
    throw new Error(
      `input out of range: '${name}' holds ${numbers[place]} in row ${rowOf(tensor, place)}, wanted ${wanted}`
    );
  }
};

const rowOf = ({ dims, data }: Tensor, place: number): number => Math.floor(place / (data.length / (dims[0] || 1)));

/** A mask of floating-point numbers may be one that is added, where zero hides nothing. */
const checkMask = ({ name, shape }: Feedable, { type, dims, data }: Tensor): void => {
  const length = dims[dims.length - 1] ?? 1;
  if (type.startsWith('float') || shape.length > 2 || length === 0) {
    return;
  }
  for (let row = 0; row * length < data.length; row++) {
    if (data.subarray(row * length, (row + 1) * length).every(value => Number(value) === 0)) {
      throw new Error(`mask empty: '${name}' hides every token of row ${row}`);
    }
  }
};
