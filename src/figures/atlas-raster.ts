import type { Arrangement } from './atlas-order';
import { byPlace, rowsOf } from './atlas-order';
import { keysOf } from './atlas';
import { magnitudeOf, SIGNED_ZERO } from './atlas-bytes';
import type { AtlasScale } from './atlas-scale';
import { endOf, placeOf, USUAL_SCALE } from './atlas-scale';
import type { Tile } from './atlas-tile';
import type { AtlasFigure } from './figure';
import type { AttentionPalette, Rgb } from './palettes';

export interface Raster {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel, rows from the top. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface AtlasView {
  readonly tile: Tile;
  /** Between heads, in pixels. */
  readonly gap: number;
  /** Above each head, in pixels: room for its name. */
  readonly band?: number;
  /** Leave the first key out, and scale the colours to the rest. */
  readonly hideSink: boolean;
  /** Absent: square roots, up to 1. */
  readonly scale?: AtlasScale;
  readonly palette: AttentionPalette;
}

/** A cell under a pixel: row and column of heads, and of the stored pattern. */
export interface AtlasCell {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
}

type Sizes = Pick<AtlasView, 'tile' | 'gap' | 'band'>;

/** Heads as they are arranged; by their places: layer 0 at the top, head 0 at the left. */
export function rasterAtlas(figure: AtlasFigure, view: AtlasView, arrangement: Arrangement = byPlace(figure)): Raster {
  const { columns, order } = arrangement;
  const [step, rise] = stepsOf(view);
  const raster = blank(columns * step - view.gap, rowsOf(arrangement) * rise - view.gap, view.palette.gap);
  const paint = painter(figure, view);
  const colours = coloursFor(figure, view);
  order.forEach((tile, at) =>
    paint(raster, tile, (at % columns) * step, Math.floor(at / columns) * rise + (view.band ?? 0), colours(tile))
  );
  return raster;
}

/** One head, on the usual scale up to its own largest weight where the sink is hidden. */
export function rasterHead(figure: AtlasFigure, layer: number, head: number, view: Omit<AtlasView, 'gap'>): Raster {
  const raster = blank(view.tile.width, view.tile.height, view.palette.gap);
  const tile = layer * figure.heads + head;
  painter(figure, view)(raster, tile, 0, 0, coloursOf(figure, view, tile));
  return raster;
}

/** Of each head in a grid of all. */
function coloursFor(figure: AtlasFigure, view: AtlasView): (tile: number) => Uint32Array {
  if (view.scale?.range === 'head') {
    return tile => coloursOf(figure, view, tile);
  }
  const all = coloursOf(figure, view);
  return () => all;
}

/** What lies under a pixel of `rasterAtlas`; undefined in a gap and outside. */
export function atlasCell(
  figure: AtlasFigure,
  view: Sizes,
  x: number,
  y: number,
  { columns, order }: Arrangement = byPlace(figure)
): AtlasCell | undefined {
  const [step, rise] = stepsOf(view);
  const { width, height } = view.tile;
  const [column, row] = [Math.floor(x / step), Math.floor(y / rise)];
  const [inX, inY] = [x - column * step, y - row * rise - (view.band ?? 0)];
  const tile = column >= 0 && column < columns && row >= 0 ? order[row * columns + column] : undefined;
  if (tile === undefined || inX < 0 || inY < 0 || inX >= width || inY >= height) {
    return undefined;
  }
  const place = { layer: Math.floor(tile / figure.heads), head: tile % figure.heads };
  const query = Math.floor((inY * figure.size) / height);
  return { ...place, query, key: Math.floor((inX * keysOf(figure).size) / width) };
}

/** From one head to the next, across and down. */
export const stepsOf = ({ tile, gap, band = 0 }: Sizes): readonly [number, number] => [
  tile.width + gap,
  tile.height + gap + band
];

/** A colour as the canvas's bytes lie in memory, little-endian: alpha, blue, green, red. */
const packed = ([red, green, blue]: Rgb): number => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

function blank(width: number, height: number, colour: Rgb): Raster {
  const pixels = new Uint32Array(Math.max(0, width) * Math.max(0, height)).fill(packed(colour));
  return { width: Math.max(0, width), height: Math.max(0, height), rgba: new Uint8ClampedArray(pixels.buffer) };
}

/** Rows or columns [from, to) that each pixel of a tile covers: at least one. */
interface Covered {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

function covered(size: number, side: number): Covered {
  const [from, to] = [new Int32Array(side), new Int32Array(side)];
  for (let pixel = 0; pixel < side; pixel++) {
    from[pixel] = Math.floor((pixel * size) / side);
    to[pixel] = Math.min(size, Math.max(from[pixel] + 1, Math.ceil(((pixel + 1) * size) / side - 1e-9)));
  }
  return { from, to };
}

/** Of each byte: in a grid, or where head `tile` stands alone. */
function coloursOf(
  figure: AtlasFigure,
  { palette, hideSink, scale: { transfer, range } = USUAL_SCALE }: Omit<AtlasView, 'gap'>,
  tile?: number
): Uint32Array {
  const end = endOf(figure, range, hideSink, tile);
  const { signed = false } = figure;
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const place = placeOf(transfer, magnitudeOf(byte, signed), end);
    const signedPlace = Math.min(255, SIGNED_ZERO + Math.sign(byte - SIGNED_ZERO) * Math.round(SIGNED_ZERO * place));
    return packed(signed ? palette.signed[signedPlace] : palette.ramp[Math.round(255 * place)]);
  });
}

type Paint = (raster: Raster, tile: number, x: number, y: number, colours: Uint32Array) => void;

/** A pixel shows the largest of the cells it covers, so that single spikes survive; equal rows are copied. */
function painter(
  figure: AtlasFigure,
  { tile: { width: side, height }, hideSink, palette }: Omit<AtlasView, 'gap'>
): Paint {
  const { patterns, size, causal, signed = false } = figure;
  const across = keysOf(figure).size;
  const [rows, columns] = [covered(size, height), covered(across, side)];
  const sizes = Uint8Array.from({ length: 256 }, (_, byte) => magnitudeOf(byte, signed));
  const masked = packed(palette.masked);
  const colourOf = (colours: Uint32Array, base: number, row: number, column: number): number => {
    const [from, to] = [columns.from[column], columns.to[column]];
    if ((causal && from > rows.to[row] - 1) || (hideSink && to === 1)) {
      return masked;
    }
    const left = hideSink && from === 0 ? 1 : from;
    let [value, most] = [signed ? SIGNED_ZERO : 0, 0];
    for (let query = rows.from[row]; query < rows.to[row]; query++) {
      for (let at = base + query * across + left; at < base + query * across + to; at++) {
        if (sizes[patterns[at]] > most) {
          value = patterns[at];
          most = sizes[value];
        }
      }
    }
    return colours[value];
  };
  return ({ width, rgba }, tile, x, y, colours) => {
    const pixels = new Uint32Array(rgba.buffer);
    const base = tile * size * across;
    for (let row = 0; row < height; row++) {
      const start = (y + row) * width + x;
      if (row > 0 && rows.from[row] === rows.from[row - 1] && rows.to[row] === rows.to[row - 1]) {
        pixels.copyWithin(start, start - width, start - width + side);
        continue;
      }
      for (let column = 0; column < side; column++) {
        pixels[start + column] = colourOf(colours, base, row, column);
      }
    }
  };
}
