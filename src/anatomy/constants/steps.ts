import type { Grid } from '../../graph/integer-operators';
import type { TensorProto } from '../../onnx/model';

/** What numbers are rounded to: (q − zero) · scale for whole q from low to high. */
export interface Steps {
  readonly scale: number;
  readonly zero: number;
  readonly low: number;
  readonly high: number;
}

/** By TensorProto.DataType: UINT8, INT8, UINT16, INT16, UINT4, INT4. */
const RANGES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [2, [0, 255]],
  [3, [-128, 127]],
  [4, [0, 65535]],
  [5, [-32768, 32767]],
  [21, [0, 15]],
  [22, [-8, 7]]
]);
const UINT8 = 2;

/** One scale for a whole tensor; undefined for others, and where a number or a type is not known. */
export const stepsOf = (
  { scale, zero }: Grid,
  tensors: ReadonlyMap<string, Pick<TensorProto, 'dataType'>>,
  read: (name: string) => { readonly data: ArrayLike<number> } | undefined
): Steps | undefined => {
  const [factor, shift] = [read(scale)?.data, zero === '' ? [0] : read(zero)?.data];
  const range = RANGES.get(zero === '' ? UINT8 : (tensors.get(zero)?.dataType ?? 0));
  return range && factor?.length === 1 && shift?.length === 1
    ? { scale: factor[0], zero: shift[0], low: range[0], high: range[1] }
    : undefined;
};

/** The least and the largest number that there is a step for. */
export const reachOf = ({ scale, zero, low, high }: Steps): readonly [number, number] => [
  (low - zero) * scale,
  (high - zero) * scale
];

/** QuantizeLinear: whole numbers, halves to even, in float32 as the operator divides. */
export const wholeSteps = (x: number, { scale, zero, low, high }: Steps): number =>
  Math.min(high, Math.max(low, toEven(Math.fround(x / scale)) + zero));

/** And back. */
export const onSteps = (x: number, steps: Steps): number => (wholeSteps(x, steps) - steps.zero) * steps.scale;

export const toEven = (value: number): number => {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
};
