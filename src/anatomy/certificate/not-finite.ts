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
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]) && !(masks && data[i] === -Infinity)) {
      return i;
    }
  }
  return -1;
};
