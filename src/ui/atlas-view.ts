import { headLabel } from '../figures/atlas';
import type { AtlasCell } from '../figures/atlas-raster';
import { atlasCell, rasterAtlas } from '../figures/atlas-raster';
import type { AtlasFigure } from '../figures/figure';
import { colourBar, setRamp } from './colour-bar';
import { element } from './element';
import { MOVES } from './grid-moves';
import type { MatrixLayout, MatrixOptions } from './head-matrix';
import { cellLines, headPixels, matrixLayout, paintMatrix } from './head-matrix';
import type { AtlasLink, AtlasMarks } from './linking/atlas-link';
import { atlasLink } from './linking/atlas-link';
import type { Link } from './linking/linking';
import { pageColours, pagePalette } from './page-theme';
import { popover } from './popover';
import { paintRaster } from './raster-canvas';
import { sharpestHead } from './sharpest-head';
import type { Translate } from './translate';
import type { View } from './view';

const GAP = 4;
/** Side of a head: all of them fit 520 × 640 pixels, unless a pointer could no longer hit one. */
const LARGEST_TILE = 120;
const SMALLEST_TILE = 24;
const WIDEST = 520;
const HIGHEST = 640;
/** Beside the heads: their layers' labels and the gap to the matrix; the matrix moves below where less than this is left. */
const BESIDE = 80;
const NARROWEST = 380;
/** Room taken where the node has no width yet. */
const USUAL = 1000;
let made = 0;

/**
 * All heads on one canvas, and beside it one head with its tokens. Pointer over a head shows it, a click (or Enter) keeps
 * it, a second click or Esc lets it go; arrows move through the grid and, inside the matrix, from cell to cell.
 */
export function atlasView(figure: AtlasFigure, trans: Translate, link: Link): View {
  const view = new AtlasView(figure, trans, link);
  return { node: view.node, recolour: () => view.paint(), dispose: () => view.dispose() };
}

class AtlasView {
  readonly node: HTMLElement;

  constructor(
    private readonly _figure: AtlasFigure,
    private readonly _trans: Translate,
    link: Link
  ) {
    const fitting = Math.floor(Math.min(WIDEST / _figure.heads, HIGHEST / _figure.layers)) - GAP;
    this._tile = Math.max(SMALLEST_TILE, Math.min(LARGEST_TILE, fitting));
    this._layout = matrixLayout(_figure, this._roomOf(USUAL));
    this._shown = sharpestHead(_figure);
    this._bar = colourBar({ label: _trans.__('attention weight'), low: '0', high: '1' });
    this._sink = element('input', { type: 'checkbox' });
    this._sink.addEventListener('change', () => this.paint());
    const { layers, heads } = _figure;
    this._active = element('div', { role: 'gridcell', id: `orrery-head-${made++}`, class: 'jp-orrery-atlas-active' });
    const row = element('div', { role: 'row', class: 'jp-orrery-atlas-row' }, this._active);
    this._grid = element('div', {
      role: 'grid',
      tabindex: 0,
      class: 'jp-orrery-atlas-grid',
      'aria-label': _trans.__('Attention heads, %1 layers × %2 heads', layers, heads),
      'aria-rowcount': layers,
      'aria-colcount': heads,
      'aria-activedescendant': this._active.id
    });
    this._grid.append(this._atlas, row);
    this._matrix.setAttribute('tabindex', '0');
    this._matrix.setAttribute('role', 'img');
    this.node = element(
      'div',
      { class: 'jp-orrery-atlas' },
      element('div', { class: 'jp-orrery-atlas-controls' }, ...this._controls()),
      element('div', { class: 'jp-orrery-atlas-heads' }, this._labels('column'), this._labels('row'), this._grid),
      element(
        'div',
        { class: 'jp-orrery-atlas-detail' },
        this._name,
        this._matrix,
        this._bar,
        this._readout,
        this._tip.node
      )
    );
    this._listen();
    this._resizes = new ResizeObserver(() => this._fit(this.node.clientWidth));
    this._resizes.observe(this.node);
    this._link = atlasLink(_figure, link, marks => this._follow(marks));
    this.paint();
  }

  dispose(): void {
    this._resizes.disconnect();
    this._link.dispose();
    this._tip.hide();
    for (const canvas of [this._atlas, this._matrix]) {
      canvas.width = canvas.height = 0;
    }
  }

