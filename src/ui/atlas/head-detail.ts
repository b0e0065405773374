import { headLabel, keysOf, weightOf } from '../../figures/atlas';
import type { AtlasScale } from '../../figures/atlas-scale';
import { DECADES, endOf } from '../../figures/atlas-scale';
import type { AtlasFigure } from '../../figures/figure';
import { colourBar } from '../figures/colour-bar';
import { copyKey } from '../copy-key';
import { element } from '../element';
import { moveOf } from '../grid-moves';
import type { MatrixLayout } from '../figures/head-matrix';
import { cellLines, headPixels, matrixLayout, paintMatrix } from '../figures/head-matrix';
import { pageColours, pagePalette } from '../figures/page-theme';
import { popover } from '../popover';
import type { MarkedTokens } from '../linking/atlas-link';
import type { Translate } from '../translate';
import type { Head, Pair } from './atlas-state';
import { TokenLines } from './token-lines';

export interface DetailEvents {
  readonly onPoint: (pair: Pair | undefined) => void;
}

/** What the detail shows. */
export interface DetailState {
  readonly figure: AtlasFigure;
  readonly head: Head;
  readonly title: string;
  readonly hideSink: boolean;
  readonly scale: AtlasScale;
  readonly pair: Pair | undefined;
  /** Tokens that another figure points at. */
  readonly linked: MarkedTokens;
}

/** One head with its tokens, as a matrix or as lines between two columns of tokens; what is pointed at is said below. */
export class HeadDetail {
  readonly node: HTMLElement;

  constructor(
    private readonly _signed: boolean,
    private readonly _trans: Translate,
    private readonly _events: DetailEvents
  ) {
    this._lines = new TokenLines(_trans);
    this._asLines = element('input', { type: 'checkbox' });
    this._asLines.addEventListener('change', () => this._redraw());
    this.node = element(
      'div',
      { class: 'jp-orrery-atlas-detail' },
      element(
        'div',
        { class: 'jp-orrery-atlas-title' },
        this._name,
        element('label', {}, this._asLines, element('span', {}, _trans.__('as lines')))
      ),
      this._matrix,
      this._lines.node,
      this._bar,
      this._readout,
      this._tip.node
    );
    this._listen();
  }

  show(state: DetailState, room: number): void {
    const before = this._state;
    const kept =
      before?.figure === state.figure &&
      before.hideSink === state.hideSink &&
      before.scale.transfer === state.scale.transfer &&
      before.scale.range === state.scale.range;
    if (!kept || before.head.layer !== state.head.layer || before.head.head !== state.head.head) {
      this._pixels = undefined;
    }
    if (before?.figure !== state.figure || room !== this._room) {
      this._layout = matrixLayout(state.figure, room);
      this._pixels = undefined;
      this._room = room;
    }
    this._state = state;
    this._redraw();
  }

  /** What is shown next takes the theme's colours. */
  recolour(): void {
    this._pixels = undefined;
  }

  dispose(): void {
    this._tip.hide();
    this._matrix.width = this._matrix.height = 0;
    this._lines.dispose();
  }

  private _redraw(): void {
    const state = this._state!;
    const lines = this._asLines.checked;
    this._name.textContent = state.title;
    this._matrix.hidden = this._bar.hidden = this._readout.hidden = lines;
    this._lines.node.hidden = !lines;
    this.node.style.width = `${this._layout!.width}px`;
    if (lines) {
      this._lines.show(state);
    } else {
      this._paintMatrix(state, this._layout!);
    }
  }

  private _paintMatrix(state: DetailState, layout: MatrixLayout): void {
    const { figure, head, hideSink, scale: colouring, pair, linked } = state;
    const scale = window.devicePixelRatio || 1;
    this._matrix.width = Math.round(layout.width * scale);
    this._matrix.height = Math.round(layout.height * scale);
    this._matrix.style.width = `${layout.width}px`;
    this._matrix.style.height = `${layout.height}px`;
    const context = this._matrix.getContext('2d');
    if (context) {
      const { font, fontFamily } = pageColours();
      const palette = pagePalette();
      const marks = { linked, ...(pair && { cursor: pair }) };
      const options = {
        ...head,
        hideSink,
        scale: colouring,
        layout,
        palette,
        font,
        fontFamily,
        trans: this._trans,
        ...marks
      };
      context.scale(scale, scale);
      if (!this._pixels) {
        this._pixels = headPixels(figure, options);
        this._sayScale(state);
      }
      paintMatrix(context, figure, this._pixels, options);
    }
    const name = headLabel(figure, head.layer, head.head);
    this._matrix.setAttribute('aria-label', this._trans.__('Attention of head %1', name));
    this._readout.textContent = pair
      ? cellLines(figure, { ...head, ...pair }, this._trans).join(' · ')
      : this._trans.__('Point at a cell, or press the arrow keys in the matrix, to read query, key and weight.');
  }

