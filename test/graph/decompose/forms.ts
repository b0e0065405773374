import { createBuilder, makeModel, valueInfo } from '../../../src/graph/build';
import { decompose } from '../../../src/graph/decompose/decompose';
import { NO_KERNEL } from '../../../src/graph/decompose/rule';
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

/** What both forms give. */
export const bothForms = async (use: Use): Promise<readonly [Record<string, Tensor>, Record<string, Tensor>]> => {
  const { model, feeds } = oneNode(use);
  const { model: taken, refused } = decompose(model, NO_WEIGHTS);
  if (
    refused.length > 0 ||
    taken.graph.nodes.some(node => node.opType === use.type && node.domain === (use.domain ?? MICROSOFT))
  ) {
    throw new Error(`not taken apart: ${refused.join()}`);
  }
  return [await run(model, feeds), await run(taken, feeds)];
};

/** Largest difference of each output between both forms, relative to the output's largest element. */
export const difference = async (use: Use, ignore?: (i: number) => boolean): Promise<number> => {
  const [fused, primitive] = await bothForms(use);
  return Math.max(...Object.keys(fused).map(name => distance(fused[name], primitive[name], ignore)));
};

/** The lowest float32 and −∞ stand where scores are masked: they are equal, and nothing is relative to them. */
const MASKED = 1e30;

export const distance = (a: Tensor, b: Tensor, ignore: (i: number) => boolean = () => false): number => {
  if (a.dims.join() !== b.dims.join() || a.type !== b.type) {
    throw new Error(`shapes differ: ${a.type} [${a.dims.join()}] and ${b.type} [${b.dims.join()}]`);
  }
  const [x, y] = [toFloat64(a), toFloat64(b)];
  const masked = (i: number): boolean => Math.abs(x[i]) > MASKED;
  const largest =
    x.reduce((most, value, i) => (ignore(i) || masked(i) ? most : Math.max(most, Math.abs(value))), 0) || 1;
  const apart = (i: number): number => (masked(i) ? (x[i] === y[i] ? 0 : Infinity) : Math.abs(x[i] - y[i]) / largest);
  return x.reduce((worst, _, i) => (ignore(i) ? worst : Math.max(worst, apart(i))), 0);
};

/** The sentences with which `decompose` leaves the node as it is. */
export const refusals = (use: Use): readonly string[] => {
  const { model } = oneNode(use);
  const { model: same, refused } = decompose(model, NO_WEIGHTS);
  expect(same).toBe(model);
  return refused;
};

/** Each use with the reason why it stays as it is. Where that is the lack of a kernel, ONNX Runtime does not run it. */
export const leftAlone = (type: string, rows: Readonly<Record<string, readonly [Use, string]>>): void => {
  test.each(Object.entries(rows))('%s is left alone', (_, [use, why]) => {
    expect(refusals(use)).toEqual([`${type} 'made' is not taken apart: ${why}`]);
  });

  const lacking = Object.entries(rows).filter(([, [, why]]) => why.includes(NO_KERNEL));
  test.each(lacking)('%s: ONNX Runtime does not run it', async (_, [use]) => {
    const { model, feeds } = oneNode(use);
    await expect(run(model, feeds)).rejects.toThrow(/cannot prepare graph|run failed/);
  });
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

export const bools = (dims: readonly number[], keep: (i: number) => boolean): Tensor => ({
  dims,
  type: 'bool',
  data: Uint8Array.from({ length: dims.reduce((n, size) => n * size, 1) }, (_, i) => Number(keep(i)))
});

export const numbers = (dims: readonly number[], ...values: number[]): Tensor => ({
  dims,
  type: 'float32',
  data: Float32Array.from(values)
});
