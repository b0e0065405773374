import type { Raster } from './atlas-raster';
import { colourAt, rgbOf } from './png';

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
  const given = new Map(boxesOf(tones.slice(EXACT)).flatMap(box => box.map(({ colour }) => [colour, meanOf(box)])));
  const out = new Uint8ClampedArray(rgba.length);
  for (let at = 0; at < rgba.length; at += 4) {
    const [r, g, b] = given.get(colourAt(rgba, at)) ?? [rgba[at], rgba[at + 1], rgba[at + 2]];
    out[at] = r;
    out[at + 1] = g;
    out[at + 2] = b;
    out[at + 3] = 255;
  }
  return { width, height, rgba: out };
}

/** The most frequent first. */
function tonesOf(rgba: Uint8ClampedArray): Tone[] {
  const counts = new Map<number, number>();
  for (let at = 0; at < rgba.length; at += 4) {
    const colour = colourAt(rgba, at);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
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
