import { blockWeights, roundedBlock } from '../../src/anatomy/constants/block-weights';
import { constantTensors } from '../../src/anatomy/constants/numbers';
import { int } from '../../src/graph/attributes';
import { createBuilder, makeModel, untyped } from '../../src/graph/build';
import { random } from '../../src/maths/random';
import { makeTensor } from '../../src/onnx/make-tensor';
import type { Attribute, Model } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import { createNodeRuntime } from '../../src/runtime/node';

const NONE = { get: () => undefined, names: () => [], bytes: 0 };
const sourcesOf = (model: Model) => ({ tensors: constantTensors(model), weights: NONE, producer: () => undefined });
const stream = random(5);
const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => stream.below(256));
const floats = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => stream.below(2000) / 1000 - 1);

interface Case {
  readonly bits: number;
  readonly size: number;
  readonly columns: number;
  readonly zeros: 'none' | 'packed' | 'float';
  /** Columns take scales of their own choice (g_idx). */
  readonly grouped?: boolean;
}

/** A MatMulNBits of random bits with seven rows. */
const layer = ({ bits, size, columns, zeros, grouped }: Case): Model => {
  const rows = 7;
  const blocks = Math.ceil(columns / size);
  const b = createBuilder();
  const x = b.input('x', 'float32', ['rows', columns]);
  const weight = b.tensor('w', {
    dims: [rows, blocks, (size * bits) / 8],
    type: 'uint8',
    data: bytes((rows * blocks * size * bits) / 8)
  });
  const scales = b.tensor('s', { dims: [rows * blocks], type: 'float32', data: floats(rows * blocks) });
  const stride = Math.ceil((blocks * bits) / 8);
  const points: Readonly<Record<Case['zeros'], () => readonly string[]>> = {
    none: () => [],
    packed: () => [
      b.tensor('z', { dims: [rows * stride], type: 'uint8', data: bytes(rows * stride) } satisfies Tensor)
    ],
    float: () => [b.tensor('z', { dims: [rows * blocks], type: 'float32', data: floats(rows * blocks) })]
  };
  const order = (): string =>
    b.tensor('g', {
      dims: [columns],
      type: 'int32',
      data: Int32Array.from({ length: columns }, () => stream.below(blocks))
    });
  const more = grouped ? [points[zeros]()[0] ?? '', order()] : points[zeros]();
  const attributes = [int('K', columns), int('N', rows), int('bits', bits), int('block_size', size)];
  const y = b.node('MatMulNBits', [x, weight, scales, ...more], attributes, { domain: 'com.microsoft' });
  b.output(untyped(y));
  const model = makeModel(b.graph('blocks'), 17);
  return { ...model, opsets: [...model.opsets, { domain: 'com.microsoft', version: 1 }] };
};

test.each<Case>([
  { bits: 4, size: 16, columns: 32, zeros: 'none' },
  { bits: 4, size: 32, columns: 64, zeros: 'packed' },
  { bits: 4, size: 32, columns: 96, zeros: 'packed' },
  { bits: 4, size: 32, columns: 50, zeros: 'float' },
  { bits: 4, size: 128, columns: 40, zeros: 'none' },
  { bits: 8, size: 32, columns: 64, zeros: 'packed' },
  { bits: 8, size: 16, columns: 48, zeros: 'none' },
  { bits: 2, size: 16, columns: 48, zeros: 'none' },
  { bits: 2, size: 64, columns: 150, zeros: 'packed' },
  { bits: 2, size: 32, columns: 96, zeros: 'float' },
  { bits: 4, size: 64, columns: 150, zeros: 'packed' },
  { bits: 4, size: 256, columns: 300, zeros: 'float' },
  { bits: 8, size: 64, columns: 150, zeros: 'packed' },
  { bits: 8, size: 128, columns: 300, zeros: 'none' },
  { bits: 8, size: 256, columns: 300, zeros: 'packed' },
  { bits: 4, size: 32, columns: 96, zeros: 'none', grouped: true },
  { bits: 4, size: 16, columns: 50, zeros: 'float', grouped: true }
])(
  "$bits bits, blocks of $size, $columns columns, zero points: $zeros, grouped: $grouped: ONNX Runtime's products with unit vectors",
  async row => {
    const model = layer(row);
    const read = [...blockWeights(model, sourcesOf(model)).values()][0]!()!;
    const prepared = await createNodeRuntime().prepare(model, NONE);
    const { columns } = row;
    const identity = Float32Array.from({ length: columns ** 2 }, (_, at) => (at % (columns + 1) === 0 ? 1 : 0));
    const [name] = prepared.outputs;
    const { data } = (await prepared.run({ x: { dims: [columns, columns], type: 'float32', data: identity } }, [name]))[
      name
    ];
    await prepared.release();
    expect(read.dims).toEqual([7, columns]);
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < 7; j++) {
        // Up to 255 · 1 in single precision.
        expect(Number(data[i * 7 + j])).toBeCloseTo(read.data[j * columns + i], 4);
      }
    }
  }
);

