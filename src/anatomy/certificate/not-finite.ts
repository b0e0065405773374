import type { Tensor } from '../../onnx/tensor';

const SCORES = 'attn.hook_attn_scores';

/** What is no number in each hook that has such: "NaN in row 0". Scores may be −∞, which masks. */
export const notFinite = (hooks: ReadonlyMap<string, Tensor>): ReadonlyMap<string, string> =>
  new Map(
    [...hooks].flatMap(([name, tensor]) => {
      const masks = name.endsWith(SCORES);
      const data = tensor.data as Float32Array;
      const at = data.findIndex(value => !Number.isFinite(value) && !(masks && value === -Infinity));
      return at < 0 ? [] : [[name, `${data[at]} in row ${Math.floor(at / (data.length / tensor.dims[0]))}`] as const];
    })
  );
