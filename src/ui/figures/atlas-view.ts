import { headLabel } from '../../figures/atlas';
import type { AtlasFigure } from '../../figures/figure';
import { withoutFirst } from '../../figures/without-first';
import type { AtlasControls } from '../atlas/atlas-controls';
import { atlasControls } from '../atlas/atlas-controls';
import type { Head, Pair } from '../atlas/atlas-state';
import { sameHead } from '../atlas/atlas-state';
import type { DetailState } from '../atlas/head-detail';
import { HeadDetail } from '../atlas/head-detail';
import { HeadGrid } from '../atlas/head-grid';
import { setRamp } from './colour-bar';
import { element } from '../element';
import type { AtlasLink, AtlasMarks, MarkedTokens } from '../linking/atlas-link';
import { atlasLink } from '../linking/atlas-link';
import type { Link } from '../linking/linking';
import { pagePalette } from './page-theme';
import { readersText } from './reader-choices';
import { sharpestHead } from './sharpest-head';
import type { Translate } from '../translate';
import type { View } from './view';

/** Beside the heads: their layers' labels and the gap to the matrix; the matrix moves below where less than this is left. */
const BESIDE = 80;
const NARROWEST = 380;
/** On a wide page the matrix, which is square, stays within the window; as wide as on a usual page it may be. */
const WINDOW_SHARE = 0.85;
const USUAL_MATRIX = 640;
/** Room taken where the node has no width yet. */
const USUAL = 1000;

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
    this._drawn = _figure;
    this._shown = sharpestHead(_figure);
    this._controls = atlasControls(_figure, _trans, () => this._rearrange());
    this._grid = new HeadGrid(_figure, _trans, {
      onPreview: head => this._preview(head),
      onToggle: head => this._toggle(head),
      onMove: head => this._move(head),
      onRelease: () => this._release()
    });
    this._detail = new HeadDetail(_figure.signed ?? false, _trans, { onPoint: pair => this._point(pair) });
    this.node = element(
      'div',
      { class: 'jp-orrery-atlas' },
      this._controls.node,
      this._grid.node,
      this._detail.node,
      element(
        'p',
        { class: 'jp-orrery-hint jp-orrery-atlas-help' },
        _trans.__(
          'Point at a head to see it, click to keep it, Esc to let go; arrow keys move. In the matrix Ctrl+C copies the weight.'
        )
      )
    );
    this._resizes = new ResizeObserver(() => this._fit(this.node.clientWidth));
    this._resizes.observe(this.node);
    this._link = atlasLink(_figure, link, marks => this._follow(marks));
    this.paint();
  }

  dispose(): void {
    this._resizes.disconnect();
    this._link.dispose();
    this._grid.dispose();
    this._detail.dispose();
  }

  paint(): void {
    setRamp(this.node, pagePalette(), this._figure.signed);
    this._grid.paint(this._drawn, this._colouring);
    this._detail.recolour();
    this._mark();
  }

  private get _colouring(): Pick<DetailState, 'hideSink' | 'scale'> {
    const { firstToken, scale } = this._controls.read();
    return { hideSink: firstToken !== 'shown', scale };
  }

  /** The matrix takes what the heads leave it, or a line of its own. */
  private get _room(): number {
    const beside = this._width - this._grid.width - BESIDE;
    const most = Math.max(USUAL_MATRIX, WINDOW_SHARE * window.innerHeight);
    return Math.min(most, beside >= NARROWEST ? beside : this._width);
  }

  private _fit(width: number): void {
    if (width > 0 && width !== this._width) {
      this._width = width;
      if (this._grid.fit(width)) {
        this._grid.arrange(this._controls.read());
        this._grid.paint(this._drawn, this._colouring);
      }
      this._mark();
    }
  }

  private _rearrange(): void {
    const choice = this._controls.read();
    const figure = choice.firstToken === 'renormalised' ? withoutFirst(this._figure) : this._figure;
    this._drawn = choice.marksMask ? figure : { ...figure, causal: false };
    this._grid.arrange(choice);
    if (choice.sorting && !this._locked) {
      this._shown = this._grid.first ?? this._shown;
    }
    this.paint();
  }

  private _preview(head: Head | undefined): void {
    this._link.point(head);
    if (head && !this._locked) {
      this._show(head);
    }
  }

  private _toggle(head: Head): void {
    this._locked = !(this._locked && sameHead(head, this._shown));
    this._show(head);
    this._link.keep(this._locked ? head : undefined);
  }

  private _move(head: Head): void {
    this._show(head);
    this._link[this._locked ? 'keep' : 'point'](head);
  }

  private _release(): boolean {
    const locked = this._locked;
    this._locked = false;
    if (locked) {
      this._link.keep(undefined);
      this._mark();
    }
    return locked;
  }

  /** What the other figures point at, or keep. */
  private _follow({ head, kept, tokens }: AtlasMarks): void {
    this._locked = kept;
    this._linked = tokens;
    this._show(head ?? this._shown);
  }

  private _show({ layer, head }: Head): void {
    if (!sameHead({ layer, head }, this._shown)) {
      this._pair = undefined;
    }
    this._shown = { layer, head };
    this._mark();
  }

  private _point(pair: Pair | undefined): void {
    if (pair?.query !== this._pair?.query || pair?.key !== this._pair?.key) {
      this._pair = pair;
      this._link.point(pair && this._shown, pair);
      this._mark();
    }
  }

  /** Ring on the heads, and the head with its tokens. */
  private _mark(): void {
    const { layer, head } = this._shown;
    const name = headLabel(this._drawn, layer, head);
    const title = [this._locked ? this._trans.__('%1, kept', name) : name, this._scored()].filter(Boolean).join(' · ');
    const words = [this._trans.__('Layer %1, head %2', ...name.slice(1).split('H')), this._scored()];
    this._grid.mark(this._shown, this._locked, words.filter(Boolean).join(', '));
    this._detail.show(
      {
        figure: this._drawn,
        head: this._shown,
        title,
        ...this._colouring,
        pair: this._pair,
        linked: this._linked
      },
      this._room
    );
  }

  /** 'Induction 0.92, 1 of 144' */
  private _scored(): string {
    const score = this._controls.read().sorting?.score;
    const value = score?.values[this._shown.layer * this._figure.heads + this._shown.head];
    if (!score || value === undefined || !Number.isFinite(value)) {
      return '';
    }
    const rank = this._grid.rankOf(this._shown);
    const said = `${score.label} ${readersText(value, value.toFixed(2))}`;
    return rank < 0 ? said : this._trans.__('%1, place %2', said, rank + 1);
  }

  private readonly _controls: AtlasControls;
  private readonly _grid: HeadGrid;
  private readonly _detail: HeadDetail;
  private readonly _resizes: ResizeObserver;
  /** The figure as it is drawn: as given, or renormalised. */
  private _drawn: AtlasFigure;
  private _width = USUAL;
  private _shown: Head;
  private _locked = false;
  private _pair: Pair | undefined;
  private _linked: MarkedTokens = { queries: [], keys: [] };
  private readonly _link: AtlasLink;
}
