import type { Token } from '../../tokens/tokens';
import { element } from '../element';
import type { Translate } from '../translate';

const MOST = 80;

/** Clean over corrupted, a column a position; what differs is framed, and unequal lengths are said: a patch needs equal ones. */
export function alignedTokens(clean: readonly Token[], corrupted: readonly Token[], trans: Translate): HTMLElement {
  const columns = Math.min(MOST, Math.max(clean.length, corrupted.length));
  const both = clean.length > 0 && corrupted.length > 0;
  const row = (label: string, tokens: readonly Token[], other: readonly Token[]): HTMLElement =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, `${label} (${tokens.length})`),
      ...Array.from({ length: columns }, (_, at) => {
        const token = tokens[at];
        const differs = both && token?.id !== other[at]?.id;
        const title = token ? trans.__('position %1, id %2', at, token.id) : undefined;
        return element(
          'td',
          { class: differs ? 'jp-mod-differs' : undefined, title },
          token ? element('bdi', {}, token.label) : '–'
        );
      })
    );
  return element(
    'div',
    { class: 'jp-orrery-aligned', tabindex: 0, role: 'group', 'aria-label': trans.__('Tokens of both prompts') },
    element(
      'table',
      {},
      element(
        'tbody',
        {},
        row(trans.__('Clean'), clean, corrupted),
        ...(corrupted.length ? [row(trans.__('Corrupted'), corrupted, clean)] : [])
      )
    ),
    both && clean.length !== corrupted.length
      ? element(
          'p',
          { class: 'jp-orrery-fault', role: 'status' },
          trans.__('%1 and %2 tokens: both prompts must have the same number.', clean.length, corrupted.length)
        )
      : undefined
  );
}
