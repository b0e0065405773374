import { pathToFileURL } from 'node:url';

import type { Model, TensorProto } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import { weightStore } from '../../src/onnx/collect-weights';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Runtime } from '../../src/runtime/runtime';
import { createWasmRuntime } from '../../src/runtime/wasm';
import { intAttribute, model, node, value, weight } from './graphs';

const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;
const HALF = 10;
const asset = (file: string): string => pathToFileURL(require.resolve(`onnxruntime-web/${file}`)).href;

const RUNTIMES: readonly (readonly [string, () => Runtime])[] = [
  ['node', createNodeRuntime],
  [
    'wasm',
    () => createWasmRuntime({ wasm: asset('ort-wasm-simd-threaded.wasm'), mjs: asset('ort-wasm-simd-threaded.mjs') })
  ]
];

const NO_WEIGHTS = weightStore(new Map());
const floats = (dims: readonly number[], ...data: number[]): Tensor => ({
  dims,
  type: 'float32',
  data: Float32Array.from(data)
});

/** y = x + x, z = x · x, named so that fetches can be told apart. */
const two = model({
  nodes: [node('Add', ['x', 'x'], ['y']), node('Mul', ['x', 'x'], ['z'])],
  inputs: [value('x', FLOAT, ['n'])],
  outputs: [value('y', FLOAT, ['n']), value('z', FLOAT, ['n'])]
});

const UINT8 = 2;
const INT8 = 3;
const INT4 = 22;
const WIDE = 32;
const OUT = 16;
/** A weight of four bits with scale 1. */
const step = (k: number, n: number): number => ((3 * k + 5 * n) % 15) - 7;

/** y = x · DequantizeLinear(w), in blocks of 32 rows: ONNX Runtime makes one operator of the two. */
const fourBits = (): Model => {
  const flat = Array.from({ length: WIDE * OUT }, (_, i) => step(Math.floor(i / OUT), i % OUT) & 15);
  const bytes = Uint8Array.from({ length: flat.length / 2 }, (_, i) => flat[2 * i] | (flat[2 * i + 1] << 4));
  const raw = (name: string, dims: readonly number[], dataType: number, data: Uint8Array): TensorProto => ({
    name,
    dims,
    dataType,
    data: { kind: 'raw', bytes: data },
    unknown: new Uint8Array(0)
  });
  const scales = new Uint8Array(new Float32Array(OUT).fill(1).buffer);
  const attributes = [intAttribute('axis', 0), intAttribute('block_size', WIDE)];
  const graph = model({
    nodes: [node('DequantizeLinear', ['w', 's'], ['d'], attributes), node('MatMul', ['x', 'd'], ['y'])],
    inputs: [value('x', FLOAT, [1, WIDE])],
    outputs: [value('y', FLOAT, [1, OUT])],
    initializers: [raw('w', [WIDE, OUT], INT4, bytes), raw('s', [1, OUT], FLOAT, scales)]
  });
  return { ...graph, irVersion: 10, opsets: [{ domain: '', version: 21 }] };
};

/**
 * y = x · w in whole numbers, x from 0 to 255 and w from −128 to 127: sums of two products go beyond 16 bits, where kernels for
 * processors without VNNI saturate. As MatMulInteger, or as QLinearMatMul that rounds to 8 bits behind it.
 */
