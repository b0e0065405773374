import { digitsFor } from '../../figures/digits-for';
import { signedNumber } from '../../figures/signed-number';
import { copyKey } from '../copy-key';
import { element } from '../element';
import { moveOf } from '../grid-moves';
import { loadPlotly } from '../figures/load-plotly';
import { readersText } from '../figures/reader-choices';
import type { Translate } from '../translate';
import type { Link } from './linking';
import type { PlotPoint, PointedAt, ShownAt } from './plotly-points';
import { placeIn } from './plotly-points';
import { NOTHING, isNothing } from './selection';

/** Plotly's own way to show a point as if the pointer were on it; its types leave it out. */
interface Pointing {
  readonly Fx?: {
    hover(node: HTMLElement, at: ShownAt, subplot: string): void;
    loneUnhover?(node: HTMLElement): void;
    unhover(node: HTMLElement, event?: object): void;
  };
}

export interface PlotlyCursor {
  /** Announces what is reached. */
  readonly node: HTMLElement;
  /** The pointer is on it: the keys go on from there. */
  point(at: PointedAt): void;
}

/**
 * Makes a drawing one stop for Tab: arrows, Home and End move from point to point, Enter keeps one, Ctrl+C copies its number. What is
 * reached is shown as if pointed at, and announced.
 */
export function plotlyCursor(
  drawing: HTMLElement,
  points: readonly (readonly PlotPoint[])[],
  trans: Translate,
  { linking, keeper }: Link
): PlotlyCursor {
  const said = element('div', { class: 'jp-orrery-hidden', role: 'status' });
  if (points.length === 0) {
    return { node: said, point: () => undefined };
  }
  let place = { row: 0, column: 0 };
  const show = (): void => {
    const point = points[place.row][place.column];
    said.textContent = wordsOf(point, trans);
    linking.point(point.selection);
    void loadPlotly().then(Plotly => {
      const { Fx } = Plotly as unknown as Pointing;
      Fx?.hover(drawing, point.shown, point.subplot);
    });
  };
  Object.entries({
    tabindex: '0',
    role: 'application',
    'aria-roledescription': trans.__('figure'),
    'aria-label': trans.__('Arrow keys read the numbers, Enter marks a part in all figures, Esc lets it go')
  }).forEach(([name, value]) => drawing.setAttribute(name, value));
  drawing.addEventListener('focus', () => drawing.matches(':focus-visible') && show());
  drawing.addEventListener('blur', () => {
    linking.point(NOTHING);
    void loadPlotly().then(Plotly => (Plotly as unknown as Pointing).Fx?.unhover(drawing, {}));
  });
  drawing.addEventListener('keydown', event => {
    const moved = moveOf(event)?.(place, points.length, points[place.row].length);
    const { selection, value } = points[place.row][place.column];
    const say = (words: string): void => void (said.textContent = words);
    if (copyKey(event, value === null ? undefined : String(value), { trans, say })) {
      return;
    }
    if (moved) {
      place = { row: moved.row, column: Math.min(moved.column, points[moved.row].length - 1) };
      show();
    } else if ((event.key === 'Enter' || event.key === ' ') && !isNothing(selection)) {
      linking.toggle(selection, keeper);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  return { node: said, point: at => (place = placeIn(points, at) ?? place) };
}

const wordsOf = ({ name, value }: PlotPoint, trans: Translate): string =>
  value === null
    ? trans.__('%1: not computed', name)
    : `${name}: ${readersText(value, signedNumber(value, digitsFor(Math.abs(value), 3)))}`;
