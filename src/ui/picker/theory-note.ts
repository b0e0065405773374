import type { Theory } from '../../analyses/analysis';
import { element } from '../element';
import type { Translate } from '../translate';
import { kindTitles } from './families';

/** What one analysis's number is, its theorem with the papers, and its caveat; folded up. */
export const theoryNote = ({ kind, statement, caveat, references }: Theory, trans: Translate): HTMLElement =>
  element(
    'details',
    { class: 'jp-orrery-about' },
    element('summary', {}, trans.__('What the number is (%1), and what to beware of', kindTitles(trans)[kind])),
    element('p', {}, statement),
    element('p', {}, caveat),
    element('p', {}, references.join('; '))
  );