const eightBits = (opType: 'MatMulInteger' | 'QLinearMatMul'): Model => {
  const raw = (name: string, dims: readonly number[], dataType: number, data: ArrayBufferView): TensorProto => ({
    name,
    dims,
    dataType,
    data: { kind: 'raw', bytes: new Uint8Array(data.buffer) },
    unknown: new Uint8Array(0)
  });
  const initializers = [
    raw(
      'w',
      [WIDE, OUT],
      INT8,
      Int8Array.from({ length: WIDE * OUT }, (_, i) => (i % OUT < OUT / 2 ? 127 : -128))
    ),
    raw('zero', [], UINT8, Uint8Array.of(0)),
    raw('middle', [], INT8, Int8Array.of(0)),
    raw('one', [], FLOAT, Float32Array.of(1)),
    raw('wide', [], FLOAT, Float32Array.of(2 ** 14)),
    raw('half', [], UINT8, Uint8Array.of(128))
  ];
  const whole = opType === 'MatMulInteger';
  const inputs = whole ? ['q', 'w', 'zero', 'middle'] : ['q', 'one', 'zero', 'w', 'one', 'middle', 'wide', 'half'];
  return model({
    nodes: [
      node('QuantizeLinear', ['x', 'one', 'zero'], ['q']),
      node(opType, inputs, ['i']),
      whole
        ? node('Cast', ['i'], ['y'], [intAttribute('to', FLOAT)])
        : node('DequantizeLinear', ['i', 'wide', 'half'], ['y'])
    ],
    inputs: [value('x', FLOAT, [1, WIDE])],
    outputs: [value('y', FLOAT, [1, OUT])],
    initializers
  });
};

