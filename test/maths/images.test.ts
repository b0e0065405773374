import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

import { decodePng } from '../../src/maths/decode-png';
import { resizeImage, type Filter } from '../../src/maths/resize-image';

interface Facts {
  readonly png: Readonly<Record<string, { readonly png: string; readonly rgb: readonly number[] }>>;
  readonly resized: readonly {
    readonly filter: Filter;
    readonly width: number;
    readonly height: number;
    readonly rgb: readonly number[];
  }[];
}

/** Pillow's. */
const { png, resized }: Facts = JSON.parse(readFileSync(join(__dirname, '../fixtures/images.json'), 'utf8'));
const bytesOf = (mode: string): Uint8Array => new Uint8Array(Buffer.from(png[mode].png, 'base64'));

test.each(Object.keys(png))('a PNG of mode %s, as Pillow converts it', mode => {
  const { width, height, rgb } = decodePng(bytesOf(mode), 'a.png');
  expect([width, height]).toEqual([31, 23]);
  expect(Array.from(rgb)).toEqual(png[mode].rgb);
});

test.each(resized)('$filter to $width × $height, as Pillow resizes', ({ filter, width, height, rgb }) => {
  const found = resizeImage(decodePng(bytesOf('RGB'), 'a.png'), width, height, filter);
  expect(Array.from(found.rgb)).toEqual(rgb);
});

/** A PNG of these chunks, without check sums, which are not read. */
const pngOf = (...chunks: readonly (readonly [string, Uint8Array])[]): Uint8Array => {
  const signature = [137, 80, 78, 71, 13, 10, 26, 10];
  const body = chunks.flatMap(([type, content]) => {
    const length = [24, 16, 8, 0].map(shift => (content.length >>> shift) & 255);
    return [...length, ...Buffer.from(type), ...content, 0, 0, 0, 0];
  });
  return Uint8Array.from([...signature, ...body]);
};

const header = (
  width: number,
  height: number,
  depth = 8,
  colour = 0,
  interlaced = 0
): readonly [string, Uint8Array] => {
  const sizes = [width, height].flatMap(size => [24, 16, 8, 0].map(shift => (size >>> shift) & 255));
  return ['IHDR', Uint8Array.from([...sizes, depth, colour, 0, 0, interlaced])];
};

const data = (...bytes: readonly number[]): readonly [string, Uint8Array] => [
  'IDAT',
  new Uint8Array(deflateSync(Buffer.from(bytes)))
];

test.each<[string, Uint8Array, string]>([
  ['no PNG', Uint8Array.of(1, 2, 3), "image malformed: 'a' is no PNG with a header and data"],
  ['no data', pngOf(header(1, 1)), "image malformed: 'a' is no PNG with a header and data"],
  ['one that is cut off', bytesOf('RGB').slice(0, 200), "image cut off: 'a' ends in its chunk IDAT"],
  [
    'a huge one',
    pngOf(header(2 ** 31, 2 ** 31), data(0)),
    `image refused: 'a' has 2147483648 × 2147483648 pixels, 1 to 67108864 are read`
  ],
  ['none', pngOf(header(0, 1), data(0)), "image refused: 'a' has 0 × 1 pixels, 1 to 67108864 are read"],
  [
    'an interlaced one',
    pngOf(header(1, 1, 8, 0, 1), data(0, 0)),
    "image refused: 'a' is an interlaced PNG, which is not read"
  ],
  ['a strange depth', pngOf(header(1, 1, 3), data(0, 0)), "image malformed: 'a' has colour type 0 with 3 bits"],
  ['a strange filter', pngOf(header(1, 1), data(9, 0)), "image malformed: 'a' has filter 9 in row 0"],
  ['too little data', pngOf(header(2, 1), data(0, 0)), "image malformed: 'a': deflated data: 2 bytes where 3 belong"],
  [
    'more than belongs',
    pngOf(header(1, 1), data(0, 0, 0, 0)),
    "image malformed: 'a': deflated data: more bytes where 2 belong"
  ],
  [
    'a palette that is short',
    pngOf(header(1, 1, 8, 3), data(0, 5)),
    "image malformed: 'a' has no colour 5 in its palette"
  ]
])('refuses %s', (_, bytes, message) => {
  expect(() => decodePng(bytes, 'a')).toThrow(message);
});
