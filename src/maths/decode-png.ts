import { inflate } from './inflate';

/** Red, green and blue of each pixel, from left to right and from top to bottom. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** 3 · width · height bytes. */
  readonly rgb: Uint8Array;
}

/** Largest number of pixels that is unpacked. */
const MOST_PIXELS = 2 ** 26;
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** Samples of a pixel by colour type: grey, red-green-blue, palette, grey with alpha, red-green-blue with alpha. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, at) => bytes[at] === byte);

/**
 * A PNG (ISO/IEC 15948) as red, green and blue of eight bits; transparency is left out, as Pillow's `convert('RGB')` does, sixteen bits keep
 * the high eight. Throws one sentence for a broken file, an interlaced one, and one of more than 2²⁶ pixels. `name`: of the file.
 */
export function decodePng(bytes: Uint8Array, name: string): Image {
  const { header, palette, data } = chunksOf(bytes, name);
  const { width, height, depth, colour } = headerOf(header, name);
  const bits = depth * SAMPLES[colour];
  const stride = Math.ceil((width * bits) / 8);
  const rows = unfiltered(inflated(data, height * (stride + 1), name), height, stride, Math.max(1, bits >> 3), name);
  const sample = (row: number, at: number): number => sampleOf(rows, row * stride, at, depth);
  const rgb = new Uint8Array(3 * width * height);
  const whole = 255 / (2 ** Math.min(depth, 8) - 1);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    const first = sample(row, column * SAMPLES[colour]);
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * pixel + channel] =
        colour === 3
          ? paletteEntry(palette, first, channel, name)
          : colour === 2 || colour === 6
            ? sample(row, column * SAMPLES[colour] + channel)
            : first * whole;
    }
  }
  return { width, height, rgb };
}

interface Chunks {
  readonly header: Uint8Array;
  readonly palette?: Uint8Array;
  readonly data: Uint8Array;
}

/** Length, type, content and check sum, one after another; check sums are left to the stream's own. */
function chunksOf(bytes: Uint8Array, name: string): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let header: Uint8Array | undefined;
  let palette: Uint8Array | undefined;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (content.length < length) {
      throw new Error(`image cut off: '${name}' ends in its chunk ${type}`);
    }
    header = type === 'IHDR' ? content : header;
    palette = type === 'PLTE' ? content : palette;
    if (type === 'IDAT') {
      parts.push(content);
    }
    at += 12 + length;
  }
  if (!isPng(bytes) || !header || parts.length === 0) {
    throw new Error(`image malformed: '${name}' is no PNG with a header and data`);
  }
  const data = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
  return { header, data, ...(palette && { palette }) };
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
}

function headerOf(header: Uint8Array, name: string): Header {
  if (header.length !== 13) {
    throw new Error(`image malformed: '${name}' has a header of ${header.length} bytes, 13 belong`);
  }
  const view = new DataView(header.buffer, header.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlaced] = header.subarray(8);
  if (interlaced !== 0) {
    throw new Error(`image refused: '${name}' is an interlaced PNG, which is not read`);
  }
  const depths = colour === 3 ? [1, 2, 4, 8] : colour === 0 ? [1, 2, 4, 8, 16] : [8, 16];
  if (SAMPLES[colour] === undefined || !depths.includes(depth)) {
    throw new Error(`image malformed: '${name}' has colour type ${colour} with ${depth} bits`);
  }
  if (width === 0 || height === 0 || width * height > MOST_PIXELS) {
    throw new Error(`image refused: '${name}' has ${width} × ${height} pixels, 1 to ${MOST_PIXELS} are read`);
  }
  return { width, height, depth, colour };
}

function inflated(data: Uint8Array, size: number, name: string): Uint8Array {
  try {
    return inflate(data, size);
  } catch (error) {
    throw new Error(`image malformed: '${name}': ${(error as Error).message}`, { cause: error });
  }
}

/** Each row is predicted from its left, upper and upper left neighbours by one of five rules (§9). */
function unfiltered(packed: Uint8Array, height: number, stride: number, step: number, name: string): Uint8Array {
  const rows = new Uint8Array(height * stride);
  for (let row = 0; row < height; row++) {
    const rule = packed[row * (stride + 1)];
    if (rule > 4) {
      throw new Error(`image malformed: '${name}' has filter ${rule} in row ${row}`);
    }
    for (let i = 0; i < stride; i++) {
      const at = row * stride + i;
      const left = i >= step ? rows[at - step] : 0;
      const up = row > 0 ? rows[at - stride] : 0;
      const corner = row > 0 && i >= step ? rows[at - stride - step] : 0;
      rows[at] = packed[row * (stride + 1) + 1 + i] + predicted(rule, left, up, corner);
    }
  }
  return rows;
}

function predicted(rule: number, left: number, up: number, corner: number): number {
  switch (rule) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, corner);
    default:
      return 0;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The high eight bits of a sample, or the sample where it has fewer. */
function sampleOf(rows: Uint8Array, start: number, at: number, depth: number): number {
  if (depth >= 8) {
    return rows[start + at * (depth >> 3)];
  }
  const bit = at * depth;
  return (rows[start + (bit >> 3)] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

function paletteEntry(palette: Uint8Array | undefined, entry: number, channel: number, name: string): number {
  const value = palette?.[3 * entry + channel];
  if (value === undefined) {
    throw new Error(`image malformed: '${name}' has no colour ${entry} in its palette`);
  }
  return value;
}
