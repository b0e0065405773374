import { deflateSync, constants } from 'node:zlib';
import { deflate } from '../../src/maths/deflate';
import { inflate } from '../../src/maths/inflate';
import { random } from '../../src/maths/random';

const noise = (size: number, values: number): Uint8Array<ArrayBuffer> => {
  const stream = random(size);
  return Uint8Array.from({ length: size }, () => stream.below(values));
};

describe('inflate', () => {
  test.each([
    ['empty', new Uint8Array(0)],
    ['zeros', new Uint8Array(5000)],
    ['noise', noise(3000, 256)],
    ['few values', noise(70000, 3)],
    ['text', new TextEncoder().encode('the cat sat on the mat, the cat sat on the mat. '.repeat(40))]
  ])('reads what zlib wrote: %s', (_, bytes) => {
    for (const options of [{}, { level: 0 }, { strategy: constants.Z_FIXED }, { level: 9 }]) {
      expect(inflate(deflateSync(bytes, options), bytes.length)).toEqual(new Uint8Array(bytes));
    }
  });

  test('reads what deflate wrote', async () => {
    const bytes = noise(4000, 9);
    const packed = await deflate(bytes);
    expect(packed.length).toBeLessThan(bytes.length);
    expect(inflate(packed, bytes.length)).toEqual(bytes);
  });

  test('refuses what is broken', () => {
    const packed = deflateSync(noise(500, 9));
    const flipped = Uint8Array.from(packed);
    flipped[flipped.length - 1] ^= 1;
    expect(() => inflate(packed.subarray(0, 100), 500)).toThrow('unexpected EOF');
    expect(() => inflate(packed, 499)).toThrow('more bytes where 499 belong');
    expect(() => inflate(packed, 501)).toThrow('500 bytes where 501 belong');
    expect(() => inflate(flipped, 500)).toThrow('check sum');
    expect(() => inflate(new Uint8Array(20), 5)).toThrow('invalid zlib data');
  });

  test('any single damaged byte is an error or the same bytes, never a hang', () => {
    const bytes = noise(300, 5);
    const packed = deflateSync(bytes);
    for (let i = 0; i < packed.length; i++) {
      const damaged = Uint8Array.from(packed);
      damaged[i] ^= 0x55;
      let out: Uint8Array | undefined;
      try {
        out = inflate(damaged, 300);
      } catch (error) {
        expect((error as Error).message).toMatch(/^deflated data: /);
      }
      expect(out === undefined || out.every((value, at) => value === bytes[at])).toBe(true);
    }
  });
});
