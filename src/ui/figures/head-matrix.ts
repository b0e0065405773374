import { headLabel, keysOf, positionsOf, weightOf } from '../../figures/atlas';
import type { AtlasCell } from '../../figures/atlas-raster';
import { signedNumber } from '../../figures/signed-number';
import { rasterHead } from '../../figures/atlas-raster';
import type { AtlasScale } from '../../figures/atlas-scale';
import type { Tile } from '../../figures/atlas-tile';
import type { AtlasAxis, AtlasFigure } from '../../figures/figure';
import type { AttentionPalette } from '../../figures/palettes';
import type { MarkedTokens } from '../linking/atlas-link';
import { paintRaster } from './raster-canvas';
import { readersText } from './reader-choices';
import type { Translate } from '../translate';

/** How one head's matrix with its tokens is laid out, CSS pixels. */
export interface MatrixLayout {
  /** Square, unless one side has too few tokens for its title. */
  readonly cell: Tile;
  /** Left and bottom margins hold the token labels. */
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
  /** Absent: the usual. */
  readonly scale?: AtlasScale;
  readonly layout: MatrixLayout;
  /** Marked cell. */
  readonly cursor?: Pick<AtlasCell, 'query' | 'key'>;
  /** Tokens that another figure points at. */
  readonly linked?: MarkedTokens;
}

const FONT_PIXELS = 11;
const LONGEST_LABEL = 14;
/** Room of the axis titles, and the side that they need. */
const TITLE = 18;
const SHORTEST_SIDE = 150;
/** Between the axis title, the labels and the cells. */
const SPACE = 8;
/** Half a label's height, where cells are smaller. */
const EDGE = 7;
/** Of a letter, and of one as wide as it is high. */
const [LETTER, WIDE_LETTER] = [6.3, 12];

/**
 * Square cells: as large as labels want them (at most 22 pixels, 12 for many tokens), at most `room` pixels with the
 * margins, which hold the longest label.
 */
export function matrixLayout(figure: AtlasFigure, room: number): MatrixLayout {
  const keys = keysOf(figure);
  const [left, bottom] = [marginOf(figure), marginOf(keys)];
  const cell = Math.min(wantedCell(figure.size), wantedCell(keys.size), (room - left - EDGE) / keys.size);
  const sideOf = ({ size }: AtlasAxis): number => Math.round(Math.max(SHORTEST_SIDE, cell * size));
  const [across, down] = [sideOf(keys), sideOf(figure)];
  return {
    cell: { width: across / keys.size, height: down / figure.size },
    left,
    bottom,
    top: EDGE,
    width: left + across + EDGE,
    height: EDGE + down + bottom
  };
}

const wantedCell = (size: number): number => Math.min(22, Math.max(400 / size, 12));

/** The title of an axis and its longest label. */
function marginOf(axis: AtlasAxis): number {
  let longest = 0;
  for (let index = 0; index < axis.size; index++) {
    longest = Math.max(longest, labelPixels(tokenLabel(axis, index)));
  }
  return TITLE + SPACE + longest;
}

/** About: East Asian letters and pictures are as wide as they are high. */
const labelPixels = (label: string): number =>
  [...label].reduce((sum, letter) => sum + (letter.codePointAt(0)! >= 0x1100 ? WIDE_LETTER : LETTER), 0);

/** One pixel a cell, or the largest of the cells that share one. */
export function headPixels(
  figure: AtlasFigure,
  { layer, head, hideSink, scale, layout, palette }: MatrixOptions
): HTMLCanvasElement {
  const pixels = document.createElement('canvas');
  const [down, across] = [figure.size, keysOf(figure).size];
  const height = Math.min(down, Math.round(layout.cell.height * down));
  const tile = { width: Math.min(across, Math.round(layout.cell.width * across)), height };
  paintRaster(pixels, rasterHead(figure, layer, head, { tile, hideSink, ...(scale && { scale }), palette }));
  return pixels;
}

