import { constantRows } from '../../src/anatomy/constants/constant-rows';
import { constantValues } from '../../src/anatomy/constants/constant-values';
import { constantTensors } from '../../src/anatomy/constants/numbers';
import { int, ints } from '../../src/graph/attributes';
import { createBuilder, makeModel, untyped, type Builder } from '../../src/graph/build';
import { random } from '../../src/maths/random';
import type { TensorProto } from '../../src/onnx/model';
import { numberToHalf } from '../../src/onnx/number-to-half';
import { createNodeRuntime } from '../../src/runtime/node';

const NONE = { get: () => undefined, names: () => [], bytes: 0 };
const stream = random(7);
const raw = (dataType: number, dims: readonly number[], count: number): TensorProto => ({
  name: 'q',
  dims,
  dataType,
  data: { kind: 'raw', bytes: Uint8Array.from({ length: count }, () => stream.below(256)) },
  unknown: new Uint8Array(0)
});
const floats = (b: Builder, dims: readonly number[]): string =>
  b.tensor('f', {
    dims,
    type: 'float32',
    data: Float32Array.from(
      { length: dims.reduce((product, dim) => product * dim, 1) },
      () => stream.below(2000) / 1000 - 1
    )
  });
const [UINT8, INT8, UINT16, INT16, UINT4, INT4, FLOAT, FLOAT16] = [2, 3, 4, 5, 21, 22, 1, 10];

/** Weights as exporters write them; each gives the name of the weight. */
const CHAINS: Readonly<Record<string, (b: Builder) => string>> = {
  'UINT4 through Cast, Mul, Add, Reshape and Transpose': b => {
    const q = b.initializer(raw(UINT4, [6, 2, 8], 48));
    const cast = b.node('Cast', [q], [int('to', FLOAT)]);
    const sum = b.node('Add', [b.node('Mul', [cast, floats(b, [6, 2, 1])]), floats(b, [6, 2, 1])]);
    return b.node('Transpose', [b.node('Reshape', [sum, b.ints([6, -1])])], [ints('perm', [1, 0])]);
  },
  'INT4 less a zero point': b => {
    const q = b.initializer(raw(INT4, [5, 6], 15));
    return b.node('Mul', [
      b.node('Sub', [b.node('Cast', [q], [int('to', FLOAT)]), floats(b, [1, 6])]),
      floats(b, [5, 1])
    ]);
  },
  'INT8 by DequantizeLinear along columns': b =>
    b.node('DequantizeLinear', [b.initializer(raw(INT8, [5, 6], 30)), floats(b, [6])], [int('axis', 1)]),
  'UINT8 by DequantizeLinear along rows, with zero points': b =>
    b.node(
      'DequantizeLinear',
      [b.initializer(raw(UINT8, [5, 6], 30)), floats(b, [5]), b.initializer({ ...raw(UINT8, [5], 5), name: 'z' })],
      [int('axis', 0)]
    ),
  'INT8 by DequantizeLinear as a whole': b =>
    b.node('DequantizeLinear', [b.initializer(raw(INT8, [5, 6], 30)), floats(b, [])]),
  'UINT8 in blocks along columns, with zero points, scales in half precision': b => {
    const scales = b.node('Cast', [b.node('Cast', [floats(b, [5, 3])], [int('to', 10)])], [int('to', FLOAT)]);
    const zeros = b.initializer({ ...raw(UINT8, [5, 3], 15), name: 'z' });
    return b.node(
      'DequantizeLinear',
      [b.initializer(raw(UINT8, [5, 6], 30)), scales, zeros],
      [int('axis', 1), int('block_size', 2)]
    );
  },
  'UINT4 in blocks along columns, with zero points': b =>
    b.node(
      'DequantizeLinear',
      [
        b.initializer(raw(UINT4, [6, 8], 24)),
        floats(b, [6, 2]),
        b.initializer({ ...raw(UINT4, [6, 2], 6), name: 'z' })
      ],
      [int('axis', 1), int('block_size', 4)]
    ),
  'UINT4 in blocks along rows, the last one short': b =>
    b.node(
      'DequantizeLinear',
      [
        b.initializer(raw(UINT4, [7, 6], 21)),
        floats(b, [2, 6]),
        b.initializer({ ...raw(UINT4, [2, 6], 6), name: 'z' })
      ],
      [int('axis', -2), int('block_size', 4)]
    ),
  'INT4 as a whole, with a zero point': b =>
    b.node('DequantizeLinear', [
      b.initializer(raw(INT4, [5, 6], 15)),
      floats(b, []),
      b.initializer({ ...raw(INT4, [], 1), name: 'z' })
    ]),
  'INT4 along columns, with zero points': b =>
    b.node(
      'DequantizeLinear',
      [b.initializer(raw(INT4, [5, 6], 15)), floats(b, [6]), b.initializer({ ...raw(INT4, [6], 3), name: 'z' })],
      [int('axis', -1)]
    ),
  'INT16 along columns': b =>
    b.node('DequantizeLinear', [b.initializer(raw(INT16, [5, 6], 60)), floats(b, [6])], [int('axis', 1)]),
  'UINT16 as a whole, with a zero point': b =>
    b.node('DequantizeLinear', [
      b.initializer(raw(UINT16, [5, 6], 60)),
      floats(b, []),
      b.initializer({ ...raw(UINT16, [], 2), name: 'z' })
    ]),
  'INT8 along columns of a convolution': b =>
    b.node('DequantizeLinear', [b.initializer(raw(INT8, [4, 3, 2, 2], 48)), floats(b, [4])], [int('axis', 0)]),
  // Powers of two: what ONNX Runtime rounds to float16 here is not rounded by ours.
  'UINT8 with scales of float16': b => {
    const scales = b.initializer({
      ...raw(FLOAT16, [6], 0),
      name: 's',
      data: { kind: 'raw', bytes: new Uint8Array(Uint16Array.from([1, 0.5, -2, 0.25, 0.125, 8], numberToHalf).buffer) }
    });
    const half = b.node('DequantizeLinear', [b.initializer(raw(UINT8, [5, 6], 30)), scales], [int('axis', 1)]);
    return b.node('Cast', [half], [int('to', FLOAT)]);
  },
  'INT4 in blocks along rows': b =>
    b.node(
      'DequantizeLinear',
      [b.initializer(raw(INT4, [8, 6], 24)), floats(b, [2, 6])],
      [int('axis', 0), int('block_size', 4)]
    )
};

