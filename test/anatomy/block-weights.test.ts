import { blockWeights, roundedBlock } from '../../src/anatomy/constants/block-weights';
import { constantTensors } from '../../src/anatomy/constants/numbers';
import { int } from '../../src/graph/attributes';
import { createBuilder, makeModel, untyped } from '../../src/graph/build';
import { random } from '../../src/maths/random';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { makeTensor } from '../../src/onnx/make-tensor';
import type { Attribute, Model } from '../../src/onnx/model';
import { numberToHalf } from '../../src/onnx/number-to-half';
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
  /** Everything but the weight is of float16. */
  readonly half?: boolean;
}

/** A MatMulNBits of random bits with seven rows. */
const layer = ({ bits, size, columns, zeros, grouped, half }: Case): Model => {
  const rows = 7;
  const blocks = Math.ceil(columns / size);
  const b = createBuilder();
  const x = b.input('x', half ? 'float16' : 'float32', ['rows', columns]);
  const numbers = (name: string, count: number): string =>
    b.tensor(
      name,
      half
        ? { dims: [count], type: 'float16', data: Uint16Array.from(floats(count), numberToHalf) }
        : { dims: [count], type: 'float32', data: floats(count) }
    );
  const weight = b.tensor('w', {
    dims: [rows, blocks, (size * bits) / 8],
    type: 'uint8',
    data: bytes((rows * blocks * size * bits) / 8)
  });
  const scales = numbers('s', rows * blocks);
  const stride = Math.ceil((blocks * bits) / 8);
  const points: Readonly<Record<Case['zeros'], () => readonly string[]>> = {
    none: () => [],
    packed: () => [
      b.tensor('z', { dims: [rows * stride], type: 'uint8', data: bytes(rows * stride) } satisfies Tensor)
    ],
    float: () => [numbers('z', rows * blocks)]
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

/** Their place among the inputs. */
const ZEROS = 3;

const identity = (size: number, half?: boolean): Tensor => {
  const data = Array.from({ length: size ** 2 }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
  return half
    ? { dims: [size, size], type: 'float16', data: Uint16Array.from(data, numberToHalf) }
    : { dims: [size, size], type: 'float32', data: Float32Array.from(data) };
};

/** [columns, rows] of ONNX Runtime. */
const productsOf = async (model: Model, columns: number, half?: boolean): Promise<Float64Array> => {
  const prepared = await createNodeRuntime().prepare(model, NONE);
  const [name] = prepared.outputs;
  try {
    return toFloat64((await prepared.run({ x: identity(columns, half) }, [name]))[name]);
  } finally {
    await prepared.release();
  }
};

/** Three blocks a row, the last one short, so that packed zero points end within a byte. */
const EVERY: readonly Case[] = [2, 4, 8].flatMap(bits =>
  [16, 32, 64, 128, 256].flatMap(size =>
    (['none', 'packed', 'float'] as const)
      .filter(zeros => !(bits === 8 && zeros === 'float'))
      .map(zeros => ({ bits, size, columns: 3 * size - 10, zeros }))
  )
);

const titleOf = ({ bits, size, columns, zeros, grouped, half }: Case): string =>
  `${bits} bits, blocks of ${size}, ${columns} columns, zero points: ${zeros}${grouped ? ', grouped' : ''}${half ? ', float16' : ''}`;

const CASES: readonly Case[] = [
  ...EVERY,
  { bits: 4, size: 16, columns: 32, zeros: 'none' },
  { bits: 4, size: 32, columns: 64, zeros: 'packed' },
  { bits: 8, size: 128, columns: 40, zeros: 'none' },
  { bits: 4, size: 32, columns: 96, zeros: 'none', grouped: true },
  { bits: 4, size: 16, columns: 50, zeros: 'float', grouped: true },
  { bits: 4, size: 32, columns: 50, zeros: 'none', half: true },
  { bits: 4, size: 32, columns: 96, zeros: 'packed', half: true },
  { bits: 4, size: 32, columns: 96, zeros: 'float', half: true },
  { bits: 8, size: 32, columns: 50, zeros: 'packed', half: true },
  { bits: 2, size: 32, columns: 50, zeros: 'packed', half: true }
];

test.each(CASES.map(row => [titleOf(row), row] as const))(
  "%s: ONNX Runtime's products with unit vectors",
  async (_, row) => {
    const model = layer(row);
    const read = [...blockWeights(model, sourcesOf(model)).values()][0]!;
    const whole = read()!;
    const { columns, half } = row;
    const products = await productsOf(model, columns, half);
    expect(whole.dims).toEqual([7, columns]);
    expect(read([2, 5])!.data).toEqual(whole.data.slice(2 * columns, 5 * columns));
    // Up to 255 · 1, in single precision, or rounded to the eleven bits of float16.
    const tolerance = (value: number): number => (half ? Math.abs(value) / 2 ** 10 + 1e-6 : 5e-5);
    const far = Array.from(whole.data).filter(
      (value, at) => !(Math.abs(products[(at % columns) * 7 + Math.floor(at / columns)] - value) < tolerance(value))
    );
    expect(far).toEqual([]);
  }
);

/** A table of GatherBlockQuantized: of ONNX's types of half a byte, or of bytes of so many bits each. */
interface Table {
  readonly type: 'UINT4' | 'INT4' | 2 | 4 | 8;
  readonly size: number;
  readonly zeros: boolean;
  /** Scales, and so the rows, are of float16. */
  readonly half?: boolean;
}

const TYPES = { UINT4: 21, INT4: 22, 2: 2, 4: 2, 8: 2 } as const;
const TABLES: readonly Table[] = (['UINT4', 'INT4', 2, 4, 8] as const).flatMap(type =>
  [16, 32, 64, 128, 256].flatMap(size =>
    [true, false].flatMap(zeros => [{ type, size, zeros }, ...(size === 32 ? [{ type, size, zeros, half: true }] : [])])
  )
);
const nameOf = ({ type, size, zeros, half }: Table): string =>
  `${type}${typeof type === 'number' ? ' bits' : ''}, blocks of ${size}${zeros ? ', zero points' : ''}${half ? ', float16' : ''}`;

test.each(TABLES.map(table => [nameOf(table), table] as const))(
  'a table of %s: the rows that ONNX Runtime picks',
  async (_, { type, size, zeros, half }) => {
    // Rows of an odd number of blocks, the last one short: zero points of half a byte do not begin at bytes.
    const [rows, columns, blocks] = [6, 3 * size - 8, 3];
    const b = createBuilder();
    const bits = typeof type === 'number' ? type : 4;
    const packed = (name: string, width: number): string =>
      b.initializer({
        name,
        dims: [rows, typeof type === 'number' ? Math.ceil((width * bits) / 8) : width],
        dataType: TYPES[type],
        data: {
          kind: 'raw',
          bytes: bytes(typeof type === 'number' ? rows * Math.ceil((width * bits) / 8) : (rows * width) / 2)
        },
        unknown: new Uint8Array(0)
      });
    const table = packed('w', columns);
    const numbers = floats(rows * blocks);
    const scales = b.tensor(
      's',
      half
        ? { dims: [rows, blocks], type: 'float16', data: Uint16Array.from(numbers, numberToHalf) }
        : { dims: [rows, blocks], type: 'float32', data: numbers }
    );
    const inputs = [table, b.input('i', 'int64', [2]), scales, ...(zeros ? [packed('z', blocks)] : [])];
    const attributes = [int('gather_axis', 0), int('quantize_axis', -1), int('block_size', size)];
    const said = typeof type === 'number' ? [int('bits', bits)] : [];
    const y = b.node('GatherBlockQuantized', inputs, [...attributes, ...said], { domain: 'com.microsoft' });
    b.output(untyped(y));
    const made = makeModel(b.graph('table'), 21);
    const model = { ...made, irVersion: 10, opsets: [...made.opsets, { domain: 'com.microsoft', version: 1 }] };
    const prepared = await createNodeRuntime().prepare(model, NONE);
    const ids = { dims: [2], type: 'int64' as const, data: BigInt64Array.of(4n, 2n) };
    const picked = toFloat64((await prepared.run({ i: ids }, [y]))[y]);
    await prepared.release();
    const read = blockWeights(model, sourcesOf(model)).get(table)!;
    const whole = read()!;
    expect(whole.dims).toEqual([rows, columns]);
    [4, 2].forEach((row, at) => {
      const one = read([row, row + 1])!;
      expect(one.dims).toEqual([1, columns]);
      expect(whole.data.slice(row * columns, (row + 1) * columns)).toEqual(one.data);
      // Up to 255 · 1, in single precision, or rounded to the eleven bits of float16.
      const far = Array.from(one.data).filter(
        (value, i) => !(Math.abs(value - picked[at * columns + i]) < (half ? Math.abs(value) / 2 ** 10 + 1e-6 : 5e-5))
      );
      expect(far).toEqual([]);
    });
  }
);

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

test('packed zero points beside groups, which ONNX Runtime leaves out, are not read', async () => {
  const row: Case = { bits: 4, size: 32, columns: 96, zeros: 'packed', grouped: true };
  const model = layer(row);
  const [node] = model.graph.nodes;
  const inputs = node.inputs.map((input, at) => (at === ZEROS ? '' : input));
  const without = { ...model, graph: { ...model.graph, nodes: [{ ...node, inputs }] } };
  expect(await productsOf(model, row.columns)).toEqual(await productsOf(without, row.columns));
  expect([...blockWeights(model, sourcesOf(model)).values()][0]!()).toBeUndefined();
});

test('groups of two bits, which ONNX Runtime takes for four, are not read', () => {
  const model = layer({ bits: 2, size: 16, columns: 48, zeros: 'none', grouped: true });
  expect([...blockWeights(model, sourcesOf(model)).values()][0]!()).toBeUndefined();
});

test.each<readonly [string, Case]>([
  ['plain zero points of eight bits', { bits: 8, size: 16, columns: 32, zeros: 'float' }],
  ['groups of eight bits', { bits: 8, size: 16, columns: 32, zeros: 'none', grouped: true }]
])('%s: ONNX Runtime has no kernel for them', async (_, row) => {
  await expect(productsOf(layer(row), row.columns)).rejects.toThrow(/run failed .* MatMulNBits/);
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