/** Draws the head with token labels on both axes: queries down the left, keys along the bottom. */
export function paintMatrix(
  context: CanvasRenderingContext2D,
  figure: AtlasFigure,
  pixels: HTMLCanvasElement,
  { layout, font, fontFamily, cursor, linked, trans }: MatrixOptions
): void {
  const { cell, left, top } = layout;
  const [across, down] = [cell.width * keysOf(figure).size, cell.height * figure.size];
  context.clearRect(0, 0, layout.width, layout.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels, left, top, across, down);
  context.strokeStyle = font;
  context.globalAlpha = 0.35;
  context.strokeRect(left - 0.5, top - 0.5, across + 1, down + 1);
  context.globalAlpha = 1;
  context.fillStyle = font;
  context.font = `${FONT_PIXELS}px ${fontFamily}`;
  paintLabels(context, figure, layout, cursor, trans);
  if (linked) {
    paintLinked(context, layout, [across, down], linked);
  }
  if (cursor) {
    context.lineWidth = 2;
    context.strokeStyle = '#d55e00';
    const [x, y] = [left + cursor.key * cell.width, top + cursor.query * cell.height];
    context.strokeRect(x - 1, y - 1, cell.width + 2, cell.height + 2);
    context.lineWidth = 1;
  }
}

/** A dotted band over each row and each column that is marked. */
function paintLinked(
  context: CanvasRenderingContext2D,
  { left, top, cell }: MatrixLayout,
  [across, down]: readonly [number, number],
  { queries, keys }: MarkedTokens
): void {
  context.save();
  context.setLineDash([2, 2]);
  context.lineWidth = 1.5;
  queries.forEach(index => context.strokeRect(left, top + index * cell.height, across, cell.height));
  keys.forEach(index => context.strokeRect(left + index * cell.width, top, cell.width, down));
  context.restore();
}

function paintLabels(
  context: CanvasRenderingContext2D,
  figure: AtlasFigure,
  { cell, left, top, bottom, width, height }: MatrixLayout,
  cursor: MatrixOptions['cursor'],
  trans: Translate
): void {
  const keys = keysOf(figure);
  const [across, down] = [cell.width * keys.size, cell.height * figure.size];
  context.textBaseline = 'middle';
  const each = (size: number, room: number, marked: number | undefined, draw: (index: number) => void): void => {
    const step = Math.max(1, Math.ceil(FONT_PIXELS / room));
    for (let index = 0; index < size; index++) {
      const near = marked !== undefined && marked !== index && Math.abs(marked - index) < step;
      if (index === marked || (index % step === 0 && !near)) {
        context.globalAlpha = marked === undefined || index === marked ? 1 : 0.6;
        draw(index);
      }
    }
    context.globalAlpha = 1;
  };
  context.textAlign = 'right';
  each(figure.size, cell.height, cursor?.query, index =>
    context.fillText(tokenLabel(figure, index), left - 5, top + (index + 0.5) * cell.height, left - TITLE - SPACE)
  );
  each(keys.size, cell.width, cursor?.key, index =>
    rotated(context, left + (index + 0.5) * cell.width, top + down + 5, () =>
      context.fillText(tokenLabel(keys, index), 0, 0, bottom - TITLE - SPACE)
    )
  );
  context.textAlign = 'center';
  context.globalAlpha = 0.75;
  context.fillText(trans.__('key (source) token'), left + across / 2, height - FONT_PIXELS / 2 - 1, width);
  rotated(context, FONT_PIXELS / 2 + 1, top + down / 2, () =>
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

function tokenLabel(axis: AtlasAxis, index: number): string {
  const [first, last] = positionsOf(axis, index);
  const characters = [...axis.tokens[first]];
  const text =
    characters.length > LONGEST_LABEL ? `${characters.slice(0, LONGEST_LABEL - 1).join('')}…` : characters.join('');
  return first === last ? text : `${first}–${last}`;
}

/** What a cell says, a line each: head, query, key, weight. */
export function cellLines(figure: AtlasFigure, cell: AtlasCell, trans: Translate): readonly string[] {
  const token = (axis: AtlasAxis, index: number): string => {
    const [first, last] = positionsOf(axis, index);
    return first === last ? `‘${axis.tokens[first]}’ (${first})` : trans.__('tokens %1–%2', first, last);
  };
  const masked = figure.causal && cell.key > cell.query;
  return [
    headLabel(figure, cell.layer, cell.head),
    trans.__('query %1', token(figure, cell.query)),
    trans.__('key %1', token(keysOf(figure), cell.key)),
    masked
      ? trans.__('masked: the key comes later')
      : figure.signed
        ? trans.__('difference %1', readersText(weightOf(figure, cell), signedNumber(weightOf(figure, cell), 3)))
        : trans.__('weight %1', readersText(weightOf(figure, cell), weightOf(figure, cell).toFixed(3)))
  ];
}
