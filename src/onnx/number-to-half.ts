const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** The 16 bits of the nearest IEEE 754 binary16, ties to even; beyond 65504 infinite. */
export const numberToHalf = (value: number): number => {
  floats[0] = value;
  const [bits] = words;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) {
    return sign | 0x7c00 | (fraction ? 0x200 : 0);
  }
  const half = exponent - 112;
  if (half >= 31) {
    return sign | 0x7c00;
  }
  if (half <= 0) {
    return half < -10 ? sign : sign | rounded(fraction | 0x800000, 14 - half);
  }
  return sign | rounded((half << 23) | fraction, 13);
};

/** `bits` shifted right, to nearest, ties to even; a carry runs into the exponent as it should. */
const rounded = (bits: number, shift: number): number => {
  const kept = bits >>> shift;
  const rest = bits & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && kept & 1) ? kept + 1 : kept;
};
