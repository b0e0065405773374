import { unzlibSync } from 'fflate';

/**
 * The `size` bytes in a zlib stream (RFC 1950). Nothing beyond them is ever unpacked: there is room for one byte more, which
 * tells a stream that holds too many. The check sum, which the library leaves out, is compared.
 */
export function inflate(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const unpacked = unpack(bytes, size + 1);
  if (unpacked.length !== size) {
    throw new Error(`deflated data: ${unpacked.length > size ? 'more' : unpacked.length} bytes where ${size} belong`);
  }
  const written = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - 4);
  if (adler32(unpacked) !== written) {
    throw new Error('deflated data: its check sum differs from its bytes');
  }
  return unpacked.slice();
}

function unpack(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return unzlibSync(bytes, { out: new Uint8Array(most) });
  } catch (error) {
    throw new Error(`deflated data: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** RFC 1950, §8.2. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}