test.each([2, 4, 8])('a table of %s bits: the rows that ONNX Runtime picks', async bits => {
  const [rows, columns, size] = [6, 32, 16];
  const b = createBuilder();
  const each = 8 / bits;
  const table = b.tensor('w', { dims: [rows, columns / each], type: 'uint8', data: bytes((rows * columns) / each) });
  const scales = b.tensor('s', {
    dims: [rows, columns / size],
    type: 'float32',
    data: floats((rows * columns) / size)
  });
  const stride = Math.ceil(2 / each);
  const zeros = b.tensor('z', { dims: [rows, stride], type: 'uint8', data: bytes(rows * stride) });
  const picked = b.input('i', 'int64', [2]);
  const attributes = [int('gather_axis', 0), int('quantize_axis', 1), int('block_size', size), int('bits', bits)];
  const y = b.node('GatherBlockQuantized', [table, picked, scales, zeros], attributes, { domain: 'com.microsoft' });
  b.output(untyped(y));
  const made = makeModel(b.graph('table'), 21);
  const model = { ...made, irVersion: 10, opsets: [...made.opsets, { domain: 'com.microsoft', version: 1 }] };
  const prepared = await createNodeRuntime().prepare(model, NONE);
  const ids = { dims: [2], type: 'int64' as const, data: BigInt64Array.of(4n, 2n) };
  const { data } = (await prepared.run({ i: ids }, [y]))[y];
  await prepared.release();
  const read = blockWeights(model, sourcesOf(model)).get(table)!;
  [4, 2].forEach((row, at) => {
    const one = read([row, row + 1])!;
    expect(one.dims).toEqual([1, columns]);
    // Up to 255 · 1 in single precision.
    one.data.forEach((value, i) => expect(value).toBeCloseTo(Number(data[at * columns + i]), 4));
  });
});

const HALF_BYTES = { UINT4: 21, INT4: 22 };
test.each([
  ['UINT4', true],
  ['UINT4', false],
  ['INT4', true],
  ['INT4', false]
] as const)('a table of %s, zero points: %s: the rows that ONNX Runtime picks', async (type, hasZeros) => {
  // Rows of an odd number of blocks: their zero points do not begin at bytes.
  const [rows, columns, size] = [6, 40, 16];
  const b = createBuilder();
  const half = (name: string, dims: readonly number[]): string =>
    b.initializer({
      name,
      dims,
      dataType: HALF_BYTES[type],
      data: { kind: 'raw', bytes: bytes((dims[0] * dims[1]) / 2) },
      unknown: new Uint8Array(0)
    });
  const table = half('w', [rows, columns]);
  const scales = b.tensor('s', { dims: [rows, 3], type: 'float32', data: floats(rows * 3) });
  const picked = b.input('i', 'int64', [2]);
  const inputs = [table, picked, scales, ...(hasZeros ? [half('z', [rows, 3])] : [])];
  const attributes = [int('gather_axis', 0), int('quantize_axis', -1), int('block_size', size)];
  const y = b.node('GatherBlockQuantized', inputs, attributes, { domain: 'com.microsoft' });
  b.output(untyped(y));
  const made = makeModel(b.graph('table'), 21);
  const model = { ...made, irVersion: 10, opsets: [...made.opsets, { domain: 'com.microsoft', version: 1 }] };
  const prepared = await createNodeRuntime().prepare(model, NONE);
  const ids = { dims: [2], type: 'int64' as const, data: BigInt64Array.of(4n, 2n) };
  const { data } = (await prepared.run({ i: ids }, [y]))[y];
  await prepared.release();
  const read = blockWeights(model, sourcesOf(model)).get(table)!;
  expect(read()!.dims).toEqual([rows, columns]);
  [4, 2].forEach((row, at) => {
    const [one, whole] = [read([row, row + 1])!, read()!];
    expect(one.dims).toEqual([1, columns]);
    expect(whole.data.slice(row * columns, (row + 1) * columns)).toEqual(one.data);
    // Up to 30 · 1 in single precision.
    one.data.forEach((value, i) => expect(value).toBeCloseTo(Number(data[at * columns + i]), 5));
  });
});

