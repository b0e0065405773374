import { keysOf, positionsOf } from '../../figures/atlas';
import type { AtlasAxis, AtlasFigure } from '../../figures/figure';
import type { Edge } from '../../figures/strongest-edges';
import { strongestEdges } from '../../figures/strongest-edges';
import { element } from '../element';
import { pageColours } from '../figures/page-theme';
import { readersText } from '../figures/reader-choices';
import type { Translate } from '../translate';
import type { Head } from './atlas-state';

export interface LinesState {
  readonly figure: AtlasFigure;
  readonly head: Head;
  readonly hideSink: boolean;
}

type Side = 'query' | 'key';
interface Chosen {
  readonly side: Side;
  readonly index: number;
}

/** Pixels of a token's line, and between the columns. */
const LINE = 18;
const BETWEEN = 150;
/** Lines of one token, and of all together. */
const MOST = 32;
const MOST_OF_ALL = 256;
/** Weights that are said. */
const SAID = 4;
/** A smaller weight is neither drawn nor said: it would read 0.00. */
const LEAST = 0.005;

/**
 * Queries down the left, keys down the right, a line from each to each, as wide and as dark as its weight. A token that is pointed at or
 * reached by the arrow keys leaves its own lines alone: outgoing ones of a query, incoming ones of a key; a click or Enter keeps it.
 */
export class TokenLines {
  readonly node: HTMLElement;

  constructor(private readonly _trans: Translate) {
    this._lists = { query: this._list('query'), key: this._list('key') };
    const columns = element(
      'div',
      { class: 'jp-orrery-lines-columns' },
      this._lists.query,
      this._canvas,
      this._lists.key
    );
    this.node = element(
      'div',
      { class: 'jp-orrery-lines' },
      element(
        'div',
        { class: 'jp-orrery-lines-heads', 'aria-hidden': 'true' },
        element('span', {}, _trans.__('query (destination) token')),
        element('span', {}, _trans.__('key (source) token'))
      ),
      element('div', { class: 'jp-orrery-lines-scroll' }, columns),
      this._readout
    );
  }

  show(state: LinesState): void {
    if (this._state?.figure.tokens !== state.figure.tokens || this._state.figure.keys !== state.figure.keys) {
      this._fill(state.figure);
      this._kept = this._pointed = undefined;
    }
    this._state = state;
    this._paint();
  }

  dispose(): void {
    this._canvas.width = this._canvas.height = 0;
  }

  private _list(side: Side): HTMLElement {
    const label = side === 'query' ? this._trans.__('Query tokens') : this._trans.__('Key tokens');
    const list = element('div', { class: `jp-orrery-lines-${side}`, role: 'listbox', 'aria-label': label });
    const indexOf = ({ target }: Event): number =>
      target instanceof Element ? [...list.children].indexOf(target.closest('[role=option]')!) : -1;
    const at = (event: Event): Chosen | undefined => {
      const index = indexOf(event);
      return index < 0 ? undefined : { side, index };
    };
    list.addEventListener('pointerover', event => this._point(at(event)));
    list.addEventListener('pointerleave', () => this._point(undefined));
    list.addEventListener('focusin', event => this._point(at(event)));
    list.addEventListener('focusout', () => this._point(undefined));
    list.addEventListener('click', event => this._keep(at(event)));
    list.addEventListener('keydown', event => this._onKey(event, at(event)));
    return list;
  }

  private _fill(figure: AtlasFigure): void {
    for (const side of ['query', 'key'] as const) {
      const axis = axisOf(figure, side);
      this._lists[side].replaceChildren(
        ...Array.from({ length: axis.size }, (_, index) =>
          element(
            'div',
            { role: 'option', tabindex: index ? -1 : 0, 'aria-selected': 'false', style: `height:${LINE}px` },
            element('bdi', {}, tokenAt(axis, index).token),
            element('span', {}, tokenAt(axis, index).place),
            element('strong', {})
          )
        )
      );
    }
  }

  private _point(chosen: Chosen | undefined): void {
    this._pointed = chosen;
    this._paint();
  }

  private _keep(chosen: Chosen | undefined): void {
    const again = chosen && this._kept?.side === chosen.side && this._kept.index === chosen.index;
    this._kept = again ? undefined : chosen;
    if (chosen) {
      this._focus(chosen);
    }
    this._paint();
  }

  private _focus({ side, index }: Chosen): void {
    const options = [...this._lists[side].children] as HTMLElement[];
    options.forEach((option, i) => (option.tabIndex = i === index ? 0 : -1));
    options[index].focus();
  }

