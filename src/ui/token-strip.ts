import type { Token } from '../tokens/tokens';
import { element } from './element';
import type { Translate } from './translate';

const MOST = 400;

/** Tokens in reading order, each with its label, id and place in the text. */
export function tokenStrip(tokens: readonly Token[], trans: Translate): HTMLElement {
  const chips = tokens.slice(0, MOST).map(({ id, label, start, end }, index) => {
    const span = start === end ? '–' : `${start}–${end}`;
    return element(
      'li',
      { class: 'jp-orrery-token', title: trans.__('token %1: id %2, characters %3', index, id, span) },
      element('bdi', {}, label),
      element('span', {}, String(id)),
      element('span', {}, span)
    );
  });
  const rest = tokens.length - chips.length;
  return element(
    'ol',
    { class: 'jp-orrery-tokens', 'aria-label': trans.__('Tokens: label, id, characters'), tabindex: 0 },
    ...chips,
    rest > 0 ? element('li', {}, trans._n('and %1 more', 'and %1 more', rest)) : undefined
  );
}
