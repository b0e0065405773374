import type { HookStep } from '../../src/anatomy/anatomy';
import type { Tensor } from '../../src/onnx/tensor';
import { applySteps } from '../../src/subject/tensor-view';

/** 0, 1, 2, … in row-major order. */
const counted = (...dims: readonly number[]): Tensor => ({
  dims,
  type: 'float32',
  data: Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, (_, index) => index)
});
const SIZES = { batch: 2, pos: 3 };
const steps = (tensor: Tensor, ...list: readonly HookStep[]) => applySteps(tensor, list, SIZES, 'hook_q');

test('no step is the tensor itself, without a copy', () => {
  const tensor = counted(2, 3);
  expect(steps(tensor).data).toEqual(tensor.data);
  expect((steps(tensor).data as Float32Array).buffer).toBe(tensor.data.buffer);
});

test('packed q, k, v: columns, heads, transpose', () => {
  const { dims, data } = steps(
    counted(2, 3, 12),
    { op: 'slice', axis: 2, start: 4, end: 8 },
    { op: 'reshape', shape: ['batch', 'pos', 2, 2] },
    { op: 'transpose', perm: [0, 2, 1, 3] }
  );
  expect(dims).toEqual([2, 2, 3, 2]);
  // [b, h, p, i] = 36 b + 12 p + 4 + 2 h + i
  const expected = [];
  for (const b of [0, 1]) {
    for (const h of [0, 1]) {
      for (const p of [0, 1, 2]) {
        for (const i of [0, 1]) {
          expected.push(36 * b + 12 * p + 4 + 2 * h + i);
        }
      }
    }
  }
  expect([...data]).toEqual(expected);
});

test('every n-th slice', () => {
  const { dims, data } = steps(counted(1, 4, 2), { op: 'every', axis: 1, step: 2 });
  expect(dims).toEqual([1, 2, 2]);
  expect([...data]).toEqual([0, 1, 4, 5]);
});

test('an open size is what is left', () => {
  expect(steps(counted(6, 4), { op: 'reshape', shape: ['batch', 'pos', -1] }).dims).toEqual([2, 3, 4]);
});

test('a shape that does not fit is refused by the hook’s name', () => {
  expect(() => steps(counted(5), { op: 'reshape', shape: ['batch', 'pos'] })).toThrow(
    "hook malformed: 'hook_q' has 5 elements, which do not fit [batch, pos]"
  );
});

test('half precision becomes single', () => {
  const half: Tensor = { dims: [2], type: 'float16', data: Uint16Array.of(0x3c00, 0xb800) };
  expect(steps(half)).toEqual({ dims: [2], type: 'float32', data: Float32Array.of(1, -0.5) });
});

test('what is shared by the batch is repeated', () => {
  const { dims, data } = steps(counted(3, 2), { op: 'expand', shape: ['batch', 'pos', 2] });
  expect(dims).toEqual([2, 3, 2]);
  expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  expect(() => steps(counted(4, 2), { op: 'expand', shape: ['batch', 'pos', 2] })).toThrow(
    "hook malformed: 'hook_q' has shape [4, 2], which does not expand to [2, 3, 2]"
  );
});

test('normalised rows have mean 0 and variance 1, or mean square 1', () => {
  // [0, 1, 2, 3]: mean 1.5, variance 1.25; mean square 3.5. Single precision: 1e-7.
  const layer = steps(counted(1, 4), { op: 'normalise', kind: 'layer', epsilon: 0 }).data;
  [-1.5, -0.5, 0.5, 1.5].forEach((value, index) => expect(layer[index]).toBeCloseTo(value / Math.sqrt(1.25), 6));
  const rms = steps(counted(1, 4), { op: 'normalise', kind: 'rms', epsilon: 0.5 }).data;
  [0, 1, 2, 3].forEach((value, index) => expect(rms[index]).toBeCloseTo(value / 2, 6));
});

test('empty tensors stay empty', () => {
  expect(steps(counted(2, 0, 3), { op: 'transpose', perm: [2, 1, 0] })).toEqual({
    dims: [3, 0, 2],
    type: 'float32',
    data: new Float32Array()
  });
});
