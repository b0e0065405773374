import type { Tensor } from '../../onnx/tensor';

/** Throws for a tensor that is not float32 in the shape `wanted` of its hook; its batch axis may be 1. */
export const checkValues = (hook: string, { dims, type }: Tensor, wanted: readonly number[]): void => {
  const fits =
    dims.length === wanted.length && dims.every((size, axis) => size === wanted[axis] || (axis === 0 && size === 1));
  if (!fits || type !== 'float32') {
    throw new Error(
      `values of wrong shape: ${type} [${dims.join(', ')}] for '${hook}', wanted float32 [${wanted.join(', ')}], one row or all`
    );
  }
};
