import { button, element } from './element';

export interface MenuItem {
  readonly label: string;
  readonly onChoose: () => void;
}

const MARGIN = 4;

/**
 * A button with a menu in the page's top layer: arrows, Home and End move, Esc and a click elsewhere close it. Its items are
 * asked for each time it opens.
 */
export function menuButton(label: string, items: () => readonly MenuItem[]): HTMLElement {
  let entries: readonly HTMLButtonElement[] = [];
  const entryOf = (item: MenuItem): HTMLButtonElement => {
    const node = element('button', { type: 'button', role: 'menuitem', tabindex: -1 }, item.label);
    node.addEventListener('click', () => {
      close();
      item.onChoose();
    });
    return node;
  };
  const menu = element('div', { class: 'jp-orrery-menu', role: 'menu', popover: 'auto', 'aria-label': label });
  const opener = button(`${label} ▾`, () => (isOpen() ? close() : open()));
  opener.setAttribute('aria-label', label);
  opener.setAttribute('aria-haspopup', 'menu');
  opener.setAttribute('aria-expanded', 'false');
  // Pressing the opener closes the menu by itself before the click is heard.
  let wasOpen = false;
  opener.addEventListener('pointerdown', () => (wasOpen = isOpen()));
  const isOpen = (): boolean => opener.getAttribute('aria-expanded') === 'true' || wasOpen;
  const open = (): void => {
    entries = items().map(entryOf);
    menu.replaceChildren(...entries);
    menu.showPopover();
    const { left, top, bottom } = opener.getBoundingClientRect();
    const fits = bottom + MARGIN + menu.offsetHeight <= window.innerHeight;
    menu.style.top = `${fits ? bottom + MARGIN : top - MARGIN - menu.offsetHeight}px`;
    menu.style.left = `${Math.max(0, Math.min(left, window.innerWidth - menu.offsetWidth - MARGIN))}px`;
    entries[0]?.focus();
  };
  const close = (): void => {
    wasOpen = false;
    menu.hidePopover();
  };
  menu.addEventListener('toggle', event => {
    const isShown = (event as ToggleEvent).newState === 'open';
    opener.setAttribute('aria-expanded', String(isShown));
  });
  menu.addEventListener('keydown', event => {
    const at = entries.indexOf(document.activeElement as HTMLButtonElement);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: (at + 1) % entries.length,
      ArrowUp: (at - 1 + entries.length) % entries.length,
      Home: 0,
      End: entries.length - 1
    };
    if (event.key in steps) {
      entries[steps[event.key]].focus();
      event.preventDefault();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      close();
      opener.focus();
      event.preventDefault();
    } else {
      return;
    }
    event.stopPropagation();
  });
  return element('span', { class: 'jp-orrery-menu-button' }, opener, menu);
}
