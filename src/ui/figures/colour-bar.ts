import type { AttentionPalette } from '../../figures/palettes';
import { element } from '../element';

export interface ColourBar {
  readonly label: string;
  /** Said at either end. */
  readonly low: string;
  readonly high: string;
}

/** What the colours mean; the ramp itself comes from `setRamp` on a node around it. */
export function colourBar({ label, low, high }: ColourBar): HTMLElement {
  return element(
    'div',
    { class: 'jp-orrery-colourbar' },
    element('span', {}, label),
    element(
      'span',
      { class: 'jp-orrery-colourbar-scale' },
      element('span', {}, low),
      element('span', { class: 'jp-orrery-colourbar-ramp', 'aria-hidden': 'true' }),
      element('span', {}, high)
    )
  );
}

/** Gives the colour bars inside `node` a palette's colours. */
export function setRamp(node: HTMLElement, palette: AttentionPalette, signed = false): void {
  const ramp = signed ? palette.signed : palette.ramp;
  const stops = [0, 64, 128, 192, 255].map(at => `rgb(${ramp[at].join(', ')})`);
  node.style.setProperty('--jp-orrery-ramp', `linear-gradient(to right, ${stops.join(', ')})`);
}
