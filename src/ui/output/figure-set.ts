import type { Figure } from '../../figures/figure';
import type { CheckedPayload } from '../../report/validate-payload';
import { element } from '../element';
import { figureView } from '../figures/figure-view';
import type { Link } from '../linking/linking';
import type { Translate } from '../translate';
import type { View } from '../figures/view';

/** Figures of a model's card after these are folded. */
const OPEN_OF_CARD = 2;

/** The figures of one result, drawn into a node. */
export class FigureSet {
  constructor(
    readonly node: HTMLElement,
    private readonly _trans: Translate
  ) {}

  /** In place of what was shown. */
  show(checked: CheckedPayload, link: Link): void {
    const { analysis, payload, spec } = checked;
    const folded = (index: number): boolean => analysis.id === 'model-card' && index >= OPEN_OF_CARD;
    this.draw(analysis.figures(payload.result, spec), link, { folded, under: analysis.title });
    if (this._views.length === 0) {
      const words = this._trans.__('This result holds nothing to draw. Edit… asks for something else.');
      this.node.replaceChildren(element('p', { class: 'jp-orrery-hint' }, words));
    }
  }

  /** The page keeps its height meanwhile. */
  redraw(checked: CheckedPayload, link: Link): void {
    this.node.style.minHeight = `${this.node.getBoundingClientRect().height}px`;
    this.show(checked, link);
    this.node.style.minHeight = '';
  }

  draw(
    figures: readonly Figure[],
    link: Link,
    { folded = () => false, under }: { readonly folded?: (index: number) => boolean; readonly under: string }
  ): void {
    this.clear();
    this._views = figures.map((figure, i) => figureView(figure, this._trans, { folded: folded(i), under, link }));
    this.node.append(...this._views.map(({ node }) => node));
  }

  recolour(): void {
    this._views.forEach(view => view.recolour());
  }

  clear(): void {
    this._views.forEach(view => view.dispose());
    this._views = [];
    this.node.replaceChildren();
  }

  private _views: readonly View[] = [];
}
