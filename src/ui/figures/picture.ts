import { headLabel } from '../../figures/atlas';
import { rasterAtlas, stepsOf } from '../../figures/atlas-raster';
import type { Tile } from '../../figures/atlas-tile';
import { tileOf } from '../../figures/atlas-tile';
import type { AtlasFigure, Figure, PlotlyFigure, TableFigure } from '../../figures/figure';
import { fewerColours } from '../../figures/fewer-colours';
import { inkOn } from '../../figures/ink';
import { ATTENTION_LIGHT } from '../../figures/palettes';
import { pngText } from '../../figures/png';
import { EXPORTED_WIDTH, forExport, LIGHT } from '../../figures/theme';
import type { Picture } from '../../report/html';
import { headPixels, matrixLayout, paintMatrix } from './head-matrix';
import { inTurn } from './in-turn';
import { loadPlotly } from './load-plotly';
import { paintRaster } from './raster-canvas';
import type { Translate } from '../translate';

/** Base64 characters of one picture; beyond it, the picture is drawn at 1× instead of 2×. */
const LONGEST = 45_000;

/** The figure as a PNG for a page that cannot run us: light, opaque. Undefined for text, and where a canvas fails. */
export async function picture(figure: Figure): Promise<Picture | undefined> {
  for (const scale of [2, 1]) {
    const drawn = await inTurn(() => draw(figure, scale));
    if (!drawn || drawn.png.length <= LONGEST || scale === 1) {
      return drawn;
    }
  }
  return undefined;
}

async function draw(figure: Figure, scale: number): Promise<Picture | undefined> {
  switch (figure.kind) {
    case 'plotly':
      return plotlyPicture(figure, scale);
    case 'atlas':
      if (figure.layers * figure.heads === 1) {
        return headPicture(figure, scale);
      }
      return canvasPicture(atlasSize(figure), scale, context => paintAtlas(context, figure, scale));
    case 'table':
      return canvasPicture(tableSize(figure), scale, context => paintTable(context, figure));
    case 'text':
      return undefined;
  }
}

async function plotlyPicture(figure: PlotlyFigure, scale: number): Promise<Picture> {
  const Plotly = await loadPlotly();
  const { data, layout, config } = forExport(figure);
  const size = { width: EXPORTED_WIDTH, height: layout.height ?? figure.height };
  const url = await Plotly.toImage({ data, layout: { ...layout, ...size }, config }, { format: 'png', scale, ...size });
  const png = (await redrawn(url)) ?? url.slice(url.indexOf(',') + 1);
  return { png, ...size };
}

/** The picture at that address with a palette; undefined where a canvas fails. */
async function redrawn(url: string): Promise<string | undefined> {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) {
    return undefined;
  }
  const image = new Image();
  image.src = url;
  await image.decode();
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  context.drawImage(image, 0, 0);
  return takePng(context);
}

/** The canvas as a PNG of at most 256 colours, in base64; its memory is given back. */
async function takePng(context: CanvasRenderingContext2D): Promise<string> {
  const { canvas } = context;
  const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height);
  canvas.width = canvas.height = 0;
  return pngText(fewerColours({ width, height, rgba: data }));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

async function canvasPicture(
  size: Size,
  scale: number,
  paint: (context: CanvasRenderingContext2D) => void
): Promise<Picture | undefined> {
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(size.width * scale);
  canvas.height = Math.round(size.height * scale);
  const context = canvas.getContext('2d');
  if (!context) {
    return undefined;
  }
  context.scale(scale, scale);
  context.fillStyle = LIGHT.background;
  context.fillRect(0, 0, size.width, size.height);
  context.fillStyle = LIGHT.font;
  context.textBaseline = 'middle';
  paint(context);
  return { png: await takePng(context), ...size };
}

const FONT = (weight: string, pixels: number): string => `${weight} ${pixels}px ${LIGHT.fontFamily}`;
const TITLE = 30;
const LABEL = 34;
const GAP = 4;
const WIDEST_HEAD = 760;
/** Saved pictures read the same everywhere. */
const ENGLISH: Translate = { __: text => text, _n: (one, many, n) => (n === 1 ? one : many) };

const usualTile = (figure: AtlasFigure): Tile =>
  tileOf(figure, Math.max(24, Math.min(110, Math.floor(700 / figure.heads) - GAP)));

/** Of one head alone: large, with its tokens. */
function headPicture(figure: AtlasFigure, scale: number): Promise<Picture | undefined> {
  const layout = matrixLayout(figure, WIDEST_HEAD);
  const { font, fontFamily } = LIGHT;
  const head = { layer: 0, head: 0, hideSink: false };
  const options = { ...head, layout, palette: ATTENTION_LIGHT, font, fontFamily, trans: ENGLISH };
  const size = { width: Math.max(360, layout.width), height: TITLE + layout.height + 8 };
  return canvasPicture(size, scale, context => {
    context.save();
    context.translate(0, TITLE);
    paintMatrix(context, figure, headPixels(figure, options), options);
    context.restore();
    context.font = FONT('bold', 14);
    context.fillText(`${figure.title}, ${headLabel(figure, 0, 0)}`, 8, TITLE / 2);
    // The matrix clears what lies under it.
    context.globalCompositeOperation = 'destination-over';
    context.fillStyle = LIGHT.background;
    context.fillRect(0, 0, size.width, size.height);
  });
}

