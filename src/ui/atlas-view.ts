import { headLabel } from '../figures/atlas';
import type { AtlasCell } from '../figures/atlas-raster';
import { atlasCell, rasterAtlas } from '../figures/atlas-raster';
import type { AtlasFigure } from '../figures/figure';
import { element } from './element';
import { describeCell, matrixLayout, paintMatrix } from './head-matrix';
import { pageColours, pagePalette } from './page-theme';
import { paintRaster } from './raster-canvas';
import type { Translate } from './translate';
import type { View } from './view';

const GAP = 4;
const LARGEST_TILE = 96;
const SMALLEST_TILE = 24;
const WIDEST = 520;
let made = 0;

/**
 * All heads on one canvas, and beside it one head with its tokens. Pointer over a head shows it, a click (or Enter) keeps
 * it, a second click or Esc lets it go; arrows move through the grid and, inside the matrix, from cell to cell.
 */
export function atlasView(figure: AtlasFigure, trans: Translate): View {
  const view = new AtlasView(figure, trans);
  return { node: view.node, recolour: () => view.paint(), dispose: () => view.dispose() };
}

class AtlasView {
  readonly node: HTMLElement;

  constructor(
    private readonly _figure: AtlasFigure,
    private readonly _trans: Translate
  ) {
    this._tile = Math.max(SMALLEST_TILE, Math.min(LARGEST_TILE, Math.floor(WIDEST / _figure.heads) - GAP));
    this._shown = sharpestHead(_figure);
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
      'aria-activedescendant': this._active.id,
      'data-lm-suppress-shortcuts': 'true'
    });
    this._grid.append(this._atlas, row);
    this._matrix.setAttribute('tabindex', '0');
    this._matrix.setAttribute('role', 'img');
    this._matrix.setAttribute('data-lm-suppress-shortcuts', 'true');
    this.node = element(
      'div',
      { class: 'jp-orrery-atlas' },
      element('div', { class: 'jp-orrery-atlas-controls' }, ...this._controls()),
      element('div', { class: 'jp-orrery-atlas-heads' }, this._labels('column'), this._labels('row'), this._grid),
      element('div', { class: 'jp-orrery-atlas-detail' }, this._name, this._matrix, this._readout)
    );
    this._listen();
    this.paint();
  }

  dispose(): void {
    for (const canvas of [this._atlas, this._matrix]) {
      canvas.width = canvas.height = 0;
    }
  }

  paint(): void {
    const scale = Math.min(3, Math.max(1, Math.round(window.devicePixelRatio || 1)));
    const view = { tile: this._tile * scale, gap: GAP * scale, hideSink: this._sink.checked, palette: pagePalette() };
    const raster = rasterAtlas(this._figure, view);
    paintRaster(this._atlas, raster);
    this._atlas.style.width = `${raster.width / scale}px`;
    this._atlas.style.height = `${raster.height / scale}px`;
    this._paintDetail();
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
    this._matrix.addEventListener('pointermove', event => this._point(this._matrixCell(event)));
    this._matrix.addEventListener('pointerleave', () => this._point(undefined));
    this._matrix.addEventListener('keydown', event => this._onMatrixKey(event));
  }

  private _hit(event: PointerEvent | MouseEvent): Head | undefined {
    return atlasCell(this._figure, { tile: this._tile, gap: GAP }, event.offsetX, event.offsetY);
  }

  private _matrixCell({ offsetX, offsetY }: PointerEvent): Cursor | undefined {
    const { cell, left, top } = matrixLayout(this._figure);
    const [key, query] = [Math.floor((offsetX - left) / cell), Math.floor((offsetY - top) / cell)];
    const inside = key >= 0 && query >= 0 && key < this._figure.size && query < this._figure.size;
    return inside ? { query, key } : undefined;
  }

  private _preview(head: Head | undefined): void {
    if (head && !this._locked) {
      this._show(head);
    }
  }

  private _toggle(head: Head | undefined): void {
    if (head) {
      this._locked = !(this._locked && same(head, this._shown));
      this._show(head);
    }
  }

  private _show(head: Head): void {
    if (!same(head, this._shown)) {
      this._cursor = undefined;
    }
    this._shown = { layer: head.layer, head: head.head };
    this._paintDetail();
  }

  private _point(cursor: Cursor | undefined): void {
    this._cursor = cursor;
    this._paintDetail();
  }

  private _onGridKey(event: KeyboardEvent): void {
    const { layers, heads } = this._figure;
    if (event.key === 'Escape' && this._locked) {
      this._locked = false;
      this._paintDetail();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this._toggle(this._shown);
    } else {
      const moved = MOVES[event.key]?.({ row: this._shown.layer, column: this._shown.head }, layers, heads);
      if (!moved) {
        return;
      }
      this._show({ layer: moved.row, head: moved.column });
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
      this._point(undefined);
      event.stopPropagation();
    }
  }

  private _paintDetail(): void {
    const { layer, head } = this._shown;
    const layout = matrixLayout(this._figure);
    const scale = window.devicePixelRatio || 1;
    this._matrix.width = Math.round(layout.width * scale);
    this._matrix.height = Math.round(layout.height * scale);
    this._matrix.style.width = `${layout.width}px`;
    this._matrix.style.height = `${layout.height}px`;
    const context = this._matrix.getContext('2d');
    if (context) {
      context.scale(scale, scale);
      const { font, fontFamily } = pageColours();
      const cursor = this._cursor ? { cursor: this._cursor } : {};
      const colours = { palette: pagePalette(), font, fontFamily };
      paintMatrix(context, this._figure, { layer, head, hideSink: this._sink.checked, layout, ...colours, ...cursor });
    }
    this._mark();
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
      ? describeCell(this._figure, { layer, head, ...this._cursor })
      : this._trans.__('Point at a cell, or press the arrow keys in the matrix, to read query, key and weight.');
  }

  private readonly _tile: number;
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
}

type Head = Pick<AtlasCell, 'layer' | 'head'>;
type Cursor = Pick<AtlasCell, 'query' | 'key'>;
interface Place {
  readonly row: number;
  readonly column: number;
}

const clamp = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));

/** Keys that move in a grid of rows × columns. */
const MOVES: Readonly<Record<string, (from: Place, rows: number, columns: number) => Place>> = {
  ArrowUp: ({ row, column }, rows) => ({ row: clamp(row - 1, rows), column }),
  ArrowDown: ({ row, column }, rows) => ({ row: clamp(row + 1, rows), column }),
  ArrowLeft: ({ row, column }, _, columns) => ({ row, column: clamp(column - 1, columns) }),
  ArrowRight: ({ row, column }, _, columns) => ({ row, column: clamp(column + 1, columns) }),
  Home: ({ row }) => ({ row, column: 0 }),
  End: ({ row }, _, columns) => ({ row, column: columns - 1 })
};

const same = (a: Head, b: Head): boolean => a.layer === b.layer && a.head === b.head;

/** The head with the largest weight off the diagonal and the first column, summed over rows: where there is most to see. */
function sharpestHead({ patterns, layers, heads, size }: AtlasFigure): Head {
  let [best, most] = [0, -1];
  for (let tile = 0; tile < layers * heads; tile++) {
    let sum = 0;
    for (let query = 1; query < size; query++) {
      const row = (tile * size + query) * size;
      let largest = 0;
      for (let key = 1; key < size; key++) {
        largest = key === query ? largest : Math.max(largest, patterns[row + key]);
      }
      sum += largest;
    }
    [best, most] = sum > most ? [tile, sum] : [best, most];
  }
  return { layer: Math.floor(best / heads), head: best % heads };
}
