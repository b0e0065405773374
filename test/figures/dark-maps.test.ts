import { heatmaps } from '../../src/figures/heatmaps';
import { ORANGE_PURPLE_DARK, RED_BLUE, RED_BLUE_DARK, rgb } from '../../src/figures/palettes';
import { USUAL_CHOICES } from '../../src/figures/reader-choices';
import { LIGHT, themed, type ThemeColours } from '../../src/figures/theme';

const map = heatmaps({
  title: 't',
  caption: 'c',
  alt: 'a',
  panels: [{ title: 'p', unit: 'u', values: [[-1, 0, 1]], range: [-1, 1], signed: true }],
  rows: { title: 'r', labels: ['0'] },
  columns: { title: 'c', labels: ['a', 'b', 'c'] },
  cell: (row, column) => `${row} ${column}`
});
const scaleOn = (colours: ThemeColours): string[] =>
  (themed(map, colours).data[0] as { colorscale: [number, string][] }).colorscale.map(([, colour]) => colour);

test('a signed map has its zero near the page’s own colour, in saved pictures on white', () => {
  expect(scaleOn({ ...LIGHT, dark: true, choices: USUAL_CHOICES })).toEqual([...RED_BLUE_DARK]);
  expect(scaleOn({ ...LIGHT, choices: USUAL_CHOICES })).toEqual([...RED_BLUE]);
  expect(scaleOn(LIGHT)).toEqual([...RED_BLUE]);
});

test.each([
  ['red and blue', RED_BLUE_DARK],
  ['orange and purple', ORANGE_PURPLE_DARK]
])('%s: lightness grows from zero to both ends', (_, scale) => {
  const light = scale.map(rgb).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
  const sides = [light.slice(0, 6).reverse(), light.slice(5)];
  sides.forEach(side => expect(side).toEqual([...side].sort((a, b) => a - b)));
});
