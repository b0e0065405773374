import { inflateSync } from 'node:zlib';
import { atlas, headLabel, positionsOf, weightOf } from '../../src/figures/atlas';
import type { AtlasView, Raster } from '../../src/figures/atlas-raster';
import { atlasCell, rasterAtlas, rasterHead } from '../../src/figures/atlas-raster';
import type { Tile } from '../../src/figures/atlas-tile';
import type { AtlasFigure } from '../../src/figures/figure';
import { ATTENTION_DARK, ATTENTION_LIGHT, CYCLE_DARK, CYCLE_LIGHT, RED_BLUE } from '../../src/figures/palettes';
import type { Rgb } from '../../src/figures/palettes';
import { plotlyText } from '../../src/figures/plotly-text';
import { encodePng } from '../../src/figures/png';
import { fewerColours } from '../../src/figures/fewer-colours';
import { lcg } from '../maths/lcg';
import { forest } from '../../src/figures/forest';
import { heatmaps } from '../../src/figures/heatmaps';
import { rankedBars } from '../../src/figures/ranked-bars';
import { signedNumber } from '../../src/figures/signed-number';
import { LIGHT, themed } from '../../src/figures/theme';
import { thinnedTicks, ticks } from '../../src/figures/ticks';

/** One layer, two heads, three tokens. */
const figure: AtlasFigure = atlas({
  title: 'T',
  caption: 'C',
  alt: 'A',
  layers: 1,
  heads: 2,
  tokens: ['a', 'b', 'c'],
  causal: true,
  sink: true,
  size: 3,
  patterns: Uint8Array.of(255, 0, 0, 200, 100, 0, 180, 50, 25, 255, 0, 0, 255, 10, 0, 255, 0, 20)
});
const square = (side: number): Tile => ({ width: side, height: side });
const view: AtlasView = { tile: square(3), gap: 1, hideSink: false, palette: ATTENTION_LIGHT };

const pixel = ({ rgba, width }: { rgba: Uint8ClampedArray; width: number }, x: number, y: number): number[] => [
  ...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)
];

