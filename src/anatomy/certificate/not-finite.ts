import type { Tensor } from '../../onnx/tensor';

const SCORES = 'attn.hook_attn_scores';

/** What is no number in each hook that has such: "NaN in row 0". Scores may be −∞, which masks. */
export const notFinite = (hooks: ReadonlyMap<string, Tensor>): ReadonlyMap<string, string> =>
  new Map(
    [...hooks].flatMap(([name, tensor]) => {
      const masks = name.endsWith(SCORES);
      const data = tensor.data as Float32Array;
      const at = firstStrange(data, masks);
      return at < 0 ? [] : [[name, `${data[at]} in row ${Math.floor(at / (data.length / tensor.dims[0]))}`] as const];
    })
  );

/** −1 where there is none. A loop: `findIndex` takes ten times as long on a probe's millions of numbers. */
const firstStrange = (data: Float32Array, masks: boolean): number => {
  if (allFinite(data)) {
    return -1;
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]) && !(masks && data[i] === -Infinity)) {
      return i;
    }
  }
  return -1;
};

/** Zero times a number is zero, else NaN, which a sum keeps; of four sums none waits for another. */
const allFinite = (data: Float32Array): boolean => {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= data.length; i += 4) {
    a += 0 * data[i];
    b += 0 * data[i + 1];
    c += 0 * data[i + 2];
    d += 0 * data[i + 3];
  }
  for (; i < data.length; i++) {
    a += 0 * data[i];
  }
  return a + b + c + d === 0;
};
