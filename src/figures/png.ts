import { toBase64 } from '../maths/base64';
import { deflate } from '../maths/deflate';
import type { Raster } from './atlas-raster';
import { colourRuns, rgbOf } from './colour-runs';

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

const MOST_COLOURS = 256;

/** A PNG file (ISO/IEC 15948) of the opaque picture, no filter: with a palette where it has at most 256 colours, else 8-bit RGB. */
export async function encodePng({ width, height, rgba }: Raster): Promise<Uint8Array<ArrayBuffer>> {
  const palette = paletteOf(rgba);
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, palette ? 3 : 2);
  const rows = palette ? indexed(width, height, rgba, palette) : scanlines(width, height, rgba);
  const chunks = [
    SIGNATURE,
    chunk('IHDR', new Uint8Array(header.buffer)),
    ...(palette ? [chunk('PLTE', Uint8Array.from([...palette.keys()].flatMap(rgbOf)))] : []),
    chunk('IDAT', await deflate(rows)),
    chunk('IEND', new Uint8Array(0))
  ];
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** The file in base64. */
export const pngText = async (raster: Raster): Promise<string> => toBase64(await encodePng(raster));

/** Number of each colour, in the order of their first pixels; undefined for more than a palette holds. */
function paletteOf(rgba: Raster['rgba']): ReadonlyMap<number, number> | undefined {
  const found = new Map<number, number>();
  colourRuns(rgba, colour => {
    if (found.size <= MOST_COLOURS && !found.has(colour)) {
      found.set(colour, found.size);
    }
  });
  return found.size > MOST_COLOURS ? undefined : found;
}

/** Each row begins with the number of its filter, 0. */
function indexed(
  width: number,
  height: number,
  rgba: Raster['rgba'],
  palette: ReadonlyMap<number, number>
): Uint8Array<ArrayBuffer> {
  const indices = new Uint8Array(width * height);
  colourRuns(rgba, (colour, from, to) => indices.fill(palette.get(colour)!, from, to));
  const bytes = new Uint8Array(height * (1 + width));
  for (let row = 0; row < height; row++) {
    bytes.set(indices.subarray(row * width, (row + 1) * width), row * (1 + width) + 1);
  }
  return bytes;
}

/** Each row begins with the number of its filter, 0. */
function scanlines(width: number, height: number, rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(height * (1 + 3 * width));
  for (let row = 0, at = 0, from = 0; row < height; row++) {
    at++;
    for (let column = 0; column < width; column++, from += 4) {
      bytes[at++] = rgba[from];
      bytes[at++] = rgba[from + 1];
      bytes[at++] = rgba[from + 2];
    }
  }
  return bytes;
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

/** CRC-32 of ISO 3309, polynomial 0xEDB88320. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  }
  return value;
});