const changedBy = (...more: readonly Attribute[]): Model => {
  const model = layer({ bits: 4, size: 16, columns: 32, zeros: 'none' });
  const [node] = model.graph.nodes;
  return { ...model, graph: { ...model.graph, nodes: [{ ...node, attributes: [...node.attributes, ...more] }] } };
};

test('a layer whose bytes are in an order of one device is not read', () => {
  const model = changedBy(int('weight_prepacked', 1));
  expect(blockWeights(model, sourcesOf(model)).size).toBe(0);
});

test('a layer that may round what it reads has its weight all the same', () => {
  const [plain, rounding] = [changedBy(), changedBy(int('accuracy_level', 4))];
  const [said, read] = [plain, rounding].map(one => [...blockWeights(one, sourcesOf(one)).values()][0]!());
  expect(read!.dims).toEqual(said!.dims);
  expect([plain, rounding].map(({ graph }) => roundedBlock(graph.nodes[0]))).toEqual([undefined, 16]);
});

test('bits that are not said are four', () => {
  const model = changedBy();
  const [node] = model.graph.nodes;
  const attributes = node.attributes.filter(({ name }) => name !== 'bits');
  const unsaid = { ...model, graph: { ...model.graph, nodes: [{ ...node, attributes }] } };
  const [said, read] = [model, unsaid].map(one => [...blockWeights(one, sourcesOf(one)).values()][0]!());
  expect(said!.dims).toEqual([7, 32]);
  expect(read).toEqual(said);
});

test('packed zero points beside groups, which ONNX Runtime leaves out, are not read', () => {
  const model = layer({ bits: 4, size: 32, columns: 96, zeros: 'packed', grouped: true });
  expect([...blockWeights(model, sourcesOf(model)).values()][0]!()).toBeUndefined();
});

test('a group that is not there is not read', () => {
  const model = layer({ bits: 4, size: 16, columns: 32, zeros: 'none', grouped: true });
  const initializers = model.graph.initializers.map(tensor =>
    tensor.name === 'g' ? makeTensor('g', { dims: [32], type: 'int32', data: new Int32Array(32).fill(2) }) : tensor
  );
  const changed = { ...model, graph: { ...model.graph, initializers } };
  expect([...blockWeights(changed, sourcesOf(changed)).values()][0]!()).toBeUndefined();
});

describe.each([
  [0, 'FP4'],
  [1, 'NF4']
])('bitsandbytes’ four bits, quant_type %s (%s)', quantType => {
  // Blocks run on across rows; the last one is short, and of the last byte half is used.
  test.each([
    [7, 40, 16],
    [7, 33, 64]
  ])('%s × %s in blocks of %s: what ONNX Runtime multiplies by', async (rows, columns, size) => {
    const b = createBuilder();
    const x = b.input('x', 'float32', ['rows', columns]);
    const count = rows * columns;
    const packed = b.tensor('w', { dims: [Math.ceil(count / 2)], type: 'uint8', data: bytes(Math.ceil(count / 2)) });
    const blocks = Math.ceil(count / size);
    const scales = b.tensor('s', { dims: [blocks], type: 'float32', data: floats(blocks) });
    const attributes = [int('K', columns), int('N', rows), int('block_size', size), int('quant_type', quantType)];
    const y = b.node('MatMulBnb4', [x, packed, scales], attributes, { domain: 'com.microsoft' });
    b.output(untyped(y));
    const made = makeModel(b.graph('four bits'), 17);
    const model = { ...made, opsets: [...made.opsets, { domain: 'com.microsoft', version: 1 }] };
    const eye = Float32Array.from({ length: columns * columns }, (_, i) => (i % (columns + 1) === 0 ? 1 : 0));
    const prepared = await createNodeRuntime().prepare(model, NONE);
    const feeds = { x: { dims: [columns, columns], type: 'float32' as const, data: eye } };
    const { data } = (await prepared.run(feeds, [y]))[y];
    await prepared.release();
    const read = blockWeights(model, sourcesOf(model)).get(packed)!;
    const [whole, some] = [read()!, read([2, 5])!];
    expect(whole.dims).toEqual([rows, columns]);
    expect(some.data).toEqual(whole.data.slice(2 * columns, 5 * columns));
    // One product with 1 in single precision.
    whole.data.forEach((value, i) =>
      expect(value).toBeCloseTo(Number(data[(i % columns) * rows + Math.floor(i / columns)]), 6)
    );
  });
});
