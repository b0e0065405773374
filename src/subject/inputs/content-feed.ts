import { gaussian } from '../../maths/gaussian';
import { random } from '../../maths/random';
import { numberToHalf } from '../../onnx/number-to-half';
import type { Tensor, TensorArray } from '../../onnx/tensor';
import type { Feedable, Rows } from './feeds';

/**
 * A probe's pixels or embeddings, standard normal: a row's are drawn by its ids, a token's embedding by its id, so that equal rows get
 * equal tensors in every run. Whole numbers, where the file takes those, are those of an image, 0 to 255.
 */
export const contentFeed = ({ name, role, type, shape }: Feedable, rows: Rows): Tensor => {
  const perToken = role === 'embeddings';
  const [, ...sizes] = perToken ? [rows.length, rows[0].length, ...shape.slice(2)] : shape;
  if (!sizes.every(size => typeof size === 'number')) {
    throw new Error(
      `input not understood: '${name}' [${shape.join(', ')}] has a size that neither the graph nor a config.json tells`
    );
  }
  const dims = [rows.length, ...(sizes as number[])];
  const values = new Float32Array(dims.reduce((product, size) => product * size, 1));
  const seeds = perToken ? rows.flat() : rows.map(seedOf);
  const each = values.length / seeds.length;
  seeds.forEach((seed, at) => {
    const draw = gaussian(random(seed));
    for (let i = at * each; i < (at + 1) * each; i++) {
      values[i] = draw();
    }
  });
  return { dims, type, data: converted(values, name, type) };
};

/** FNV-1a over a row's ids. */
const seedOf = (row: readonly number[]): number =>
  row.reduce((hash, id) => Math.imul(hash ^ id, 0x01000193) >>> 0, 0x811c9dc5);

const converted = (values: Float32Array, name: string, type: Feedable['type']): TensorArray => {
  switch (type) {
    case 'float32':
      return values;
    case 'float64':
      return Float64Array.from(values);
    case 'float16':
      return Uint16Array.from(values, numberToHalf);
    case 'uint8':
      return Uint8Array.from(values, value => Math.max(0, Math.min(255, Math.round(128 + 64 * value))));
    default:
      throw new Error(
        `input not understood: '${name}' is ${type}, pixels and embeddings are floating-point numbers or uint8`
      );
  }
};
