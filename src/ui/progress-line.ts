import type { Progress } from '../subject/context';
import { durationText } from './duration-text';
import { button, element } from './element';
import type { Translate } from './translate';

/** A progress bar with words and Cancel inside `at`. What is there is changed in place, so that Cancel keeps its focus. */
export function progressLine(at: HTMLElement, progress: Progress, trans: Translate, onCancel: () => void): void {
  const { done, total, label, left } = progress;
  const said = left === undefined ? label : trans.__('%1, about %2 left', label, durationText(left, trans));
  const share = done / total;
  const bar = element('progress', { max: 1, value: Number.isFinite(share) ? share : undefined, 'aria-label': label });
  const old = at.querySelector('progress');
  const words = at.querySelector('.jp-orrery-progress > span');
  if (old && words) {
    old.replaceWith(bar);
    words.textContent = said;
    return;
  }
  const cancel = button(trans.__('Cancel'), onCancel);
  at.replaceChildren(element('div', { class: 'jp-orrery-progress' }, bar, element('span', {}, said), cancel));
}
