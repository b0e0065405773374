const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** All 65,536 values, worked out at the first use: a model's weights are read some hundred million at a time. */
let table: Float32Array | undefined;

/** IEEE 754 binary16, given as its 16 bits. */
export const halfToNumber = (bits: number): number =>
  (table ??= Float32Array.from({ length: 65536 }, (_, i) => value(i)))[bits];

const value = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction ? NaN : sign * Infinity;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** bfloat16, the upper half of a binary32. */
export const bfloatToNumber = (bits: number): number => {
  words[0] = bits << 16;
  return floats[0];
};
