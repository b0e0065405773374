import { toFloat64 } from './decode-tensor';
import type { Tensor } from './tensor';

/** Real numbers that are computed with in float64. Those of float32 are read where they lie: each of them is one of float64. */
export type Numbers = Float32Array | Float64Array;

/** Of a tensor, whatever its type; a copy only where they are neither. */
export const numbersOf = (tensor: Tensor): Numbers =>
  tensor.data instanceof Float32Array ? tensor.data : toFloat64(tensor);
