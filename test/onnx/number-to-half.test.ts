import { halfToNumber } from '../../src/onnx/half';
import { numberToHalf } from '../../src/onnx/number-to-half';

test('every half comes back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToNumber(bits);
    if (!Number.isNaN(value)) {
      expect(numberToHalf(value)).toBe(bits);
    }
  }
});

test.each([
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [-1e9, 0xfc00],
  [2 ** -25, 0],
  [2 ** -25 * 1.0001, 1],
  [2 ** -24 * 1.5, 2],
  [1e-9, 0],
  [-0, 0x8000],
  [NaN, 0x7e00],
  [2047.75 / 2048, 0x3c00]
])('%d rounds to %i', (value, bits) => {
  expect(numberToHalf(value)).toBe(bits);
});