  /** What the colours stand for, and both ends of the ramp. */
  private _sayScale({ figure, head, hideSink, scale: { transfer, range } }: DetailState): void {
    const end = (endOf(figure, range, hideSink, head.layer * figure.heads + head.head) / 255) ** 2;
    const [high, least] = [end, end / 10 ** DECADES].map(value => String(Number(value.toPrecision(2))));
    const names = {
      root: this._trans.__('square root'),
      linear: this._trans.__('linear'),
      log: this._trans.__('logarithmic')
    };
    const what = this._signed ? this._trans.__('difference of weights') : this._trans.__('attention weight');
    const low = this._signed ? `−${high}` : transfer === 'log' ? `≤ ${least}` : '0';
    // What passes the end has its colour.
    const passes = range === 'most' ? '≥ ' : '';
    const bar = colourBar({
      label: `${what}, ${names[transfer]}`,
      low,
      high: `${passes}${this._signed ? '+' : ''}${high}`
    });
    this._bar.replaceChildren(...bar.childNodes);
  }

  private _listen(): void {
    const { onPoint } = this._events;
    this._matrix.addEventListener('pointermove', event => {
      onPoint(this._pairAt(event));
      this._tell(event);
    });
    this._matrix.addEventListener('pointerleave', () => {
      this._tip.hide();
      onPoint(undefined);
    });
    this._matrix.addEventListener('keydown', event => this._onKey(event));
  }

  private _pairAt({ offsetX, offsetY }: PointerEvent): Pair | undefined {
    const { cell, left, top } = this._layout!;
    const { figure } = this._state!;
    const [key, query] = [Math.floor((offsetX - left) / cell.width), Math.floor((offsetY - top) / cell.height)];
    const inside = key >= 0 && query >= 0 && key < keysOf(figure).size && query < figure.size;
    return inside ? { query, key } : undefined;
  }

  /** Query, key and weight beside the pointer. */
  private _tell({ clientX, clientY }: PointerEvent): void {
    const { figure, head, pair } = this._state!;
    if (pair) {
      const lines = cellLines(figure, { ...head, ...pair }, this._trans);
      this._tip.show(lines, () => ({ left: clientX + 12, top: clientY - 8, bottom: clientY + 8 }));
    } else {
      this._tip.hide();
    }
  }

  private _onKey(event: KeyboardEvent): void {
    const { figure, head, pair } = this._state!;
    const value = pair && String(Number(weightOf(figure, { ...head, ...pair }).toPrecision(4)));
    const say = (words: string): void => void (this._readout.textContent = words);
    if (copyKey(event, value, { trans: this._trans, say })) {
      return;
    }
    const from = pair ?? { query: figure.size - 1, key: 0 };
    const move = moveOf(event);
    if (move) {
      const to = move({ row: from.query, column: from.key }, figure.size, keysOf(figure).size);
      this._events.onPoint({ query: to.row, key: to.column });
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Escape' && pair) {
      this._tip.hide();
      this._events.onPoint(undefined);
      event.stopPropagation();
    }
  }

  private _state: DetailState | undefined;
  private _layout: MatrixLayout | undefined;
  private _room = 0;
  /** The head's cells as they are shown; painted anew when any of that changes. */
  private _pixels: HTMLCanvasElement | undefined;
  private readonly _lines: TokenLines;
  private readonly _bar = element('div', { class: 'jp-orrery-colourbar' });
  private readonly _asLines: HTMLInputElement;
  private readonly _tip = popover({ 'aria-hidden': 'true' });
  private readonly _matrix = element('canvas', { class: 'jp-orrery-matrix', tabindex: 0, role: 'img' });
  private readonly _name = element('div', { class: 'jp-orrery-atlas-name' });
  private readonly _readout = element('div', { class: 'jp-orrery-readout', 'aria-live': 'polite' });
}
