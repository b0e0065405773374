import { blockWeights } from '../../src/anatomy/constants/block-weights';
import { constantTensors } from '../../src/anatomy/constants/numbers';
import { int } from '../../src/graph/attributes';
import { createBuilder, makeModel, untyped } from '../../src/graph/build';
import { random } from '../../src/maths/random';
import type { Model } from '../../src/onnx/model';
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
}

/** A MatMulNBits of random bits with seven rows. */
const layer = ({ bits, size, columns, zeros }: Case): Model => {
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
  const attributes = [int('K', columns), int('N', rows), int('bits', bits), int('block_size', size)];
  const y = b.node('MatMulNBits', [x, weight, scales, ...points[zeros]()], attributes, { domain: 'com.microsoft' });
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
  { bits: 8, size: 16, columns: 48, zeros: 'none' }
])(
  "$bits bits, blocks of $size, $columns columns, zero points: $zeros: ONNX Runtime's products with unit vectors",
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

test.each([4, 8])('a table of %s bits: the rows that ONNX Runtime picks', async bits => {
  const [rows, columns, size] = [6, 32, 16];
  const b = createBuilder();
  const each = 8 / bits;
  const table = b.tensor('w', { dims: [rows, columns / each], type: 'uint8', data: bytes((rows * columns) / each) });
  const scales = b.tensor('s', {
    dims: [rows, columns / size],
    type: 'float32',
    data: floats((rows * columns) / size)
  });
  const zeros = b.tensor('z', { dims: [rows, 2 / each], type: 'uint8', data: bytes((rows * 2) / each) });
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

test('a layer that permutes columns or rounds what comes in is not read', () => {
  const model = layer({ bits: 4, size: 16, columns: 32, zeros: 'none' });
  const [node] = model.graph.nodes;
  const rounding = { ...node, attributes: [...node.attributes, int('accuracy_level', 4)] };
  const changed = { ...model, graph: { ...model.graph, nodes: [rounding] } };
  expect(blockWeights(changed, sourcesOf(changed)).size).toBe(0);
});