describe.each(RUNTIMES)('%s', (name, create) => {
  const runtime = create();

  test('says what it is', () => {
    expect(runtime.name).toBe(name);
    expect(runtime.version).toMatch(/^onnxruntime-(node|web) 1\.30\.0$/);
    expect(runtime.threads).toBe(1);
  });

  test.each(['MatMulInteger', 'QLinearMatMul'] as const)('%s does not saturate', async opType => {
    const prepared = await runtime.prepare(eightBits(opType), NO_WEIGHTS);
    const { y } = await prepared.run({ x: floats([1, WIDE], ...Array.from({ length: WIDE }, () => 255)) }, ['y']);
    const step = opType === 'MatMulInteger' ? 1 : 2 ** 14;
    const rounded = (sum: number): number => step * Math.round(sum / step);
    const [most, least] = [rounded(255 * 127 * WIDE), rounded(-255 * 128 * WIDE)];
    expect([...(y.data as Float32Array)]).toEqual(Array.from({ length: OUT }, (_, i) => (i < OUT / 2 ? most : least)));
    await prepared.release();
  });

  test('returns the fetches alone', async () => {
    const prepared = await runtime.prepare(two, NO_WEIGHTS);
    expect(prepared.inputs).toEqual(['x']);
    expect(prepared.outputs).toEqual(['y', 'z']);
    const results = await prepared.run({ x: floats([3], 1, 2, 3) }, ['z']);
    expect(Object.keys(results)).toEqual(['z']);
    expect(results.z).toEqual({ dims: [3], type: 'float32', data: Float32Array.of(1, 4, 9) });
    await prepared.release();
  });

  test('nothing fetched is nothing run', async () => {
    const prepared = await runtime.prepare(two, NO_WEIGHTS);
    expect(await prepared.run({ x: floats([1], 1) }, [])).toEqual({});
    await prepared.release();
  });

  test('names what is unknown, missing or malformed', async () => {
    const prepared = await runtime.prepare(two, NO_WEIGHTS);
    const x = floats([1], 1);
    await expect(prepared.run({ x, w: x }, ['y'])).rejects.toThrow(
      "feed unknown: 'w' is not an input of graph 'contract'"
    );
    await expect(prepared.run({}, ['y'])).rejects.toThrow("feed missing: input 'x' of graph 'contract'");
    await expect(prepared.run({ x }, ['logits'])).rejects.toThrow(
      "fetch unknown: 'logits' is not an output of graph 'contract'"
    );
    await expect(prepared.run({ x: floats([2, 2], 1) }, ['y'])).rejects.toThrow(
      "feed malformed: 'x' has 1 elements, its shape [2, 2] wants 4"
    );
    await prepared.release();
  });

  test('a failed run is one line, and the next run works', async () => {
    const prepared = await runtime.prepare(two, NO_WEIGHTS);
    const wrong: Tensor = { dims: [1], type: 'int64', data: BigInt64Array.of(1n) };
    const error: unknown = await prepared.run({ x: wrong }, ['y']).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/^Error: run failed in graph 'contract': [^\n]+$/);
    expect((await prepared.run({ x: floats([1], 2) }, ['y'])).y.data).toEqual(Float32Array.of(4));
    await prepared.release();
  });

  test('a released graph says so, and is released once', async () => {
    const prepared = await runtime.prepare(two, NO_WEIGHTS);
    await prepared.release();
    await prepared.release();
    await expect(prepared.run({ x: floats([1], 1) }, ['y'])).rejects.toThrow("graph released: 'contract'");
  });

  test('an operator that is not there is named', async () => {
    const broken = model({
      nodes: [node('Frobnicate', ['x'], ['y'])],
      inputs: [value('x', FLOAT, ['n'])],
      outputs: [value('y', FLOAT, ['n'])]
    });
    const error: unknown = await runtime.prepare(broken, NO_WEIGHTS).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(
      /^Error: cannot prepare graph 'contract': the operator 'Frobnicate' (of ai.onnx is not known, and the file does not define it|is not known in opset \d+)$/
    );
  });

  test.each([
    [{ opsets: [{ domain: '', version: 99 }] }, /opset 99 of ai.onnx is newer than \d\d, the newest that is known$/],
    [{ irVersion: 99 }, /IR version 99 is newer than \d\d, the newest that is known$/],
    [
      {
        opsets: [
          { domain: '', version: 21 },
          { domain: 'com.acme', version: 1 }
        ]
      },
      /the operator 'Abs' of 'com.acme' is not known, and the file does not define it$/
    ]
  ])('what no version of the runtime takes is said in a few words: %j', async (changes, message) => {
    const domain = 'opsets' in changes && changes.opsets.length > 1 ? 'com.acme' : '';
    const made = model({
      nodes: [{ ...node('Abs', ['x'], ['y']), domain }],
      inputs: [value('x', FLOAT, ['n'])],
      outputs: [value('y', FLOAT, ['n'])]
    });
    const error: unknown = await runtime
      .prepare({ ...made, ...changes }, NO_WEIGHTS)
      .catch((reason: unknown) => reason);
    expect(String(error)).toMatch(message);
  });

  test('a weight that is not in the store is named', async () => {
    const lacking = model({
      nodes: [node('Add', ['x', 'w'], ['y'])],
      inputs: [value('x', FLOAT, [1])],
      outputs: [value('y', FLOAT, [1])],
      initializers: [weight('w', [1])]
    });
    await expect(runtime.prepare(lacking, NO_WEIGHTS)).rejects.toThrow("weight missing: initialiser 'w'");
  });

  test.each([
    [INT64, 'int64', BigInt64Array.of(-3n, 2n ** 53n + 1n)],
    [BOOL, 'bool', Uint8Array.of(1, 0)],
    [HALF, 'float16', Uint16Array.of(0x3c00, 0xc100)]
  ] as const)('element type %i is passed through as %s', async (elementType, type, data) => {
    const identity = model({
      nodes: [node('Identity', ['x'], ['y'])],
      inputs: [value('x', elementType, ['n'])],
      outputs: [value('y', elementType, ['n'])]
    });
    const prepared = await runtime.prepare(identity, NO_WEIGHTS);
    const { y } = await prepared.run({ x: { dims: [2], type, data } }, ['y']);
    expect(y).toEqual({ dims: [2], type, data });
    await prepared.release();
  });

  test('scalars and empty axes', async () => {
    const identity = model({
      nodes: [node('Identity', ['x'], ['y']), node('Size', ['x'], ['size'])],
      inputs: [value('x', FLOAT, [2, 'past', 4])],
      outputs: [value('y', FLOAT, [2, 'past', 4]), value('size', INT64, [])]
    });
    const prepared = await runtime.prepare(identity, NO_WEIGHTS);
    const { y, size } = await prepared.run({ x: floats([2, 0, 4]) }, ['y', 'size']);
    expect(y.dims).toEqual([2, 0, 4]);
    expect(y.data).toHaveLength(0);
    expect(size).toEqual({ dims: [], type: 'int64', data: BigInt64Array.of(0n) });
    await prepared.release();
  });

  test('weights are views on one buffer, at any offset', async () => {
    const file = new Float32Array(1000).map((_, index) => index);
    const bytes = new Uint8Array(file.buffer);
    const store = weightStore(
      new Map([
        ['a', { name: 'a', dims: [2], dataType: FLOAT, bytes: bytes.subarray(400, 408) }],
        ['b', { name: 'b', dims: [2], dataType: FLOAT, bytes: bytes.subarray(404, 412) }]
      ])
    );
    const sum = model({
      nodes: [node('Add', ['x', 'a'], ['t']), node('Add', ['t', 'b'], ['y'])],
      inputs: [value('x', FLOAT, [2])],
      outputs: [value('y', FLOAT, [2])],
      initializers: [weight('a', [2]), weight('b', [2])]
    });
    const prepared = await runtime.prepare(sum, store);
    const { y } = await prepared.run({ x: floats([2], 0.5, 0.25) }, ['y']);
    expect(y.data).toEqual(Float32Array.of(100 + 101 + 0.5, 101 + 102 + 0.25));
    expect(file[100]).toBe(100);
    await prepared.release();
  });

  test('activations are not rounded, whatever the weights are', async () => {
    const prepared = await runtime.prepare(fourBits(), NO_WEIGHTS);
    const numbers = Array.from({ length: WIDE }, (_, k) => Math.sin(k + 1));
    const { y } = await prepared.run({ x: floats([1, WIDE], ...numbers) }, ['y']);
    // 32 products of numbers below 8 in float32; activations of 8 bits would be off by 0.1.
    const wanted = Array.from({ length: OUT }, (_, n) => numbers.reduce((sum, x, k) => sum + x * step(k, n), 0));
    expect(Math.max(...wanted.map((value, n) => Math.abs(value - Number(y.data[n]))))).toBeLessThan(1e-4);
    await prepared.release();
  });

  test('runs that are asked for together are done one after the other', async () => {
    const prepared = await runtime.prepare(two, NO_WEIGHTS);
    const order: number[] = [];
    const runs = [1, 2, 3].map(async number => {
      const { y } = await prepared.run({ x: floats([1], number) }, ['y']);
      order.push(number);
      return y.data[0];
    });
    expect(await Promise.all(runs)).toEqual([2, 4, 6]);
    expect(order).toEqual([1, 2, 3]);
    await prepared.release();
  });
});

test('both runtimes give the same numbers', async () => {
  const softmax = model({
    nodes: [
      node('MatMul', ['x', 'x'], ['scores']),
      node('Softmax', ['scores'], ['pattern'], [intAttribute('axis', -1)]),
      node('MatMul', ['pattern', 'x'], ['y'])
    ],
    inputs: [value('x', FLOAT, ['n', 'n'])],
    outputs: [value('y', FLOAT, ['n', 'n'])]
  });
  const x = floats([32, 32], ...Array.from({ length: 1024 }, (_, index) => Math.sin(1.37 * index + 1)));
  const results = await Promise.all(
    RUNTIMES.map(async ([, create]) => {
      const prepared = await create().prepare(softmax, NO_WEIGHTS);
      return (await prepared.run({ x }, ['y'])).y.data as Float32Array;
    })
  );
  const difference = results[0].reduce((most, a, index) => Math.max(most, Math.abs(a - results[1][index])), 0);
  // Values below 1; two kernels may sum 32 products in another order: a few units of 2^-24, with e^score ≤ e^6 in between.
  expect(difference).toBeLessThan(5e-6);
});
