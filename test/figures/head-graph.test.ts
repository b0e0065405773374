import { headGraph } from '../../src/figures/head-graph';
import { ORANGE_PURPLE, RED_BLUE } from '../../src/figures/palettes';
import { firstLines, rankedLines } from '../../src/figures/ranked-lines';
import { LIGHT, themed } from '../../src/figures/theme';
import { plotlyParts } from '../../src/ui/linking/plotly-parts';

const place = (layer: number, head: number) => ({ layer, head });
const graph = headGraph({
  title: 't',
  caption: 'c',
  alt: 'a',
  node: 'sum',
  unit: 'logits',
  layers: 3,
  heads: 2,
  edges: [
    { from: place(0, 1), to: place(2, 0), value: 0.9 },
    { from: place(0, 1), to: place(1, 1), value: -0.4 },
    { from: place(1, 1), to: place(2, 0), value: 0 }
  ]
});

test('a head has the sum of its edges, one without any is empty', () => {
  const [map] = graph.data as { z: (number | null)[][] }[];
  expect(map.z).toEqual([
    [null, 0.5],
    [null, -0.4],
    [0.9, null]
  ]);
});

test('edges go from the earlier head to the later, by sign and width; nothing has no line', () => {
  const [, less, more] = graph.data as { x: number[]; y: number[]; line: Record<string, unknown> }[];
  expect(graph.data).toHaveLength(3);
  expect(less).toMatchObject({ x: [1, 1, null], y: [0.25, 0.75, null], line: { dash: 'dash', width: 3 } });
  expect(more).toMatchObject({ x: [1, 0, null], y: [0.25, 1.75, null], line: { dash: 'solid', width: 5 } });
});

test('of the edges only the largest are drawn where fewer are asked for, whatever their sign', () => {
  expect(rankedLines(graph.data)).toBe(2);
  const [map, less, more] = graph.data.map(trace => firstLines(trace, 1) as { x: unknown[] });
  expect(map).toBe(graph.data[0]);
  expect(less.x).toEqual([null, null, null]);
  expect(more.x).toEqual([1, 0, null]);
});

test('edges keep their colours in every theme, and take the reader’s', () => {
  const colours = (diverging: 'red-blue' | 'orange-purple'): unknown[] =>
    themed(graph, { ...LIGHT, dark: true, choices: { sequential: 'cividis', diverging, digits: 0 } })
      .data.slice(1)
      .map(trace => (trace as { line: { color: string } }).line.color);
  expect(colours('red-blue')).toEqual([RED_BLUE[2], RED_BLUE[8]]);
  expect(colours('orange-purple')).toEqual([ORANGE_PURPLE[2], ORANGE_PURPLE[8]]);
});

test('its cells are heads that other figures mark, and keys reach', () => {
  const { points, at } = plotlyParts(graph);
  expect(points[2][0]).toMatchObject({ name: 'L2H0', value: 0.9, selection: { heads: [place(2, 0)] } });
  expect(at(0, [0, 1]).heads).toEqual([place(0, 1)]);
});