  paint(): void {
    this._pixels = undefined;
    setRamp(this.node, pagePalette());
    this._bar.lastElementChild!.textContent = this._sink.checked ? this._trans.__('the largest shown') : '1';
    const scale = Math.min(3, Math.max(1, Math.round(window.devicePixelRatio || 1)));
    const view = { tile: this._tile * scale, gap: GAP * scale, hideSink: this._sink.checked, palette: pagePalette() };
    const raster = rasterAtlas(this._figure, view);
    paintRaster(this._atlas, raster);
    this._atlas.style.width = `${raster.width / scale}px`;
    this._atlas.style.height = `${raster.height / scale}px`;
    this._paintDetail();
  }

  /** The matrix takes what the heads leave it, or a line of its own. */
  private _roomOf(width: number): number {
    const beside = width - this._figure.heads * (this._tile + GAP) - BESIDE;
    return beside >= NARROWEST ? beside : width;
  }

  private _fit(width: number): void {
    const layout = matrixLayout(this._figure, this._roomOf(width));
    if (width > 0 && layout.width !== this._layout.width) {
      this._layout = layout;
      this._pixels = undefined;
      this._paintDetail();
    }
  }

  private _controls(): HTMLElement[] {
    const hint = element(
      'span',
      { class: 'jp-orrery-hint' },
      this._trans.__('Point at a head to see it, click to keep it, Esc to let go; arrow keys move.')
    );
    return this._figure.sink
      ? [element('label', {}, this._sink, this._trans.__('Hide the first token (attention sink)')), hint]
      : [hint];
  }

  /** Layers down the left, heads along the top. */
  private _labels(axis: 'row' | 'column'): HTMLElement {
    const { layers, heads, layerIndices, headIndices } = this._figure;
    const [count, indices, prefix] = axis === 'row' ? [layers, layerIndices, 'L'] : [heads, headIndices, 'H'];
    const labels = Array.from({ length: count }, (_, i) =>
      element(
        'span',
        { style: `${axis === 'row' ? 'height' : 'width'}:${this._tile}px` },
        `${prefix}${indices?.[i] ?? i}`
      )
    );
    return element(
      'div',
      { class: `jp-orrery-atlas-${axis}s`, 'aria-hidden': 'true', style: `gap:${GAP}px` },
      ...labels
    );
  }

  private _listen(): void {
    this._atlas.addEventListener('pointermove', event => this._preview(this._hit(event)));
    this._atlas.addEventListener('pointerleave', () => this._preview(undefined));
    this._atlas.addEventListener('click', event => this._toggle(this._hit(event)));
    this._grid.addEventListener('keydown', event => this._onGridKey(event));
    this._matrix.addEventListener('pointermove', event => {
      this._point(this._matrixCell(event));
      this._tell(event);
    });
    this._matrix.addEventListener('pointerleave', () => {
      this._tip.hide();
      this._point(undefined);
    });
    this._matrix.addEventListener('keydown', event => this._onMatrixKey(event));
  }

  private _hit(event: PointerEvent | MouseEvent): Head | undefined {
    return atlasCell(this._figure, { tile: this._tile, gap: GAP }, event.offsetX, event.offsetY);
  }

  private _matrixCell({ offsetX, offsetY }: PointerEvent): Cursor | undefined {
    const { cell, left, top } = this._layout;
    const [key, query] = [Math.floor((offsetX - left) / cell), Math.floor((offsetY - top) / cell)];
    const inside = key >= 0 && query >= 0 && key < this._figure.size && query < this._figure.size;
    return inside ? { query, key } : undefined;
  }

  private _preview(head: Head | undefined): void {
    this._link.point(head);
    if (head && !this._locked) {
      this._show(head);
    }
  }

  private _toggle(head: Head | undefined): void {
    if (head) {
      this._locked = !(this._locked && same(head, this._shown));
      this._show(head);
      this._link.keep(this._locked ? head : undefined);
    }
  }

  /** What the other figures point at, or keep. */
  private _follow({ head, kept, tokens }: AtlasMarks): void {
    this._locked = kept;
    this._linked = tokens;
    this._show(head ?? this._shown);
  }

  private _show(head: Head): void {
    if (!same(head, this._shown)) {
      this._cursor = undefined;
      this._pixels = undefined;
    }
    this._shown = { layer: head.layer, head: head.head };
    this._paintDetail();
  }

  private _point(cursor: Cursor | undefined): void {
    if (cursor?.query !== this._cursor?.query || cursor?.key !== this._cursor?.key) {
      this._cursor = cursor;
      this._link.point(cursor && this._shown, cursor);
      this._paintDetail();
    }
  }

  /** Query, key and weight beside the pointer. */
  private _tell({ clientX, clientY }: PointerEvent): void {
    if (this._cursor) {
      const lines = cellLines(this._figure, { ...this._shown, ...this._cursor });
      this._tip.show(lines, () => ({ left: clientX + 12, top: clientY - 8, bottom: clientY + 8 }));
    } else {
      this._tip.hide();
    }
  }

