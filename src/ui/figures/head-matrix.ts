import { headLabel, positionsOf, weightOf } from '../../figures/atlas';
import type { AtlasCell } from '../../figures/atlas-raster';
import { signedNumber } from '../../figures/signed-number';
import { rasterHead } from '../../figures/atlas-raster';
import type { AtlasFigure } from '../../figures/figure';
import type { AttentionPalette } from '../../figures/palettes';
import { paintRaster } from './raster-canvas';
import type { Translate } from '../translate';

/** How one head's matrix with its tokens is laid out, CSS pixels. */
export interface MatrixLayout {
  readonly cell: number;
  /** Left and bottom margins hold the token labels; the top one the head's name. */
  readonly left: number;
  readonly bottom: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface MatrixColours {
  readonly palette: AttentionPalette;
  readonly font: string;
  readonly fontFamily: string;
}

export interface MatrixOptions extends MatrixColours {
  readonly trans: Translate;
  readonly layer: number;
  readonly head: number;
  readonly hideSink: boolean;
  readonly layout: MatrixLayout;
  /** Marked cell. */
  readonly cursor?: Pick<AtlasCell, 'query' | 'key'>;
  /** Rows and columns of tokens that another figure points at. */
  readonly linked?: readonly number[];
}

const FONT_PIXELS = 11;
const LONGEST_LABEL = 14;
/** Room of the axis titles, and the side that they need. */
const TITLE = 18;
const SHORTEST_SIDE = 150;
/** Between the axis title, the labels and the cells. */
const SPACE = 8;
const EDGE = 4;

/**
 * Square cells: as large as labels want them (at most 22 pixels, 12 for many tokens), at most `room` pixels with the
 * margins, which hold the longest label.
 */
export function matrixLayout(figure: AtlasFigure, room: number): MatrixLayout {
  const { size } = figure;
  let longest = 0;
  for (let index = 0; index < size; index++) {
    longest = Math.max(longest, labelPixels(tokenLabel(figure, index)));
  }
  const margin = TITLE + SPACE + longest;
  const wanted = Math.max(SHORTEST_SIDE, Math.min(22 * size, Math.max(400, 12 * size)));
  const side = Math.round(Math.max(SHORTEST_SIDE, Math.min(wanted, room - margin - EDGE)));
  return {
    cell: side / size,
    left: margin,
    bottom: margin,
    top: EDGE,
    width: margin + side + EDGE,
    height: EDGE + side + margin
  };
}

/** About: East Asian letters and pictures are as wide as they are high. */
const labelPixels = (label: string): number =>
  [...label].reduce((sum, letter) => sum + (letter.codePointAt(0)! >= 0x1100 ? 12 : 7), 0);

/** One pixel a cell, or the largest of the cells that share one. */
export function headPixels(
  figure: AtlasFigure,
  { layer, head, hideSink, layout, palette }: MatrixOptions
): HTMLCanvasElement {
  const pixels = document.createElement('canvas');
  const tile = Math.min(figure.size, Math.round(layout.cell * figure.size));
  paintRaster(pixels, rasterHead(figure, layer, head, { tile, hideSink, palette }));
  return pixels;
}

/** Draws the head with token labels on both axes: queries down the left, keys along the bottom. */
export function paintMatrix(
  context: CanvasRenderingContext2D,
  figure: AtlasFigure,
  pixels: HTMLCanvasElement,
  { layout, font, fontFamily, cursor, linked = [], trans }: MatrixOptions
): void {
  const side = layout.cell * figure.size;
  context.clearRect(0, 0, layout.width, layout.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels, layout.left, layout.top, side, side);
  context.strokeStyle = font;
  context.globalAlpha = 0.35;
  context.strokeRect(layout.left - 0.5, layout.top - 0.5, side + 1, side + 1);
  context.globalAlpha = 1;
  context.fillStyle = font;
  context.font = `${FONT_PIXELS}px ${fontFamily}`;
  paintLabels(context, figure, layout, cursor, trans);
  paintLinked(context, layout, side, linked);
  if (cursor) {
    context.lineWidth = 2;
    context.strokeStyle = '#d55e00';
    context.strokeRect(
      layout.left + cursor.key * layout.cell - 1,
      layout.top + cursor.query * layout.cell - 1,
      layout.cell + 2,
      layout.cell + 2
    );
    context.lineWidth = 1;
  }
}

/** A dotted band over the row and over the column of each token. */
function paintLinked(
  context: CanvasRenderingContext2D,
  { left, top, cell }: MatrixLayout,
  side: number,
  linked: readonly number[]
): void {
  context.save();
  context.setLineDash([2, 2]);
  context.lineWidth = 1.5;
  for (const index of linked) {
    context.strokeRect(left, top + index * cell, side, cell);
    context.strokeRect(left + index * cell, top, cell, side);
  }
  context.restore();
}

function paintLabels(
  context: CanvasRenderingContext2D,
  figure: AtlasFigure,
  { cell, left, top, width, height }: MatrixLayout,
  cursor: MatrixOptions['cursor'],
  trans: Translate
): void {
  const step = Math.max(1, Math.ceil(FONT_PIXELS / cell));
  const [side, most] = [cell * figure.size, left - TITLE - SPACE];
  context.textBaseline = 'middle';
  const each = (marked: number | undefined, draw: (index: number) => void): void => {
    for (let index = 0; index < figure.size; index++) {
      const near = marked !== undefined && marked !== index && Math.abs(marked - index) < step;
      if (index === marked || (index % step === 0 && !near)) {
        context.globalAlpha = marked === undefined || index === marked ? 1 : 0.6;
        draw(index);
      }
    }
    context.globalAlpha = 1;
  };
  context.textAlign = 'right';
  each(cursor?.query, index => context.fillText(tokenLabel(figure, index), left - 5, top + (index + 0.5) * cell, most));
  each(cursor?.key, index =>
    rotated(context, left + (index + 0.5) * cell, top + side + 5, () =>
      context.fillText(tokenLabel(figure, index), 0, 0, most)
    )
  );
  context.textAlign = 'center';
  context.globalAlpha = 0.75;
  context.fillText(trans.__('key (source) token'), left + side / 2, height - FONT_PIXELS / 2 - 1, width);
  rotated(context, FONT_PIXELS / 2 + 1, top + side / 2, () =>
    context.fillText(trans.__('query (destination) token'), 0, 0)
  );
  context.globalAlpha = 1;
}

function rotated(context: CanvasRenderingContext2D, x: number, y: number, draw: () => void): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  draw();
  context.restore();
}

function tokenLabel(figure: AtlasFigure, index: number): string {
  const [first, last] = positionsOf(figure, index);
  const characters = [...figure.tokens[first]];
  const text =
    characters.length > LONGEST_LABEL ? `${characters.slice(0, LONGEST_LABEL - 1).join('')}…` : characters.join('');
  return first === last ? text : `${first}–${last}`;
}

/** What a cell says, a line each: head, query, key, weight. */
export function cellLines(figure: AtlasFigure, cell: AtlasCell, trans: Translate): readonly string[] {
  const token = (index: number): string => {
    const [first, last] = positionsOf(figure, index);
    return first === last ? `‘${figure.tokens[first]}’ (${first})` : trans.__('tokens %1–%2', first, last);
  };
  const masked = figure.causal && cell.key > cell.query;
  return [
    headLabel(figure, cell.layer, cell.head),
    trans.__('query %1', token(cell.query)),
    trans.__('key %1', token(cell.key)),
    masked
      ? trans.__('masked: the key comes later')
      : figure.signed
        ? trans.__('difference %1', signedNumber(weightOf(figure, cell), 3))
        : trans.__('weight %1', weightOf(figure, cell).toFixed(3))
  ];
}