test.each(Object.keys(CHAINS))("%s: ONNX Runtime's numbers", async name => {
  const b = createBuilder();
  const weight = CHAINS[name](b);
  // Something that is fed, so that the graph is not all constant.
  const x = b.input('x', 'float32', []);
  const y = b.node('Mul', [weight, x]);
  b.output(untyped(y));
  const model = makeModel(b.graph('chain'), 21);
  const producers = new Map(model.graph.nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const sources = {
    tensors: constantTensors(model),
    weights: NONE,
    producer: (tensor: string) => producers.get(tensor)
  };
  const found = constantValues(sources, weight)!;
  const prepared = await createNodeRuntime().prepare({ ...model, irVersion: 10 }, NONE);
  const result = (await prepared.run({ x: { dims: [], type: 'float32', data: Float32Array.of(1) } }, [y]))[y];
  await prepared.release();
  expect(found.dims).toEqual(result.dims);
  found.data.forEach((value, at) => expect(value).toBeCloseTo(Number(result.data[at]), 4));
  const each = found.data.length / found.dims[0];
  const rows = constantRows(sources, weight, [1, 4])!;
  expect([rows.dims, rows.data]).toEqual([[3, ...found.dims.slice(1)], found.data.slice(each, 4 * each)]);
});

test('what it does not understand it does not give', () => {
  const b = createBuilder();
  const q = b.initializer(raw(UINT8, [2, 3], 6));
  const whole = b.node('Cast', [q], [int('to', 7)]);
  const strange = b.node('Softmax', [floats(b, [2, 3])]);
  const model = makeModel(b.graph('odd'), 21);
  const producers = new Map(model.graph.nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const sources = {
    tensors: constantTensors(model),
    weights: NONE,
    producer: (tensor: string) => producers.get(tensor)
  };
  expect(constantValues(sources, whole)).toBeUndefined();
  expect(constantValues(sources, strange)).toBeUndefined();
  expect(constantValues(sources, 'nothing')).toBeUndefined();
});