  private _onGridKey(event: KeyboardEvent): void {
    const { layers, heads } = this._figure;
    if (event.key === 'Escape' && this._locked) {
      this._locked = false;
      this._link.keep(undefined);
      this._paintDetail();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this._toggle(this._shown);
    } else {
      const moved = MOVES[event.key]?.({ row: this._shown.layer, column: this._shown.head }, layers, heads);
      if (!moved) {
        return;
      }
      const next = { layer: moved.row, head: moved.column };
      this._show(next);
      this._link[this._locked ? 'keep' : 'point'](next);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private _onMatrixKey(event: KeyboardEvent): void {
    const { size } = this._figure;
    const from = this._cursor ?? { query: size - 1, key: 0 };
    const moved = MOVES[event.key]?.({ row: from.query, column: from.key }, size, size);
    if (moved) {
      this._point({ query: moved.row, key: moved.column });
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Escape' && this._cursor) {
      this._tip.hide();
      this._point(undefined);
      event.stopPropagation();
    }
  }

  private _paintDetail(): void {
    const layout = this._layout;
    const scale = window.devicePixelRatio || 1;
    this._matrix.width = Math.round(layout.width * scale);
    this._matrix.height = Math.round(layout.height * scale);
    this._matrix.style.width = `${layout.width}px`;
    this._matrix.style.height = `${layout.height}px`;
    (this._matrix.parentElement ?? this._matrix).style.width = `${layout.width}px`;
    const context = this._matrix.getContext('2d');
    if (context) {
      const options = this._matrixOptions();
      context.scale(scale, scale);
      paintMatrix(context, this._figure, (this._pixels ??= headPixels(this._figure, options)), options);
    }
    this._mark();
  }

  private _matrixOptions(): MatrixOptions {
    const { font, fontFamily } = pageColours();
    return {
      ...this._shown,
      hideSink: this._sink.checked,
      layout: this._layout,
      palette: pagePalette(),
      font,
      fontFamily,
      linked: this._linked,
      ...(this._cursor ? { cursor: this._cursor } : {})
    };
  }

  /** Ring on the atlas, words beside it. */
  private _mark(): void {
    const { layer, head } = this._shown;
    const name = headLabel(this._figure, layer, head);
    const step = this._tile + GAP;
    Object.assign(this._active.style, {
      left: `${head * step}px`,
      top: `${layer * step}px`,
      width: `${this._tile}px`,
      height: `${this._tile}px`
    });
    this._active.classList.toggle('jp-mod-locked', this._locked);
    this._active.setAttribute('aria-selected', String(this._locked));
    this._active.setAttribute('aria-rowindex', String(layer + 1));
    this._active.setAttribute('aria-colindex', String(head + 1));
    this._active.setAttribute('aria-label', this._trans.__('Layer %1, head %2', ...name.slice(1).split('H')));
    this._name.textContent = this._locked ? this._trans.__('%1, kept', name) : name;
    this._matrix.setAttribute('aria-label', this._trans.__('Attention of head %1', name));
    this._readout.textContent = this._cursor
      ? cellLines(this._figure, { layer, head, ...this._cursor }).join(' · ')
      : this._trans.__('Point at a cell, or press the arrow keys in the matrix, to read query, key and weight.');
  }

  private readonly _tile: number;
  private _layout: MatrixLayout;
  /** The head's cells as they are shown; painted anew when any of that changes. */
  private _pixels: HTMLCanvasElement | undefined;
  private readonly _resizes: ResizeObserver;
  private readonly _tip = popover({ 'aria-hidden': 'true' });
  private readonly _bar: HTMLElement;
  private readonly _sink: HTMLInputElement;
  private readonly _grid: HTMLElement;
  private readonly _active: HTMLElement;
  private readonly _atlas = element('canvas', { 'aria-hidden': 'true' });
  private readonly _matrix = element('canvas', { class: 'jp-orrery-matrix' });
  private readonly _name = element('div', { class: 'jp-orrery-atlas-name' });
  private readonly _readout = element('div', { class: 'jp-orrery-readout', 'aria-live': 'polite' });
  private _shown: Head;
  private _locked = false;
  private _cursor: Cursor | undefined;
  private _linked: readonly number[] = [];
  private readonly _link: AtlasLink;
}

type Head = Pick<AtlasCell, 'layer' | 'head'>;
type Cursor = Pick<AtlasCell, 'query' | 'key'>;
const same = (a: Head, b: Head): boolean => a.layer === b.layer && a.head === b.head;
