import type { Hook } from '../anatomy/anatomy';
import { elementType } from '../onnx/element-type';
import type { TensorType } from '../onnx/model';

/** Sizes of a request. */
export interface RequestSizes {
  readonly rows: number;
  readonly length: number;
}

/** Bytes of a hook, float32: the batch is the rows, other open axes are positions. */
export const hookBytes = ({ shape }: Hook, sizes: RequestSizes): number => 4 * elements(shape, sizes, 'batch');

/** Bytes of one of the model's own outputs, its open axes as `hookBytes`; `idsBatch` is the ids' name of the batch. */
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
