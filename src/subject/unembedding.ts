import type { Anatomy, Tower } from '../anatomy/anatomy';
import { toFloat32 } from '../onnx/decode-tensor';
import { elementType } from '../onnx/element-type';
import type { Model } from '../onnx/model';
import { numberToHalf } from '../onnx/number-to-half';
import type { Tensor } from '../onnx/tensor';
import type { Prepared } from '../runtime/runtime';
import { cutHead } from '../surgery/cut-head';
import { buildFeeds, type Feedable } from './inputs/feeds';

/** Final norm and unembedding of one tower, or its classifier, as a session of their own. */
export interface Unembedding {
  /** [batch, pos, d_model] → logits [batch, pos, d_vocab], float32; of a classifier [batch, classes] or [batch, pos, classes]. */
  run(residual: Tensor): Promise<Tensor>;
  release(): Promise<void>;
}

/** Throws where the tower has no unembedding, or none that can be cut off. Without `batches` rows, which would change one another, run one by one. */
export const prepareUnembedding = async (
  prepare: (model: Model) => Promise<Prepared>,
  model: Model,
  anatomy: Anatomy,
  tower: Tower,
  inputs: readonly Feedable[],
  batches: boolean
): Promise<Unembedding> => {
  const cut = cutHead(model, anatomy, tower);
  const stream = cut.model.graph.inputs.find(({ name }) => name === cut.residual);
  const half = elementType(stream?.type?.elementType ?? 0)?.tensor === 'float16';
  const prepared = await prepare(cut.model);
  const runRows = async (residual: Tensor): Promise<Tensor> => {
    const [batch, pos] = residual.dims;
    const rows = Array.from({ length: batch }, () => Array<number>(pos).fill(0));
    const own = buildFeeds(
      inputs.filter(({ name }) => cut.inputs.includes(name)),
      rows
    );
    const feeds = { ...own, [cut.residual]: half ? toHalf(residual) : residual };
    const results = await prepared.run(feeds, [cut.logits]);
    return { dims: results[cut.logits].dims, type: 'float32', data: toFloat32(results[cut.logits]) };
  };
  return {
    run: async residual => {
      checkResidual(residual, tower);
      return batches ? runRows(residual) : rowByRow(residual, runRows);
    },
    release: () => prepared.release()
  };
};

const rowByRow = async (residual: Tensor, run: (row: Tensor) => Promise<Tensor>): Promise<Tensor> => {
  const [batch, pos, width] = residual.dims;
  const rows: Tensor[] = [];
  for (let row = 0; row < batch; row++) {
    const data = residual.data.slice(row * pos * width, (row + 1) * pos * width) as Float32Array;
    rows.push(await run({ dims: [1, pos, width], type: 'float32', data }));
  }
  const size = rows[0]?.data.length ?? 0;
  const data = new Float32Array(size * batch);
  rows.forEach((row, at) => data.set(row.data as Float32Array, at * size));
  return { dims: [batch, ...(rows[0]?.dims.slice(1) ?? [])], type: 'float32', data };
};

const checkResidual = ({ dims, type }: Tensor, { dModel }: Tower): void => {
  if (type !== 'float32' || dims.length !== 3 || dims[2] !== dModel) {
    throw new Error(`residual malformed: ${type} [${dims.join(', ')}], wanted float32 [batch, pos, ${dModel}]`);
  }
};

const toHalf = ({ dims, data }: Tensor): Tensor => ({
  dims,
  type: 'float16',
  data: Uint16Array.from(data as Float32Array, numberToHalf)
});
