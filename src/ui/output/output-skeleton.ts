import { element } from '../element';

/** Where the figures will be, while nothing of them is there. */
export const outputSkeleton = (): HTMLElement =>
  element(
    'div',
    { class: 'jp-orrery-output-skeleton', 'aria-hidden': 'true' },
    element('div', { class: 'jp-mod-line' }),
    element('div', { class: 'jp-mod-figure' }),
    element('div', { class: 'jp-mod-line' })
  );
