import type { Linking } from './linking';

/** Esc in an output lets go what is kept, before it goes back to the notebook. */
export function letGoOnEscape(node: HTMLElement, linking: () => Linking | undefined): void {
  node.addEventListener('keydown', event => {
    const shared = linking();
    if (event.key === 'Escape' && shared?.kept) {
      shared.letGo();
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  });
}