function atlasSize(figure: AtlasFigure): Size {
  const [step, rise] = stepsOf({ tile: usualTile(figure), gap: GAP });
  return { width: Math.max(360, LABEL + figure.heads * step + 8), height: TITLE + 20 + figure.layers * rise + 8 };
}

function paintAtlas(context: CanvasRenderingContext2D, figure: AtlasFigure, scale: number): void {
  const tile = usualTile(figure);
  const [step, rise] = stepsOf({ tile, gap: GAP });
  context.font = FONT('bold', 14);
  context.fillText(figure.title, 8, TITLE / 2);
  context.font = FONT('normal', 11);
  for (let head = 0; head < figure.heads; head++) {
    context.fillText(`H${figure.headIndices?.[head] ?? head}`, LABEL + head * step, TITLE + 8);
  }
  for (let layer = 0; layer < figure.layers; layer++) {
    context.fillText(`L${figure.layerIndices?.[layer] ?? layer}`, 8, TITLE + 20 + layer * rise + tile.height / 2);
  }
  const enlarged = { width: tile.width * scale, height: tile.height * scale };
  const view = { tile: enlarged, gap: GAP * scale, hideSink: false, palette: ATTENTION_LIGHT };
  const raster = rasterAtlas(figure, view);
  const pixels = document.createElement('canvas');
  paintRaster(pixels, raster);
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels, LABEL, TITLE + 20, raster.width / scale, raster.height / scale);
  context.strokeStyle = LIGHT.grid;
  for (let cell = 0; cell < figure.layers * figure.heads; cell++) {
    const [row, column] = [Math.floor(cell / figure.heads), cell % figure.heads];
    const [x, y] = [LABEL + column * step - 0.5, TITLE + 20 + row * rise - 0.5];
    context.strokeRect(x, y, tile.width + 1, tile.height + 1);
  }
}

const ROW = 20;
/** A column is cut where the table would be wider than `table`. */
const MOST = { rows: 40, columns: 18, column: 260, table: 960 } as const;

/** Later columns are kept: in a lens they are the later positions. */
function tablePart({ columns, rows, corner = '' }: TableFigure) {
  const first = Math.max(0, columns.length - MOST.columns);
  const lines = rows.slice(0, MOST.rows).map(row => ({ ...row, cells: row.cells.slice(first) }));
  const labels = columns.slice(first).map(({ label }) => label);
  const widthOf = (texts: readonly string[]): number => 14 + 6.6 * Math.max(...texts.map(text => text.length));
  const wanted = [
    widthOf([corner, ...lines.map(({ label }) => label)]),
    ...labels.map((label, i) => widthOf([label, ...lines.map(({ cells }) => cells[i].text)]))
  ];
  const fits = wanted.reduce((sum, width) => sum + width, 0) <= MOST.table;
  return {
    lines,
    labels: [corner, ...labels],
    widths: wanted.map(width => (fits ? width : Math.min(MOST.column, width)))
  };
}

function tableSize(figure: TableFigure): Size {
  const { lines, widths } = tablePart(figure);
  return { width: Math.max(360, 16 + widths.reduce((a, b) => a + b, 0)), height: TITLE + ROW * (lines.length + 1) + 8 };
}

function paintTable(context: CanvasRenderingContext2D, figure: TableFigure): void {
  const { lines, labels, widths } = tablePart(figure);
  context.font = FONT('bold', 14);
  context.fillText(figure.title, 8, TITLE / 2);
  const cell = (text: string, x: number, y: number, width: number, weight: string): void => {
    context.font = FONT(weight, 11);
    context.fillText(clipped(text, width), x + 4, y + ROW / 2, width - 6);
  };
  const at = (column: number): number => 8 + widths.slice(0, column).reduce((a, b) => a + b, 0);
  labels.forEach((label, i) => cell(label, at(i), TITLE, widths[i], 'bold'));
  lines.forEach((row, r) => {
    const y = TITLE + ROW * (r + 1);
    context.fillStyle = LIGHT.font;
    cell(row.label, at(0), y, widths[0], 'bold');
    row.cells.forEach(({ text, shade, bold }, c) => {
      context.fillStyle = LIGHT.font;
      if (shade !== undefined) {
        const colour = ATTENTION_LIGHT.ramp[Math.round(255 * Math.min(1, Math.max(0, shade)))];
        context.fillStyle = `rgb(${colour.join(',')})`;
        context.fillRect(at(c + 1), y, widths[c + 1], ROW);
        context.fillStyle = inkOn(colour);
      }
      cell(text, at(c + 1), y, widths[c + 1], bold ? 'bold' : 'normal');
    });
  });
}

const clipped = (text: string, width: number): string => {
  const most = Math.floor((width - 8) / 6.2);
  return text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
};
