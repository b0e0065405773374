import { element } from '../element';
import type { Translate } from '../translate';

const ROWS = [9, 9, 9, 9];

/** The shape of what will come, while the model opens. */
export function skeleton(trans: Translate): HTMLElement {
  const bar = (kind: string): HTMLElement => element('span', { class: `jp-orrery-bone jp-mod-${kind}` });
  const row = (cells: number): HTMLElement =>
    element('div', { class: 'jp-orrery-map-row' }, ...Array.from({ length: cells }, () => bar('cell')));
  return element(
    'div',
    { class: 'jp-orrery-document-top', role: 'img', 'aria-label': trans.__('The model is being opened') },
    element('div', { class: 'jp-orrery-map' }, row(2), ...ROWS.map(row), row(2)),
    element('div', { class: 'jp-orrery-detail' }, ...['title', 'line', 'line', 'line', 'line'].map(bar))
  );
}
