import type { Arrangement } from '../../figures/atlas-order';
import { byPlace, byScore, rowsOf } from '../../figures/atlas-order';
import { headLabel } from '../../figures/atlas';
import type { AtlasView } from '../../figures/atlas-raster';
import { atlasCell, rasterAtlas, stepsOf } from '../../figures/atlas-raster';
import type { Tile } from '../../figures/atlas-tile';
import { tileOf } from '../../figures/atlas-tile';
import type { AtlasFigure } from '../../figures/figure';
import { element } from '../element';
import { moveOf } from '../grid-moves';
import { pageColours, pagePalette } from '../figures/page-theme';
import { paintRaster } from '../figures/raster-canvas';
import type { Translate } from '../translate';
import type { AtlasChoice, Head } from './atlas-state';

const GAP = 4;
/** Longer side of a head on a narrow page: all of them fit that room, unless a pointer could no longer hit one. */
const LARGEST_TILE = 120;
const SMALLEST_TILE = 24;
const LEAST_ROOM = { width: 520, height: 640 };
/** Of the page's width, and of the window's height, that the heads take where that is more; at most so many times the least. */
const SHARE = { width: 0.42, height: 0.7 };
const MOST_TIMES = 1.75;
/** Above the heads: their columns' names; at their left the layers'. */
const [NAMES, LAYER_NAMES] = [40, 36];
/** A head under its name, and the name's line. */
const NAMED_TILE = 44;
const BAND = 14;
let made = 0;

export interface GridEvents {
  /** The pointer is over a head; undefined where it left. */
  readonly onPreview: (head: Head | undefined) => void;
  /** By a click, Enter or the space bar. */
  readonly onToggle: (head: Head) => void;
  readonly onMove: (head: Head) => void;
  /** Esc; whether there was something to let go. */
  readonly onRelease: () => boolean;
}

/** All heads on one canvas: one stop for Tab, of which the shown head is the only cell that exists as an element. */
export class HeadGrid {
  readonly node: HTMLElement;

  constructor(
    private readonly _figure: AtlasFigure,
    trans: Translate,
    private readonly _events: GridEvents
  ) {
    const { layers, heads } = _figure;
    this._tile = tileOf(_figure, this._usual);
    this._arrangement = byPlace(_figure);
    const row = element('div', { role: 'row', class: 'jp-orrery-atlas-row' }, this._active);
    this._grid = element('div', {
      role: 'grid',
      tabindex: 0,
      class: 'jp-orrery-atlas-grid',
      'aria-label': trans.__('Attention heads, %1 layers × %2 heads', layers, heads),
      'aria-activedescendant': this._active.id
    });
    this._grid.append(this._canvas, row);
    this.node = element('div', { class: 'jp-orrery-atlas-heads' }, this._columns, this._rows, this._grid);
    this._listen();
    this._label();
    this.node.style.maxHeight = `${this._room.height + NAMES}px`;
  }

  /** Takes a share of so many pixels; whether that changed the heads' size. */
  fit(width: number): boolean {
    const times = Math.min(MOST_TIMES, Math.max(1, (SHARE.width * width) / LEAST_ROOM.width));
    const high = Math.max(LEAST_ROOM.height, SHARE.height * window.innerHeight);
    const room = {
      width: Math.min(LEAST_ROOM.width * times, Math.max(0, width - LAYER_NAMES)),
      height: Math.min(LEAST_ROOM.height * times, high)
    };
    const changed = room.width !== this._room.width || room.height !== this._room.height;
    this._room = room;
    this.node.style.maxHeight = `${room.height + NAMES}px`;
    return changed;
  }

  /** Pixels across. */
  get width(): number {
    return this._arrangement.columns * this._steps[0];
  }

  arrange({ sorting }: Pick<AtlasChoice, 'sorting'>): void {
    this._tile = tileOf(this._figure, sorting ? Math.max(NAMED_TILE, this._usual) : this._usual);
    this._band = sorting ? BAND : 0;
    const columns = Math.floor((this._room.width + GAP) / this._steps[0]);
    this._arrangement = sorting ? byScore(this._figure, sorting, columns) : byPlace(this._figure);
    this._label();
  }

