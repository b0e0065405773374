import type { AtlasFigure } from './figure';
import type { AttentionPalette, Rgb } from './palettes';

export interface Raster {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel, rows from the top. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface AtlasView {
  /** Side of a head, in pixels. */
  readonly tile: number;
  /** Between heads, in pixels. */
  readonly gap: number;
  /** Leave the first key out, and scale the colours to the rest. */
  readonly hideSink: boolean;
  readonly palette: AttentionPalette;
}

/** A cell under a pixel: row and column of heads, and of the stored pattern. */
export interface AtlasCell {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
}

/** All heads: layer 0 at the top, head 0 at the left. */
export function rasterAtlas(figure: AtlasFigure, view: AtlasView): Raster {
  const step = view.tile + view.gap;
  const raster = blank(figure.heads * step - view.gap, figure.layers * step - view.gap, view.palette.gap);
  const largest = largestShown(figure, view.hideSink, 0, figure.layers * figure.heads);
  for (let layer = 0; layer < figure.layers; layer++) {
    for (let head = 0; head < figure.heads; head++) {
      paint(raster, figure, {
        ...view,
        largest,
        tileIndex: layer * figure.heads + head,
        x: head * step,
        y: layer * step
      });
    }
  }
  return raster;
}

/** One head, scaled to its own largest weight where the sink is hidden. */
export function rasterHead(figure: AtlasFigure, layer: number, head: number, view: Omit<AtlasView, 'gap'>): Raster {
  const raster = blank(view.tile, view.tile, view.palette.gap);
  const tileIndex = layer * figure.heads + head;
  const largest = largestShown(figure, view.hideSink, tileIndex, tileIndex + 1);
  paint(raster, figure, { ...view, largest, tileIndex, x: 0, y: 0 });
  return raster;
}

/** What lies under a pixel of `rasterAtlas`; undefined in a gap and outside. */
export function atlasCell(
  figure: AtlasFigure,
  { tile, gap }: Pick<AtlasView, 'tile' | 'gap'>,
  x: number,
  y: number
): AtlasCell | undefined {
  const step = tile + gap;
  const [head, layer] = [Math.floor(x / step), Math.floor(y / step)];
  const [inX, inY] = [x - head * step, y - layer * step];
  const inside = x >= 0 && y >= 0 && head < figure.heads && layer < figure.layers && inX < tile && inY < tile;
  const cell = (pixel: number): number => Math.floor((pixel * figure.size) / tile);
  return inside ? { layer, head, query: cell(inY), key: cell(inX) } : undefined;
}

interface Tile {
  readonly tile: number;
  readonly tileIndex: number;
  readonly x: number;
  readonly y: number;
  readonly largest: number;
  readonly hideSink: boolean;
  readonly palette: AttentionPalette;
}

function blank(width: number, height: number, [red, green, blue]: Rgb): Raster {
  const rgba = new Uint8ClampedArray(Math.max(0, width) * Math.max(0, height) * 4);
  for (let at = 0; at < rgba.length; at += 4) {
    rgba.set([red, green, blue, 255], at);
  }
  return { width, height, rgba };
}

/** 255 unless the sink is hidden: then the largest stored value beyond the first column. */
function largestShown({ patterns, size }: AtlasFigure, hideSink: boolean, from: number, to: number): number {
  if (!hideSink) {
    return 255;
  }
  let largest = 1;
  for (let at = from * size * size; at < to * size * size; at++) {
    largest = at % size ? Math.max(largest, patterns[at]) : largest;
  }
  return largest;
}

/** A pixel shows the largest of the cells it covers, so that single spikes survive. */
function paint({ width, rgba }: Raster, { patterns, size, causal }: AtlasFigure, tile: Tile): void {
  const { ramp, masked } = tile.palette;
  const ranges = Array.from({ length: tile.tile }, (_, pixel) => covered(pixel, size, tile.tile));
  const base = tile.tileIndex * size * size;
  ranges.forEach(([top, bottom], row) => {
    let at = ((tile.y + row) * width + tile.x) * 4;
    for (const [left, right] of ranges) {
      const hidden = (causal && left > bottom - 1) || (tile.hideSink && right === 1);
      const value = hidden
        ? 0
        : largestIn(patterns, base, size, [top, bottom], [tile.hideSink ? Math.max(left, 1) : left, right]);
      const colour = hidden ? masked : ramp[Math.min(255, Math.round((value * 255) / tile.largest))];
      rgba[at++] = colour[0];
      rgba[at++] = colour[1];
      rgba[at++] = colour[2];
      rgba[at++] = 255;
    }
  });
}

type Range = readonly [number, number];

function covered(pixel: number, size: number, tile: number): Range {
  const from = Math.floor((pixel * size) / tile);
  return [from, Math.max(from + 1, Math.ceil(((pixel + 1) * size) / tile - 1e-9))].map(edge =>
    Math.min(edge, size)
  ) as [number, number];
}

function largestIn(patterns: Uint8Array, base: number, size: number, rows: Range, columns: Range): number {
  let largest = 0;
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      largest = Math.max(largest, patterns[base + row * size + column]);
    }
  }
  return largest;
}
