import { elementCount, elementType, elementTypeName } from '../onnx/element-type';
import type { Tensor, TensorArray } from '../onnx/tensor';
import type { GraphInput } from './anatomy';

/**
 * What a graph's inputs get for a batch of token ids [batch][pos], all rows of one length: nothing masked, positions counted
 * from 0, one token type, an empty past. Throws for an input whose role is not known, or whose type cannot hold it.
 */
export const buildFeeds = (
  inputs: readonly GraphInput[],
  ids: readonly (readonly number[])[]
): Record<string, Tensor> => {
  const length = ids[0]?.length ?? 0;
  if (length === 0 || ids.some(row => row.length !== length)) {
    throw new Error(`ids must be rows of one length and not empty, not of lengths ${ids.map(row => row.length).join(', ')}`);
  }
  return Object.fromEntries(inputs.map(input => [input.name, feed(input, ids)]));
};

const feed = (input: GraphInput, ids: readonly (readonly number[])[]): Tensor => {
  const dims = [ids.length, ids[0].length];
  switch (input.role) {
    case 'ids':
      return filled(input, dims, i => ids[Math.floor(i / dims[1])][i % dims[1]]);
    case 'attention_mask':
      return filled(input, dims, () => 1);
    case 'position_ids':
      return filled(input, dims, i => i % dims[1]);
    case 'token_type_ids':
      return filled(input, dims, () => 0);
    case 'past':
      return filled(input, pastDims(input, ids.length), () => 0);
    case 'unknown':
      throw new Error(`input '${input.name}' cannot be fed: the graph does not tell what it is for`);
  }
};

/** The file's numbers, its first named size the batch, every other one empty. */
const pastDims = ({ name, shape }: GraphInput, batch: number): readonly number[] => {
  if (!shape) {
    throw new Error(`input '${name}' cannot be fed: a past without a shape`);
  }
  const first = shape.findIndex(dim => typeof dim !== 'number');
  return shape.map((dim, axis) => (typeof dim === 'number' ? dim : axis === first ? batch : 0));
};

type Make = (count: number, value: (i: number) => number) => TensorArray;

const ARRAYS: Readonly<Record<string, Make>> = {
  float32: (length, value) => Float32Array.from({ length }, (_, i) => value(i)),
  float16: (length, value) => Uint16Array.from({ length }, (_, i) => (value(i) === 1 ? 0x3c00 : 0)),
  int32: (length, value) => Int32Array.from({ length }, (_, i) => value(i)),
  int64: (length, value) => BigInt64Array.from({ length }, (_, i) => BigInt(value(i))),
  bool: (length, value) => Uint8Array.from({ length }, (_, i) => value(i))
};

const filled = (input: GraphInput, dims: readonly number[], value: (i: number) => number): Tensor => {
  const type = elementType(input.elementType)?.tensor;
  const make = type && ARRAYS[type];
  const rank = input.shape?.length ?? dims.length;
  if (!make || rank !== dims.length) {
    throw new Error(
      `input '${input.name}' cannot be fed: it is ${elementTypeName(input.elementType)} of rank ${rank}, wanted rank ${dims.length}`
    );
  }
  return { dims, type, data: make(elementCount(dims), value) };
};