  /** `figure` has the patterns to draw: those given, or renormalised. */
  paint(figure: AtlasFigure, shown: Pick<AtlasView, 'hideSink' | 'scale'>): void {
    const scale = Math.min(3, Math.max(1, Math.round(window.devicePixelRatio || 1)));
    const [width, height, gap, band] = [this._tile.width, this._tile.height, GAP, this._band].map(
      pixels => pixels * scale
    );
    const tile = { width, height };
    const raster = rasterAtlas(figure, { tile, gap, band, ...shown, palette: pagePalette() }, this._arrangement);
    paintRaster(this._canvas, raster);
    this._canvas.style.width = `${raster.width / scale}px`;
    this._canvas.style.height = `${raster.height / scale}px`;
    this._outline(scale);
    this._paintNames(scale);
  }

  /** Around each head, whose empty cells are as the page. */
  private _outline(scale: number): void {
    const context = this._canvas.getContext('2d');
    if (!context) {
      return;
    }
    const [step, rise] = this._steps;
    const { columns, order } = this._arrangement;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.strokeStyle = pageColours().grid;
    order.forEach((_, place) => {
      const [x, y] = [(place % columns) * step, Math.floor(place / columns) * rise + this._band];
      context.strokeRect(x + 0.5, y + 0.5, this._tile.width - 1, this._tile.height - 1);
    });
  }

  /** The ring, and the head in words. */
  mark(head: Head, locked: boolean, words: string): void {
    this._shown = head;
    const at = this._placeOf(head);
    this._active.hidden = at < 0;
    const { columns } = this._arrangement;
    const [row, column] = [Math.floor(at / columns), at % columns];
    const [step, rise] = this._steps;
    Object.assign(this._active.style, {
      left: `${column * step}px`,
      top: `${row * rise + this._band}px`,
      width: `${this._tile.width}px`,
      height: `${this._tile.height}px`
    });
    this._active.classList.toggle('jp-mod-locked', locked);
    this._active.setAttribute('aria-selected', String(locked));
    this._active.setAttribute('aria-rowindex', String(row + 1));
    this._active.setAttribute('aria-colindex', String(column + 1));
    this._active.setAttribute('aria-label', words);
    this._reveal(row, column);
  }

  /** Where the order begins; undefined where no head is shown. */
  get first(): Head | undefined {
    return this._arrangement.order.length > 0 ? this._headAt(0) : undefined;
  }

  /** The head's place in the order, from 0; −1 where it is not shown. */
  rankOf(head: Head): number {
    return this._placeOf(head);
  }

  dispose(): void {
    this._canvas.width = this._canvas.height = 0;
  }

  /** Longer side of a head where they stand by layer. */
  private get _usual(): number {
    const { layers, heads } = this._figure;
    const { width, height } = this._room;
    const fitting = Math.floor(Math.min(width / heads, height / layers)) - GAP;
    const largest = Math.round((LARGEST_TILE * width) / LEAST_ROOM.width);
    return Math.max(SMALLEST_TILE, Math.min(largest, fitting));
  }

  /** From one head to the next, across and down. */
  private get _steps(): readonly [number, number] {
    return stepsOf({ tile: this._tile, gap: GAP, band: this._band });
  }

  /** Scrolls the heads, never the page. */
  private _reveal(row: number, column: number): void {
    if (row < 0 || !this._grid.contains(document.activeElement)) {
      return;
    }
    const [left, top] = [this._grid.offsetLeft, this._grid.offsetTop];
    const [step, rise] = this._steps;
    const near = (from: number, size: number, at: number, room: number): number =>
      Math.min(at, Math.max(from, at + size - room));
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.node;
    this.node.scrollTop = near(scrollTop, rise + top, row * rise, clientHeight);
    this.node.scrollLeft = near(scrollLeft, step + left, column * step, clientWidth);
  }

