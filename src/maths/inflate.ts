/**
 * Reads a zlib stream (RFC 1950, 1951) of exactly `size` bytes. Synchronous, because drawing a saved result is; the
 * platform's DecompressionStream is not. Canonical Huffman decoding by counts, a bit at a time.
 */
export function inflate(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (bytes.length < 6 || (bytes[0] & 15) !== 8 || ((bytes[0] << 8) | bytes[1]) % 31 || bytes[1] & 32) {
    throw new Error('deflated data: not a zlib stream');
  }
  const input: BitReader = { bytes, at: 2, bit: 0 };
  const out: Output = { bytes: new Uint8Array(size), at: 0 };
  let last = false;
  while (!last) {
    last = bits(input, 1) === 1;
    readBlock(input, out);
  }
  if (out.at !== size) {
    throw new Error(`deflated data: ${out.at} bytes where ${size} belong`);
  }
  checkSum(input, out);
  return out.bytes;
}

interface BitReader {
  readonly bytes: Uint8Array;
  at: number;
  bit: number;
}

interface Output {
  readonly bytes: Uint8Array<ArrayBuffer>;
  at: number;
}

/** Number of codes of each length, and the symbols in the order of their codes. */
interface Huffman {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

const MAX_BITS = 15;
const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115];
const LENGTHS = [...LENGTH_BASE, 131, 163, 195, 227, 258];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1));
const DISTANCES = DISTANCE_EXTRA.map((extra, i) => (i < 2 ? i + 1 : ((2 + (i & 1)) << extra) + 1));
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const FIXED_LENGTHS = huffman(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)));
const FIXED_DISTANCES = huffman(new Array<number>(30).fill(5));

function bits(input: BitReader, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) {
    if (input.at >= input.bytes.length) {
      throw new Error('deflated data: ends in the middle');
    }
    value |= ((input.bytes[input.at] >> input.bit) & 1) << i;
    input.bit = (input.bit + 1) & 7;
    input.at += input.bit === 0 ? 1 : 0;
  }
  return value;
}

function readBlock(input: BitReader, out: Output): void {
  const type = bits(input, 2);
  if (type === 0) {
    copyStored(input, out);
  } else if (type === 1) {
    decode(input, out, FIXED_LENGTHS, FIXED_DISTANCES);
  } else if (type === 2) {
    const [lengths, distances] = readTables(input);
    decode(input, out, lengths, distances);
  } else {
    throw new Error('deflated data: block type 3 does not exist');
  }
}

function copyStored(input: BitReader, out: Output): void {
  bits(input, (8 - input.bit) & 7);
  const length = bits(input, 16);
  if ((bits(input, 16) ^ 0xffff) !== length) {
    throw new Error('deflated data: stored length and its complement differ');
  }
  for (let i = 0; i < length; i++) {
    put(out, bits(input, 8));
  }
}

function put(out: Output, value: number): void {
  if (out.at >= out.bytes.length) {
    throw new Error(`deflated data: more than the ${out.bytes.length} bytes that belong`);
  }
  out.bytes[out.at++] = value;
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) {
    counts[length]++;
  }
  const offsets = new Uint16Array(MAX_BITS + 2);
  for (let i = 1; i <= MAX_BITS; i++) {
    offsets[i + 1] = offsets[i] + counts[i];
  }
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length) {
      symbols[offsets[length]++] = symbol;
    }
  });
  return { counts, symbols };
}

function symbol(input: BitReader, { counts, symbols }: Huffman): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    code |= bits(input, 1);
    const count = counts[length];
    if (code - count < first) {
      return symbols[index + code - first];
    }
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  throw new Error('deflated data: a code that is not in the table');
}

function readTables(input: BitReader): [Huffman, Huffman] {
  const lengthCount = bits(input, 5) + 257;
  const distanceCount = bits(input, 5) + 1;
  const codeCount = bits(input, 4) + 4;
  const codeLengths = new Array<number>(19).fill(0);
  for (let i = 0; i < codeCount; i++) {
    codeLengths[CODE_ORDER[i]] = bits(input, 3);
  }
  const lengths = readLengths(input, huffman(codeLengths), lengthCount + distanceCount);
  return [huffman(lengths.slice(0, lengthCount)), huffman(lengths.slice(lengthCount))];
}

/** Run-length code of the code lengths: 16 repeats the last, 17 and 18 repeat zero. */
function readLengths(input: BitReader, codes: Huffman, count: number): number[] {
  const lengths: number[] = [];
  while (lengths.length < count) {
    const code = symbol(input, codes);
    if (code < 16) {
      lengths.push(code);
      continue;
    }
    const repeat = code === 16 ? 3 + bits(input, 2) : code === 17 ? 3 + bits(input, 3) : 11 + bits(input, 7);
    if (lengths.length + repeat > count || (code === 16 && !lengths.length)) {
      throw new Error('deflated data: code lengths repeat beyond the table');
    }
    lengths.push(...new Array<number>(repeat).fill(code === 16 ? lengths[lengths.length - 1] : 0));
  }
  return lengths;
}

function decode(input: BitReader, out: Output, lengths: Huffman, distances: Huffman): void {
  for (let code = symbol(input, lengths); code !== 256; code = symbol(input, lengths)) {
    if (code < 256) {
      put(out, code);
    } else {
      copyBack(input, out, code - 257, distances);
    }
  }
}

function copyBack(input: BitReader, out: Output, code: number, distances: Huffman): void {
  const length = LENGTHS[code] + bits(input, LENGTH_EXTRA[code] ?? 0);
  const far = symbol(input, distances);
  const distance = DISTANCES[far] + bits(input, DISTANCE_EXTRA[far] ?? 0);
  if (!(length > 0) || !(distance <= out.at)) {
    throw new Error('deflated data: a copy from before the beginning');
  }
  for (let i = 0; i < length; i++) {
    put(out, out.bytes[out.at - distance]);
  }
}

/** Adler-32 of the output stands at the end, big-endian. */
function checkSum(input: BitReader, out: Output): void {
  bits(input, (8 - input.bit) & 7);
  let a = 1;
  let b = 0;
  for (const value of out.bytes) {
    a = (a + value) % 65521;
    b = (b + a) % 65521;
  }
  const stored = [0, 1, 2, 3].reduce(sum => sum * 256 + bits(input, 8), 0);
  if (stored !== b * 65536 + a) {
    throw new Error('deflated data: the check sum differs');
  }
}
