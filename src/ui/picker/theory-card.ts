import type { TheoryCard } from '../../analyses/theory-cards';
import { element } from '../element';
import type { Translate } from '../translate';

/** The card of a family, folded up; nothing where there is none. */
export function theoryCardNode(card: TheoryCard | undefined, trans: Translate): HTMLElement | undefined {
  return (
    card &&
    element(
      'details',
      { class: 'jp-orrery-about' },
      element('summary', {}, trans.__('The theory behind this family of measures')),
      element('p', {}, card.question),
      element('ul', {}, ...card.theorems.map(one => element('li', {}, one))),
      element('p', {}, element('strong', {}, trans.__('What a number says: ')), card.says),
      element('p', {}, element('strong', {}, trans.__('What it does not say: ')), card.silent)
    )
  );
}
