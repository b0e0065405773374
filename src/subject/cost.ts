import type { Hook } from '../anatomy/anatomy';
import { elementType } from '../onnx/element-type';
import type { TensorType } from '../onnx/model';

/** Sizes of a request. */
export interface RequestSizes {
  readonly rows: number;
  readonly length: number;
  /** Positions of the sequences that the rows are not, by their inputs. */
  readonly lengths?: Readonly<Record<string, number>>;
}

/** Of a hook in a run. */
export const hookSizes = (
  { dims, shape, positions = '', keyPositions = positions }: Hook,
  { rows, length, lengths = {} }: RequestSizes
): readonly number[] =>
  shape.map((size, axis) => {
    const input = dims[axis] === 'key_pos' ? keyPositions : positions;
    return typeof size === 'number' ? size : dims[axis] === 'batch' ? rows : (lengths[input] ?? length);
  });

/** Bytes of a hook, float32. */
export const hookBytes = (hook: Hook, sizes: RequestSizes): number =>
  4 * hookSizes(hook, sizes).reduce((product, size) => product * size, 1);

/** Bytes of one of the model's own outputs: the first axis, or the one named as the batch, is the rows, others are positions; `idsBatch` is the ids' name of the batch. */
export const outputBytes = (type: TensorType | undefined, sizes: RequestSizes, idsBatch: number | string): number => {
  const bits = elementType(type?.elementType ?? 1)?.bits ?? 32;
  return (bits / 8) * elements(type?.shape ?? [], sizes, idsBatch);
};

const elements = (
  shape: readonly (number | string)[],
  { rows, length }: RequestSizes,
  batch: number | string
): number =>
  shape.reduce<number>(
    (product, size, axis) => product * (typeof size === 'number' ? size : size === batch || axis === 0 ? rows : length),
    1
  );
