import { roundActivations } from '../../src/anatomy/certificate/round-activations';
import { random } from '../../src/maths/random';
import { weightStore } from '../../src/onnx/collect-weights';
import { createNodeRuntime } from '../../src/runtime/node';
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
