import { roundActivations, roundBlocks } from '../../src/anatomy/certificate/round-activations';
import { random } from '../../src/maths/random';
import { weightStore } from '../../src/onnx/collect-weights';
import { createNodeRuntime } from '../../src/runtime/node';
import { int } from '../../src/graph/attributes';
import { createBuilder, makeModel, untyped } from '../../src/graph/build';
import { model, node, value } from '../runtime/graphs';

const FLOAT = 1;
const COUNT = 5000;

/** ONNX Runtime's own operator, and its way back. */
const rounding = model({
  nodes: [
    node('DynamicQuantizeLinear', ['x'], ['q', 'scale', 'zero']),
    node('DequantizeLinear', ['q', 'scale', 'zero'], ['y'])
  ],
  inputs: [value('x', FLOAT, ['n'])],
  outputs: [value('y', FLOAT, ['n'])]
});

const stream = random(11);
const drawn = (from: number, to: number): Float32Array =>
  Float32Array.from({ length: COUNT }, () => from + (to - from) * stream.next());

const CASES: readonly (readonly [string, Float32Array])[] = [
  ['both signs', drawn(-3, 5)],
  ['positive only: zero is in the range all the same', drawn(2, 3)],
  ['negative only', drawn(-0.01, -0.002)],
  ['halves, which go to even', Float32Array.from({ length: 511 }, (_, i) => i / 2 - 127.5)],
  ['zeros', new Float32Array(8)]
];

test.each(CASES)('%s: as ONNX Runtime rounds', async (_, x) => {
  const prepared = await createNodeRuntime().prepare(rounding, weightStore(new Map()));
  const { y } = await prepared.run({ x: { dims: [x.length], type: 'float32', data: x } }, ['y']);
  await prepared.release();
  const ours = roundActivations(Float64Array.from(x), 1);
  // The same step of 255 each; (q − zero) · scale is one rounding to float32.
  const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(Math.fround(value) - Number(y.data[i]))), 0);
  expect(worst).toBe(0);
});

test('each run is rounded for itself', () => {
  const [small, large] = [drawn(-1, 1), drawn(-100, 100)];
  const both = roundActivations(Float64Array.of(...small, ...large), 2);
  expect(both.slice(0, COUNT)).toEqual(roundActivations(Float64Array.from(small), 1));
  expect(both.slice(COUNT)).toEqual(roundActivations(Float64Array.from(large), 1));
});

/** y = x · Wᵀ by MatMulNBits, four bits, W a permutation of the columns' order times 1: each output is one number of x as the kernel holds it. */
const asHeld = async (x: Float32Array, width: number, size: number): Promise<readonly number[]> => {
  const blocks = Math.ceil(width / size);
  const packed = new Uint8Array((width * blocks * size) / 2).fill(0x88);
  for (let i = 0; i < width; i++) {
    packed[(i * blocks * size + i) >> 1] = i % 2 ? 0x98 : 0x89;
  }
  const b = createBuilder();
  const input = b.input('x', 'float32', ['rows', width]);
  const weight = b.tensor('w', { dims: [width, blocks, size / 2], type: 'uint8', data: packed });
  const ones = new Float32Array(width * blocks).fill(1);
  const scales = b.tensor('s', { dims: [width * blocks], type: 'float32', data: ones });
  const sizes = [int('K', width), int('N', width), int('bits', 4), int('block_size', size), int('accuracy_level', 4)];
  const y = b.node('MatMulNBits', [input, weight, scales], sizes, { domain: 'com.microsoft' });
  b.output(untyped(y));
  const made = makeModel(b.graph('blocks'), 17);
  const opsets = [...made.opsets, { domain: 'com.microsoft', version: 1 }];
  const prepared = await createNodeRuntime().prepare({ ...made, opsets }, weightStore(new Map()));
  const out = await prepared.run({ x: { dims: [x.length / width, width], type: 'float32', data: x } }, [y]);
  await prepared.release();
  return Array.from(out[y].data, Number);
};

test.each([
  [64, 32],
  [40, 16],
  [96, 64]
])(
  'rows of %s in blocks of %s: each number as a kernel of accuracy level 4 holds it, or as it is',
  async (width, size) => {
    const x = Float32Array.from({ length: 5 * width }, () => stream.below(6001) / 1000 - 3);
    const held = await asHeld(x, width, size);
    const ours = roundBlocks(Float64Array.from(x), width, size);
    const off = (wanted: ArrayLike<number>): number =>
      held.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i])), 0);
    // Processors without such kernels multiply x as it is. Kernels take 8 · Σx off in single precision, at most 8 · 64 · 3: 1e-4. Half a step is 1.2e-2.
    expect(Math.min(off(ours), off(x))).toBeLessThan(1e-4);
    expect(off(ours)).toBeLessThan(3 / 127 / 2 + 1e-4);
  }
);

test('a block of zeros stays zeros', () => {
  expect(roundBlocks(new Float64Array(8), 8, 4)).toEqual(new Float64Array(8));
});
