import type { Raster } from './atlas-raster';
import { colourRuns, rgbOf, wordsOf } from './colour-runs';

/** Colours of most pixels, which stay exactly as they are, and boxes that the others are gathered in. */
const EXACT = 128;
const BOXES = 128;

interface Tone {
  readonly rgb: readonly [number, number, number];
  readonly colour: number;
  readonly pixels: number;
}

/** The picture in at most 256 colours, so that it takes a palette: median cut (Heckbert 1982) of all but the most frequent ones. Opaque. */
export function fewerColours({ width, height, rgba }: Raster): Raster {
  const tones = tonesOf(rgba);
  if (tones.length <= EXACT + BOXES) {
    return { width, height, rgba };
  }
  const given = new Map(
    boxesOf(tones.slice(EXACT)).flatMap(box => {
      const [word] = wordsOf(Uint8ClampedArray.of(...meanOf(box), 255));
      return box.map(({ colour }) => [colour, word] as const);
    })
  );
  const out = rgba.slice();
  const words = wordsOf(out);
  colourRuns(rgba, (colour, from, to) => {
    const word = given.get(colour);
    if (word !== undefined) {
      words.fill(word, from, to);
    }
  });
  return { width, height, rgba: out };
}

/** The most frequent first. */
function tonesOf(rgba: Raster['rgba']): Tone[] {
  const counts = new Map<number, number>();
  colourRuns(rgba, (colour, from, to) => counts.set(colour, (counts.get(colour) ?? 0) + to - from));
  return [...counts]
    .map(([colour, pixels]) => ({ rgb: rgbOf(colour), colour, pixels }))
    .sort((a, b) => b.pixels - a.pixels || a.colour - b.colour);
}

/** Splits the box of the widest channel at its middle colour, until there are enough. */
function boxesOf(tones: readonly Tone[]): Tone[][] {
  const boxes = [[...tones]];
  while (boxes.length < BOXES) {
    const widths = boxes.map(box => Math.max(...spreads(box)));
    const at = widths.indexOf(Math.max(...widths));
    if (widths[at] === 0) {
      break;
    }
    const channel = spreads(boxes[at]).indexOf(widths[at]);
    const sorted = boxes[at].sort((a, b) => a.rgb[channel] - b.rgb[channel]);
    const half = sorted.length >> 1;
    boxes.splice(at, 1, sorted.slice(0, half), sorted.slice(half));
  }
  return boxes;
}

const CHANNELS = [0, 1, 2] as const;

function spreads(box: readonly Tone[]): number[] {
  return CHANNELS.map(channel => {
    let [low, high] = [255, 0];
    for (const { rgb } of box) {
      low = Math.min(low, rgb[channel]);
      high = Math.max(high, rgb[channel]);
    }
    return high - low;
  });
}

function meanOf(box: readonly Tone[]): [number, number, number] {
  const all = box.reduce((sum, { pixels }) => sum + pixels, 0);
  const [r, g, b] = CHANNELS.map(channel =>
    Math.round(box.reduce((sum, { rgb, pixels }) => sum + rgb[channel] * pixels, 0) / all)
  );
  return [r, g, b];
}