/** Relative luminance of WCAG 2. */
const luminance = (colour: Rgb): number => {
  const [r, g, b] = colour.map(part => (part / 255 <= 0.04045 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: Rgb, b: Rgb): number => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};
const rgb = (hex: string): Rgb => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;

describe('atlas raster', () => {
  test('a pixel a cell: weights by the ramp, the mask in its own colour, the gap between', () => {
    const raster = rasterAtlas(figure, view);
    expect([raster.width, raster.height]).toEqual([7, 3]);
    expect(pixel(raster, 0, 0)).toEqual([...ATTENTION_LIGHT.ramp[255]]);
    expect(pixel(raster, 0, 1)).toEqual([...ATTENTION_LIGHT.ramp[200]]);
    expect(pixel(raster, 1, 0)).toEqual([...ATTENTION_LIGHT.masked]);
    expect(pixel(raster, 3, 1)).toEqual([...ATTENTION_LIGHT.gap]);
    expect(pixel(raster, 4, 2)).toEqual([...ATTENTION_LIGHT.ramp[255]]);
    expect(ATTENTION_LIGHT.masked).not.toEqual(ATTENTION_LIGHT.ramp[0]);
  });

  test('without the sink the rest is scaled to its largest weight', () => {
    const raster = rasterAtlas(figure, { ...view, hideSink: true });
    expect(pixel(raster, 0, 1)).toEqual([...ATTENTION_LIGHT.masked]);
    expect(pixel(raster, 1, 1)).toEqual([...ATTENTION_LIGHT.ramp[255]]);
    expect(pixel(raster, 1, 2)).toEqual([...ATTENTION_LIGHT.ramp[Math.round((50 * 255) / 100)]]);
    expect(pixel(rasterHead(figure, 0, 1, { ...view, hideSink: true }), 2, 2)).toEqual([...ATTENTION_LIGHT.ramp[255]]);
  });

  test('enlarged cells fill blocks; reduced ones keep the largest', () => {
    const large = rasterHead(figure, 0, 0, { ...view, tile: square(6) });
    expect([pixel(large, 0, 2), pixel(large, 1, 3)]).toEqual([
      [...ATTENTION_LIGHT.ramp[200]],
      [...ATTENTION_LIGHT.ramp[200]]
    ]);
    const small = rasterHead(figure, 0, 0, { ...view, tile: square(1) });
    expect(pixel(small, 0, 0)).toEqual([...ATTENTION_LIGHT.ramp[255]]);
  });

  test('finds the cell under a pixel', () => {
    expect(atlasCell(figure, { tile: square(6), gap: 2 }, 10, 5)).toEqual({ layer: 0, head: 1, query: 2, key: 1 });
    expect(atlasCell(figure, { tile: square(6), gap: 2 }, 6, 0)).toBeUndefined();
    expect(atlasCell(figure, { tile: square(6), gap: 2 }, 16, 0)).toBeUndefined();
    expect(atlasCell(figure, { tile: square(6), gap: 2 }, 0, -1)).toBeUndefined();
  });

  test('patterns that do not fill the shape are refused', () => {
    expect(() => atlas({ ...figure, patterns: new Uint8Array(17) })).toThrow('17 cells where 18 belong');
  });
});

describe('atlas cells', () => {
  test('heads go by the model’s own numbers', () => {
    expect(headLabel(figure, 0, 1)).toBe('L0H1');
    expect(headLabel({ ...figure, layerIndices: [5], headIndices: [1, 7] }, 0, 1)).toBe('L5H7');
  });

  test('a stored byte is the root of its weight', () => {
    expect(weightOf(figure, { layer: 0, head: 0, query: 1, key: 0 })).toBeCloseTo((200 / 255) ** 2, 12);
    expect(weightOf(figure, { layer: 0, head: 1, query: 2, key: 2 })).toBeCloseTo((20 / 255) ** 2, 12);
  });

  test('a pooled cell stands for a range of positions', () => {
    const pooled = { ...figure, tokens: ['a', 'b', 'c', 'd', 'e'], size: 3 };
    expect([0, 1, 2].map(index => positionsOf(pooled, index))).toEqual([
      [0, 0],
      [1, 2],
      [3, 4]
    ]);
  });
});

describe('PNG', () => {
  /** Name and content of each chunk. */
  const chunksOf = (file: Buffer): [string, Buffer][] => {
    const chunks: [string, Buffer][] = [];
    for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
      const length = file.readUInt32BE(at);
      chunks.push([file.toString('latin1', at + 4, at + 8), file.subarray(at + 8, at + 8 + length)]);
    }
    return chunks;
  };

  /** A white picture of 64 × 64 with lines of three colours, their edges blended with the white. */
  const lined = (): Raster => {
    const stream = lcg(5);
    const colours = [
      [31, 119, 180],
      [214, 39, 40],
      [44, 160, 44]
    ];
    const rgba = new Uint8ClampedArray(4 * 64 * 64).fill(255);
    for (let at = 0; at < rgba.length; at += 4) {
      const row = Math.floor(at / 256);
      if (row % 4 === 0) {
        const share = stream.uniform();
        colours[(row / 4) % 3].forEach((value, c) => (rgba[at + c] = Math.round(255 + share * (value - 255))));
      }
    }
    return { width: 64, height: 64, rgba };
  };

  test('with a palette holds the same pixels, read by zlib', async () => {
    const raster = rasterAtlas(figure, view);
    const file = Buffer.from(await encodePng(raster));
    expect(file.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([7, 3]);
    const chunks = chunksOf(file);
    expect(chunks.map(([name]) => name)).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND']);
    const [, [, palette], [, data]] = chunks;
    const lines = inflateSync(data);
    expect(lines.length).toBe(3 * (1 + 7));
    for (const [x, y] of [
      [0, 0],
      [0, 1],
      [6, 2]
    ]) {
      const index = lines[y * 8 + 1 + x];
      expect([...palette.subarray(3 * index, 3 * index + 3)]).toEqual(pixel(raster, x, y));
    }
    // The CRC of an empty IEND chunk, from the PNG specification.
    expect(file.readUInt32BE(file.length - 4)).toBe(0xae426082);
  });

  test('of more colours than a palette holds are red, green and blue', async () => {
    const raster = lined();
    const chunks = chunksOf(Buffer.from(await encodePng(raster)));
    expect(chunks.map(([name]) => name)).toEqual(['IHDR', 'IDAT', 'IEND']);
    const lines = inflateSync(chunks[1][1]);
    expect(lines.length).toBe(64 * (1 + 3 * 64));
    expect([...lines.subarray(193 * 8 + 1 + 3 * 5, 193 * 8 + 4 + 3 * 5)]).toEqual(pixel(raster, 5, 8));
  });

  test('fewer colours: 256 at most, the frequent ones as they are, the others no more than 12 of 255 away', () => {
    const raster = lined();
    const count = ({ rgba }: Raster) => new Set(new Uint32Array(rgba.buffer)).size;
    expect(count(raster)).toBeGreaterThan(400);
    const fewer = fewerColours(raster);
    expect(count(fewer)).toBeLessThanOrEqual(256);
    expect(pixel(fewer, 3, 1)).toEqual([255, 255, 255]);
    const away = fewer.rgba.map((value, at) => Math.abs(value - raster.rgba[at]));
    expect(Math.max(...away)).toBeLessThanOrEqual(12);
    const few = rasterAtlas(figure, view);
    expect(fewerColours(few).rgba).toBe(few.rgba);
  });
});

describe('palettes', () => {
  test.each([
    ['light', ATTENTION_LIGHT],
    ['dark', ATTENTION_DARK]
  ])('the %s ramp changes lightness in one direction and begins at the background', (_, { ramp, masked, gap }) => {
    const steps = ramp.slice(1).map((colour, i) => luminance(colour) - luminance(ramp[i]));
    expect(ramp).toHaveLength(256);
    expect(new Set(steps.filter(step => Math.abs(step) > 1e-9).map(Math.sign)).size).toBe(1);
    expect(ramp[0]).toEqual(gap);
    expect(contrast(masked, ramp[0])).toBeGreaterThan(1.2);
  });

  test('lines stand 3:1 off their background', () => {
    const least = (cycle: readonly string[], background: string): number =>
      Math.min(...cycle.map(colour => contrast(rgb(colour), rgb(background))));
    expect(least(CYCLE_LIGHT, '#ffffff')).toBeGreaterThanOrEqual(3);
    expect(least(CYCLE_DARK, '#111111')).toBeGreaterThanOrEqual(3);
  });
});

describe('labels', () => {
  test('markup becomes text', () => {
    expect(plotlyText('<b>&amp;\n')).toBe('&lt;b>&amp;amp;⏎');
  });

  test('ticks are numeric and thinned', () => {
    const labels = Array.from({ length: 40 }, () => '<s>');
    expect(ticks(labels)).toEqual({
      tickmode: 'array',
      tickvals: [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39],
      ticktext: new Array(14).fill('&lt;s>')
    });
  });
});

test.each([
  [1.5, '+1.500'],
  [-0.25, '−0.250'],
  [-0.0004, '0.000'],
  [0, '0.000']
])('%d is written %s', (value, written) => expect(signedNumber(value, 3)).toBe(written));

test('bars have their numbers beside their names, and whiskers that stand off both pages', () => {
  const bars = [{ name: 'L0H1', value: -0.5, deviation: 0.25 }];
  const { data, layout } = rankedBars({ title: '', caption: '', alt: '', x: '', bars });
  const [{ error_x: whisker, hovertext }] = data as { error_x: { color: string }; hovertext: string[] }[];
  expect(layout.yaxis?.ticktext).toEqual(['L0H1  −0.500']);
  expect(hovertext).toEqual(['L0H1: −0.5000 ± 0.2500']);
  [ATTENTION_LIGHT, ATTENTION_DARK].forEach(({ gap }) => expect(contrast(rgb(whisker.color), gap)).toBeGreaterThan(3));
});

describe('heatmaps', () => {
  const map = (rows: readonly string[], columns: readonly string[]) =>
    heatmaps({
      title: '',
      caption: '',
      alt: '',
      panels: [{ title: '', unit: '', range: [0, 1], values: rows.map(() => columns.map(() => 0.5)) }],
      rows: { title: 'query', labels: rows },
      columns: { title: 'key', labels: columns },
      cell: () => ''
    });
  const short = ['0', '1', '2'];
  const long = Array.from({ length: 12 }, (_, at) => `${at} ·something`);

  test('cells of few signed numbers say their sign, but what rounds to zero has none', () => {
    const { data } = heatmaps({
      title: '',
      caption: '',
      alt: '',
      panels: [{ title: '', unit: '', range: [-1, 1], signed: true, values: [[-0.001, 0.5, -0.25, null]] }],
      rows: { title: 'layer', labels: ['0'] },
      columns: { title: 'head', labels: ['0', '1', '2', '3'] },
      cell: (_, column) => `L0H${column}`
    });
    expect(data[0]).toMatchObject({
      texttemplate: '%{text}',
      text: [['0.00', '+0.50', '−0.25', '']],
      hovertext: [['L0H0', 'L0H1', 'L0H2', 'L0H3']]
    });
  });

  test('numbers stand off the colours of their cells by at least 4.5', () => {
    const values = Array.from({ length: 13 }, (_, at) => (at - 6) / 6);
    const figure = heatmaps({
      title: '',
      caption: '',
      alt: '',
      panels: [{ title: '', unit: '', range: [-1, 1], signed: true, values: [values] }],
      rows: { title: '', labels: ['0'] },
      columns: { title: '', labels: values.map(String) },
      cell: () => ''
    });
    const [{ text }] = themed(figure, LIGHT).data as { text: string[][] }[];
    // Twelve pixels at most, and as wide as thirteen cells of the page.
    const sized = (width: number) =>
      (themed(figure, LIGHT, { width }).data[0] as { textfont: { size: number } }).textfont;
    expect([2000, 660, 400].map(width => sized(width).size)).toEqual([12, 12, 7]);
    expect(text[0][12]).toBe('<span style="color:#ffffff">+1.00</span>');
    values.forEach((value, at) => {
      const ink = /color:(#\w+)/.exec(text[0][at])![1];
      // The scale's own steps lie ten to a side of 12: between two of them the colour is halfway or at a sixth.
      const place = ((value + 1) / 2) * (RED_BLUE.length - 1);
      const [low, high] = [Math.floor(place), Math.ceil(place)].map(step => rgb(RED_BLUE[step]));
      const cell = low.map((part, i) => part + (place - Math.floor(place)) * (high[i] - part)) as unknown as Rgb;
      expect(contrast(rgb(ink), cell)).toBeGreaterThanOrEqual(4.5);
    });
  });

  test('on a narrow page labels are thinned, never turned and never over each other', () => {
    const tokens = Array.from({ length: 12 }, (_, at) => `${at} the`);
    const { layout } = map(['0'], tokens);
    expect(thinnedTicks(layout, 1200).xaxis).toMatchObject({ tickangle: 0, tickvals: [...tokens.keys()] });
    const { tickvals, ticktext } = thinnedTicks(layout, 380).xaxis as { tickvals: number[]; ticktext: string[] };
    expect(tickvals).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticktext[1]).toBe('2 the');
    // Axes without names stay as they are.
    expect(thinnedTicks({ xaxis: { title: { text: 'x' } } }, 100).xaxis).toEqual({ title: { text: 'x' } });
  });

  test('short labels stand upright in the usual margins', () => {
    const { layout, height } = map(short, short);
    expect(layout.margin).toMatchObject({ l: 60, b: 96 });
    expect(layout.xaxis).not.toHaveProperty('tickangle');
    expect(height).toBe(44 + 96 + 120);
  });

  test('long ones get room on the left, and below where they would not fit side by side', () => {
    const { layout, height, data } = map(long, long);
    const { l, b } = layout.margin as { l: number; b: number };
    // At least 6 pixels a character beside the axis title.
    expect(l).toBeGreaterThanOrEqual(40 + 6 * '11 ·something'.length);
    expect(layout.xaxis?.tickangle).toBe(45);
    expect(b).toBeGreaterThan(96 + 30);
    expect(height).toBe(44 + b + 22 * 12);
    // The colour bar moves down with the labels.
    expect((data[0] as { colorbar: { ypad: number } }).colorbar.ypad).toBe(48 + b - 96);
    expect(map(short, ['a longer label', 'another label']).layout.xaxis).not.toHaveProperty('tickangle');
  });
});

test('series of a forest stand side by side in a row, whiskers reach from low to high', () => {
  const dots = [{ value: 1, low: 0.5, high: 3 }, null];
  const series = [
    { name: 'a', dots },
    { name: 'b', dots }
  ];
  const { data } = forest({ title: '', caption: '', alt: '', x: '', rows: ['p', 'q'], series });
  const [first, second] = data as { x: number[]; y: number[]; error_x: { array: number[]; arrayminus: number[] } }[];
  expect([first.x, second.x]).toEqual([[1], [1]]);
  expect([first.y[0], second.y[0]]).toEqual([-0.35, 0.35]);
  expect(first.error_x).toMatchObject({ array: [2], arrayminus: [0.5] });
});
