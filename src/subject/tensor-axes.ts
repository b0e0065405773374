import type { Tensor } from '../onnx/tensor';

const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);

/** The slices of an axis at `indices`, in their order; float32. */
export const takeAxis = ({ dims, data }: Tensor, axis: number, indices: readonly number[]): Tensor => {
  const [outer, inner] = [product(dims.slice(0, axis)), product(dims.slice(axis + 1))];
  const taken = new Float32Array(outer * indices.length * inner);
  for (let block = 0; block < outer; block++) {
    indices.forEach((index, place) => {
      const from = (block * dims[axis] + index) * inner;
      taken.set((data as Float32Array).subarray(from, from + inner), (block * indices.length + place) * inner);
    });
  }
  return { dims: dims.map((dim, at) => (at === axis ? indices.length : dim)), type: 'float32', data: taken };
};

/** The mean over an axis, which stays with size 1; summed in float64. */
export const meanAxis = ({ dims, data }: Tensor, axis: number): Tensor => {
  const [outer, inner] = [product(dims.slice(0, axis)), product(dims.slice(axis + 1))];
  const sums = new Float64Array(outer * inner);
  for (let index = 0; index < data.length; index++) {
    const block = Math.floor(index / (dims[axis] * inner));
    sums[block * inner + (index % inner)] += Number(data[index]);
  }
  return {
    dims: dims.map((dim, at) => (at === axis ? 1 : dim)),
    type: 'float32',
    data: Float32Array.from(sums, sum => sum / dims[axis])
  };
};
