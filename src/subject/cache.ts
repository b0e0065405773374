import type { Tensor } from '../onnx/tensor';
import { nearest } from './near-names';
import type { Cache } from './subject';

export const createCache = (tensors: ReadonlyMap<string, Tensor>): Cache => {
  const names = [...tensors.keys()];
  return {
    names,
    get: name => {
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        throw new Error(`hook not captured: '${name}' was not asked for${nearest(name, names)}`);
      }
      return tensor;
    }
  };
};

/**
 * Chunks of rows as one tensor. A chunk of one row for several (shared by the batch) is repeated. `rows` of each chunk.
 * Throws for any other number of rows: the batch is then not the first axis.
 */
export const joinRows = (chunks: readonly Tensor[], rows: readonly number[], name: string): Tensor => {
  const odd = chunks.findIndex(({ dims: [count] }, i) => count !== rows[i] && count !== 1);
  if (odd >= 0) {
    const shape = chunks[odd].dims.join(', ');
    throw new Error(`batch not first: '${name}' has shape [${shape}] in a run of ${rows[odd]} rows`);
  }
  if (chunks.length === 1 && chunks[0].dims[0] === rows[0]) {
    return chunks[0];
  }
  const [first] = chunks;
  const total = rows.reduce((sum, count) => sum + count, 0);
  const size = first.dims.slice(1).reduce((product, dim) => product * dim, 1);
  const data = first.data.slice(0, 0);
  const joined = new (data.constructor as new (length: number) => typeof data)(total * size);
  let at = 0;
  chunks.forEach((chunk, index) => {
    const copies = chunk.dims[0] === rows[index] ? 1 : rows[index];
    for (let copy = 0; copy < copies; copy++) {
      (joined as Float32Array).set(chunk.data as Float32Array, at);
      at += chunk.data.length;
    }
  });
  return { dims: [total, ...first.dims.slice(1)], type: first.type, data: joined };
};
