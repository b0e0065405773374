import { toFloat32, toFloat64 } from './decode-tensor';
import type { Tensor } from './tensor';

/** Real numbers that are computed with in float64. Those of float32 are read where they lie: each of them is one of float64. */
export type Numbers = Float32Array | Float64Array;

/** Of a tensor, whatever its type; a copy only where they are neither. Half precision is exact in single. */
export const numbersOf = (tensor: Tensor): Numbers =>
  tensor.type === 'float32' || tensor.type === 'float16' ? toFloat32(tensor) : toFloat64(tensor);