  private _placeOf({ layer, head }: Head): number {
    return this._arrangement.order.indexOf(layer * this._figure.heads + head);
  }

  private _headAt(place: number): Head {
    const tile = this._arrangement.order[place];
    return { layer: Math.floor(tile / this._figure.heads), head: tile % this._figure.heads };
  }

  /** Layers down the left, heads along the top; nothing where heads stand by a score. */
  private _label(): void {
    const { layers, heads, layerIndices, headIndices } = this._figure;
    const labels = (count: number, indices: readonly number[] | undefined, prefix: string, side: keyof Tile): Node[] =>
      Array.from({ length: this._band ? 0 : count }, (_, i) =>
        element('span', { style: `${side}:${this._tile[side]}px` }, `${prefix}${indices?.[i] ?? i}`)
      );
    this._columns.replaceChildren(...labels(heads, headIndices, 'H', 'width'));
    this._rows.replaceChildren(...labels(layers, layerIndices, 'L', 'height'));
    this._grid.setAttribute('aria-rowcount', String(rowsOf(this._arrangement)));
    this._grid.setAttribute('aria-colcount', String(this._arrangement.columns));
  }

  private _paintNames(scale: number): void {
    const context = this._band ? this._canvas.getContext('2d') : null;
    if (!context) {
      return;
    }
    const { font, fontFamily } = pageColours();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = font;
    context.font = `11px ${fontFamily}`;
    context.textBaseline = 'middle';
    const [step, rise] = this._steps;
    this._arrangement.order.forEach((_, place) => {
      const { layer, head } = this._headAt(place);
      const [row, column] = [Math.floor(place / this._arrangement.columns), place % this._arrangement.columns];
      const y = row * rise + this._band / 2;
      context.fillText(headLabel(this._figure, layer, head), column * step, y, this._tile.width);
    });
  }

  private _hit({ offsetX, offsetY }: MouseEvent): Head | undefined {
    const sizes = { tile: this._tile, gap: GAP, band: this._band };
    return atlasCell(this._figure, sizes, offsetX, offsetY, this._arrangement);
  }

  private _listen(): void {
    const { onPreview, onToggle } = this._events;
    this._canvas.addEventListener('pointermove', event => onPreview(this._hit(event)));
    this._canvas.addEventListener('pointerleave', () => onPreview(undefined));
    this._canvas.addEventListener('click', event => {
      const head = this._hit(event);
      if (head) {
        onToggle(head);
      }
    });
    this._grid.addEventListener('keydown', event => {
      if (this._takesKey(event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
  }

  private _takesKey(event: KeyboardEvent): boolean {
    if (event.key === 'Escape') {
      return this._events.onRelease();
    }
    const at = this._shown ? Math.max(0, this._placeOf(this._shown)) : 0;
    if (event.key === 'Enter' || event.key === ' ') {
      this._events.onToggle(this._headAt(at));
      return true;
    }
    const { columns, order } = this._arrangement;
    const move = moveOf(event);
    if (!move) {
      return false;
    }
    const { row, column } = move(
      { row: Math.floor(at / columns), column: at % columns },
      rowsOf(this._arrangement),
      columns
    );
    this._events.onMove(this._headAt(Math.min(order.length - 1, row * columns + column)));
    return true;
  }

  private _room = LEAST_ROOM;
  private _tile: Tile;
  private _band = 0;
  private _arrangement: Arrangement;
  private _shown: Head | undefined;
  private readonly _grid: HTMLElement;
  private readonly _canvas = element('canvas', { 'aria-hidden': 'true' });
  private readonly _active = element('div', {
    role: 'gridcell',
    id: `orrery-head-${made++}`,
    class: 'jp-orrery-atlas-active'
  });
  private readonly _columns = element('div', {
    class: 'jp-orrery-atlas-columns',
    'aria-hidden': 'true',
    style: `gap:${GAP}px`
  });
  private readonly _rows = element('div', {
    class: 'jp-orrery-atlas-rows',
    'aria-hidden': 'true',
    style: `gap:${GAP}px`
  });
}
