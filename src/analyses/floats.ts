import { halfToFloat } from '../maths/half';
import type { Tensor } from '../onnx/tensor';

/** The tensor's numbers in single precision; throws for types that hold no floating-point numbers. */
export function floats({ type, data }: Tensor, name: string): Float32Array {
  if (data instanceof Float32Array) {
    return data;
  }
  if (type === 'float16' && data instanceof Uint16Array) {
    return halfToFloat(data);
  }
  if (data instanceof Float64Array) {
    return Float32Array.from(data);
  }
  throw new Error(`tensor '${name}' is ${type} where floating-point numbers belong`);
}
