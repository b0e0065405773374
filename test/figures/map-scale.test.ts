import { heatmaps } from '../../src/figures/heatmaps';
import { scaledMap, USUAL_MAP_SCALE } from '../../src/figures/map-scale';
import { LIGHT, themed } from '../../src/figures/theme';

const SIDE = 15;
/** 0, 1, 2, … 224; of signed maps every second one below zero. */
const sizes = (signed: boolean): number[][] =>
  Array.from({ length: SIDE }, (_, i) =>
    Array.from({ length: SIDE }, (_, j) => (SIDE * i + j) * (signed && j % 2 ? -1 : 1))
  );
const labels = Array.from({ length: SIDE }, (_, i) => String(i));

const map = (signed: boolean) =>
  heatmaps({
    title: 't',
    caption: 'c',
    alt: 'a',
    panels: [{ title: 'p', values: sizes(signed), unit: 'u', range: signed ? [-500, 500] : [0, 500], signed }],
    rows: { title: 'r', labels },
    columns: { title: 'c', labels },
    cell: (row, column) => `${row} ${column}`
  });

interface Drawn {
  readonly zmin: number;
  readonly zmax: number;
  readonly z: readonly (readonly number[])[];
  readonly colorscale: readonly (readonly [number, string])[];
}
const drawn = (signed: boolean, scale = USUAL_MAP_SCALE): Drawn =>
  themed(map(signed), LIGHT, { scale }).data[0] as unknown as Drawn;

test('as the figure has it, unless one chooses', () => {
  expect(drawn(true)).toEqual(themed(map(true), LIGHT).data[0]);
});

test.each([
  [false, 0],
  [true, -222]
])('the ends are what 99 of 100 cells do not pass (signed: %s)', (signed, low) => {
  const { zmin, zmax, z } = drawn(signed, { transfer: 'linear', range: 'most' });
  expect([zmin, zmax]).toEqual([low, 222]);
  const beyond = z.flat().filter(value => Math.abs(value) > zmax);
  expect(beyond.length).toBeLessThanOrEqual(z.flat().length / 100);
});

test('by square roots a quarter of the largest has the colour of its half; zero keeps the middle of signed colours', () => {
  const plain = drawn(false).colorscale;
  const rooted = drawn(false, { transfer: 'root', range: 'usual' }).colorscale;
  expect(rooted.map(([, colour]) => colour)).toEqual(plain.map(([, colour]) => colour));
  plain.forEach(([share], i) => expect(rooted[i][0]).toBeCloseTo(share ** 2, 12));
  const signed = drawn(true, { transfer: 'root', range: 'usual' }).colorscale;
  const at = (place: number): number => signed[place][0];
  expect([at(0), at(5), at(10)]).toEqual([0, 0.5, 1]);
  // One of eleven from the middle, a fifth of the way out: a twenty-fifth of the largest.
  expect(at(6)).toBeCloseTo(0.5 + 0.04 / 2, 12);
  expect(at(4)).toBeCloseTo(0.5 - 0.04 / 2, 12);
});

test('a map of one number, gaps, and what is no map stay drawable', () => {
  const flat = { type: 'heatmap', z: [[null, 0], [0]], zmin: 0, zmax: 1, colorscale: [[0, '#000000']] } as const;
  expect(scaledMap(flat as never, { transfer: 'linear', range: 'most' })).toMatchObject({ zmin: 0, zmax: 1 });
  const bars = { type: 'bar', y: [1, 2] } as const;
  expect(scaledMap(bars as never, { transfer: 'root', range: 'most' })).toBe(bars);
});