  private _onKey(event: KeyboardEvent, at: Chosen | undefined): void {
    const { side, index } = at ?? { side: 'query' as const, index: 0 };
    const on = (to: Side, place: number): Chosen => {
      const last = this._lists[to].childElementCount - 1;
      return { side: to, index: Math.max(0, Math.min(last, place)) };
    };
    const to: Readonly<Record<string, Chosen>> = {
      ArrowUp: on(side, index - 1),
      ArrowDown: on(side, index + 1),
      Home: on(side, 0),
      End: on(side, Infinity),
      ArrowLeft: on('query', index),
      ArrowRight: on('key', index)
    };
    if (to[event.key]) {
      this._focus(to[event.key]);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this._keep(at);
    } else if (event.key === 'Escape' && this._kept) {
      this._keep(undefined);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private _paint(): void {
    const state = this._state;
    if (!state) {
      return;
    }
    const chosen = this._pointed ?? this._kept;
    const { figure, head, hideSink } = state;
    const most = chosen ? MOST : Math.min(MOST_OF_ALL, 4 * figure.size);
    const edges = strongestEdges(figure, { ...head, hideSink, most, least: LEAST, ...(chosen && { from: chosen }) });
    this._mark(edges, chosen);
    this._draw(edges, Math.max(figure.size, keysOf(figure).size));
    this._say(edges, chosen, figure);
  }

  /** Weights beside the tokens at the other end. */
  private _mark(edges: readonly Edge[], chosen: Chosen | undefined): void {
    for (const side of ['query', 'key'] as const) {
      const far = chosen && chosen.side !== side;
      const weights = new Map(far ? edges.map(edge => [edge[side], edge.weight]) : []);
      [...this._lists[side].children].forEach((option, index) => {
        const own = chosen?.side === side && chosen.index === index;
        const kept = this._kept?.side === side && this._kept.index === index;
        option.classList.toggle('jp-mod-chosen', own);
        option.classList.toggle('jp-mod-kept', kept);
        option.setAttribute('aria-selected', String(kept));
        option.lastElementChild!.textContent = weights.has(index) ? weightText(weights.get(index)!) : '';
      });
    }
  }

  private _draw(edges: readonly Edge[], size: number): void {
    const scale = window.devicePixelRatio || 1;
    const height = size * LINE;
    this._canvas.width = Math.round(BETWEEN * scale);
    this._canvas.height = Math.round(height * scale);
    this._canvas.style.width = `${BETWEEN}px`;
    this._canvas.style.height = `${height}px`;
    const context = this._canvas.getContext('2d');
    if (!context) {
      return;
    }
    context.scale(scale, scale);
    const colours = pageColours().dark ? { more: '#6baed6', less: '#f4a582' } : { more: '#0b5394', less: '#b2182b' };
    for (const { query, key, weight } of [...edges].reverse()) {
      const [from, to] = [(query + 0.5) * LINE, (key + 0.5) * LINE];
      // What a difference takes away is dashed.
      context.strokeStyle = weight < 0 ? colours.less : colours.more;
      context.setLineDash(weight < 0 ? [4, 3] : []);
      context.globalAlpha = Math.min(1, 0.1 + Math.sqrt(Math.abs(weight)));
      context.lineWidth = 0.75 + 2.25 * Math.abs(weight);
      context.beginPath();
      context.moveTo(0, from);
      context.bezierCurveTo(BETWEEN / 2, from, BETWEEN / 2, to, BETWEEN, to);
      context.stroke();
    }
  }

  private _say(edges: readonly Edge[], chosen: Chosen | undefined, figure: AtlasFigure): void {
    if (!chosen) {
      this._readout.textContent = this._trans.__(
        'The %1 largest weights. Point at a token, or reach it with the arrow keys, for its own; click or Enter keeps it.',
        edges.length
      );
      return;
    }
    const token = (side: Side, index: number): string => tokenWords(axisOf(figure, side), index);
    const far = chosen.side === 'query' ? 'key' : 'query';
    const ends = edges.slice(0, SAID).map(edge => `${token(far, edge[far])} ${weightText(edge.weight)}`);
    const words = ends.length ? ends.join(', ') : this._trans.__('none');
    this._readout.textContent =
      chosen.side === 'query'
        ? this._trans.__('%1 looks at: %2', token('query', chosen.index), words)
        : this._trans.__('%1 is looked at by: %2', token('key', chosen.index), words);
  }

  private _state: LinesState | undefined;
  private _pointed: Chosen | undefined;
  private _kept: Chosen | undefined;
  private readonly _lists: Readonly<Record<Side, HTMLElement>>;
  private readonly _canvas = element('canvas', { 'aria-hidden': 'true' });
  private readonly _readout = element('div', { class: 'jp-orrery-readout', 'aria-live': 'polite' });
}

const axisOf = (figure: AtlasFigure, side: Side): AtlasAxis => (side === 'query' ? figure : keysOf(figure));

/** Of a group of pooled positions only their numbers. */
function tokenAt(axis: AtlasAxis, index: number): { readonly token: string; readonly place: string } {
  const [first, last] = positionsOf(axis, index);
  return first === last
    ? { token: axis.tokens[first], place: String(first) }
    : { token: '', place: `${first}–${last}` };
}

/** '‘cat’ (4)' */
function tokenWords(axis: AtlasAxis, index: number): string {
  const { token, place } = tokenAt(axis, index);
  return token ? `‘${token}’ (${place})` : `(${place})`;
}

const weightText = (weight: number): string => readersText(weight, weight.toFixed(2));
