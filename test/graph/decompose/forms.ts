import { createBuilder, makeModel, valueInfo } from '../../../src/graph/build';
import { decompose } from '../../../src/graph/decompose/decompose';
import { weightStore } from '../../../src/onnx/collect-weights';
import { toFloat64 } from '../../../src/onnx/decode-tensor';
import { numberToHalf } from '../../../src/onnx/number-to-half';
import type { Attribute, Model } from '../../../src/onnx/model';
import type { Tensor, TensorTypeName } from '../../../src/onnx/tensor';
import { createNodeRuntime } from '../../../src/runtime/node';
import { lcg } from '../../maths/lcg';

/** One use of an operator: inputs by position (undefined where absent), those in `constant` as initialisers. */
export interface Use {
  readonly type: string;
  readonly domain?: string;
  readonly opset?: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly constant?: readonly number[];
  readonly attributes?: readonly Attribute[];
  /** Element types of the outputs by position; undefined where the node has none. */
  readonly outputs?: readonly (TensorTypeName | undefined)[];
  /** The graph says nothing of its inputs' sizes but the number of axes. */
  readonly unsized?: boolean;
}

const MICROSOFT = 'com.microsoft';
const NO_WEIGHTS = weightStore(new Map());
const runtime = createNodeRuntime();

export const oneNode = (use: Use): { model: Model; feeds: Record<string, Tensor> } => {
  const { type, domain = MICROSOFT, opset = 17, constant = [], attributes = [], outputs = ['float32'], unsized } = use;
  const builder = createBuilder();
  const feeds: Record<string, Tensor> = {};
  const inputs = use.inputs.map((tensor, i) => {
    if (tensor === undefined || constant.includes(i)) {
      return tensor === undefined ? '' : builder.tensor(`constant${i}`, tensor);
    }
    feeds[`input${i}`] = tensor;
    return builder.input(
      `input${i}`,
      tensor.type,
      unsized ? tensor.dims.map((_, axis) => `size${i}_${axis}`) : tensor.dims
    );
  });
  const names = builder.nodes(type, inputs, outputs.length, attributes, { domain, hint: 'made' });
  outputs.forEach((element, i) => element && builder.output(valueInfo(names[i], element)));
  const made = makeModel(builder.graph('one node'), opset);
  const opsets = [
    { domain: '', version: opset },
    { domain: MICROSOFT, version: 1 }
  ];
  const graph = {
    ...made.graph,
    nodes: made.graph.nodes.map(node => ({ ...node, outputs: node.outputs.map((name, i) => (outputs[i] ? name : '')) }))
  };
  return { model: { ...made, irVersion: 10, opsets, graph }, feeds };
};

export const run = async (model: Model, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> => {
  const prepared = await runtime.prepare(model, NO_WEIGHTS);
  try {
    return await prepared.run(feeds, prepared.outputs);
  } finally {
    await prepared.release();
  }
};

/** Largest difference of each output between both forms, relative to the output's largest element. */
export const difference = async (use: Use, ignore: (i: number) => boolean = () => false): Promise<number> => {
  const { model, feeds } = oneNode(use);
  const { model: taken, refused } = decompose(model, NO_WEIGHTS);
  if (
    refused.length > 0 ||
    taken.graph.nodes.some(node => node.opType === use.type && node.domain === (use.domain ?? MICROSOFT))
  ) {
    throw new Error(`not taken apart: ${refused.join()}`);
  }
  const [fused, primitive] = [await run(model, feeds), await run(taken, feeds)];
  return Math.max(...Object.keys(fused).map(name => distance(fused[name], primitive[name], ignore)));
};

const distance = (a: Tensor, b: Tensor, ignore: (i: number) => boolean): number => {
  if (a.dims.join() !== b.dims.join() || a.type !== b.type) {
    throw new Error(`shapes differ: ${a.type} [${a.dims.join()}] and ${b.type} [${b.dims.join()}]`);
  }
  const [x, y] = [toFloat64(a), toFloat64(b)];
  const largest = x.reduce((most, value, i) => (ignore(i) ? most : Math.max(most, Math.abs(value))), 0) || 1;
  return x.reduce((worst, value, i) => (ignore(i) ? worst : Math.max(worst, Math.abs(value - y[i]) / largest)), 0);
};

/** The sentences with which `decompose` leaves the node as it is. */
export const refusals = (use: Use): readonly string[] => {
  const { model } = oneNode(use);
  const { model: same, refused } = decompose(model, NO_WEIGHTS);
  expect(same).toBe(model);
  return refused;
};

/** Tensors of normal numbers, the same for the same seed. */
export const draws = (seed: number) => {
  const { normal, uniform } = lcg(seed);
  const fill = (dims: readonly number[]): number[] =>
    Array.from({ length: dims.reduce((n, size) => n * size, 1) }, () => normal());
  return {
    floats: (...dims: number[]): Tensor => ({ dims, type: 'float32', data: Float32Array.from(fill(dims)) }),
    halves: (...dims: number[]): Tensor => ({
      dims,
      type: 'float16',
      data: Uint16Array.from(fill(dims), numberToHalf)
    }),
    below: (limit: number, ...dims: number[]): Tensor => ({
      dims,
      type: 'int32',
      data: Int32Array.from(fill(dims), () => Math.floor(uniform() * limit))
    })
  };
};

export const int32s = (dims: readonly number[], ...values: number[]): Tensor => ({
  dims,
  type: 'int32',
  data: Int32Array.from(values)
});

export const int64s = (dims: readonly number[], ...values: number[]): Tensor => ({
  dims,
  type: 'int64',
  data: BigInt64Array.from(values, BigInt)
});

export const numbers = (dims: readonly number[], ...values: number[]): Tensor => ({
  dims,
  type: 'float32',
  data: Float32Array.from(values)
});
