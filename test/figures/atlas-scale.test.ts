import { atlas } from '../../src/figures/atlas';
import { byteOf } from '../../src/figures/atlas-bytes';
import { rasterAtlas, rasterHead } from '../../src/figures/atlas-raster';
import { endOf, placeOf } from '../../src/figures/atlas-scale';
import { ATTENTION_LIGHT } from '../../src/figures/palettes';

/** Two heads of 10 × 10 cells: weights 0.01, and in each a largest one of its own, which is in the first column of the first head. */
const figure = (signed: boolean) =>
  atlas({
    title: 't',
    caption: 'c',
    alt: 'a',
    layers: 1,
    heads: 2,
    tokens: Array.from({ length: 10 }, (_, i) => String(i)),
    causal: false,
    sink: true,
    signed,
    size: 10,
    patterns: Uint8Array.from({ length: 200 }, (_, at) => byteOf(at === 0 ? 0.81 : at === 101 ? -0.25 : 0.01, signed))
  });

test('places on the ramp: root, linear, three decades', () => {
  const size = (weight: number): number => 255 * Math.sqrt(weight);
  expect(placeOf('root', size(0.25), 255)).toBeCloseTo(0.5, 12);
  expect(placeOf('linear', size(0.25), 255)).toBeCloseTo(0.25, 12);
  expect([1, 0.1, 0.01, 0.001, 0.0001, 0].map(weight => Math.round(300 * placeOf('log', size(weight), 255)))).toEqual([
    300, 200, 100, 0, 0, 0
  ]);
  // Beside a smaller end, what passes it has its colour.
  expect(placeOf('log', size(0.5), size(0.2))).toBe(1);
  expect(placeOf('linear', size(0.1), size(0.2))).toBeCloseTo(0.5, 12);
});

test('the end of the ramp', () => {
  const signed = figure(true);
  const near = (weight: number): number => Math.min(255, 2 * Math.round(127 * Math.sqrt(weight)));
  expect(endOf(signed, 'usual', false)).toBe(255);
  expect(endOf(signed, 'usual', true)).toBe(near(0.25));
  expect(endOf(signed, 'usual', true, 0)).toBe(near(0.01));
  expect(endOf(signed, 'largest', false, 1)).toBe(near(0.81));
  expect(endOf(signed, 'head', false, 1)).toBe(near(0.25));
  // Two of 200 cells lie above.
  expect(endOf(signed, 'most', false)).toBe(near(0.01));
});

test('each head by its own largest; a grid of all by one', () => {
  const signed = figure(true);
  const view = { tile: { width: 10, height: 10 }, gap: 0, hideSink: false, palette: ATTENTION_LIGHT };
  const pixel = ({ rgba, width }: ReturnType<typeof rasterAtlas>, x: number, y: number): number[] => [
    ...rgba.slice(4 * (y * width + x), 4 * (y * width + x) + 3)
  ];
  const own = rasterAtlas(signed, { ...view, scale: { transfer: 'linear', range: 'head' } });
  expect(pixel(own, 0, 0)).toEqual([...ATTENTION_LIGHT.signed[255]]);
  expect(pixel(own, 11, 0)).toEqual([...ATTENTION_LIGHT.signed[0]]);
  const all = rasterAtlas(signed, { ...view, scale: { transfer: 'root', range: 'largest' } });
  expect(pixel(all, 11, 0)).toEqual([...ATTENTION_LIGHT.signed[128 - Math.round((128 * 128) / 228)]]);
  expect(pixel(rasterHead(signed, 0, 1, { ...view, scale: { transfer: 'log', range: 'head' } }), 1, 0)).toEqual([
    ...ATTENTION_LIGHT.signed[0]
  ]);
});
