import { element } from '../element';

export interface Modal {
  /** Ends it; what was focused before gets the focus back. */
  close(): void;
  /** Out of the way while another dialog of the page is asked, which would lie behind it. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves after it ended, by `close` or by Esc. */
  readonly closed: Promise<void>;
}

let made = 0;

/** A modal dialog in the page's top layer: the browser keeps the focus inside, Esc ends it. */
export function modal(title: string, ...parts: readonly HTMLElement[]): Modal {
  const id = `jp-orrery-modal-${made++}`;
  const node = element(
    'dialog',
    { class: 'jp-orrery-modal', 'aria-labelledby': id },
    element('h2', { id }, title),
    ...parts
  );
  // JupyterLab's shortcuts hear keys at the document; what is typed here is not meant for what lies behind.
  node.addEventListener('keydown', event => event.stopPropagation());
  let isAside = false;
  const closed = new Promise<void>(resolve => {
    node.addEventListener('close', () => {
      if (!isAside) {
        node.remove();
        resolve();
      }
    });
  });
  document.body.append(node);
  node.showModal();
  return {
    close: () => node.close(),
    aside: async work => {
      isAside = true;
      node.close();
      return work().finally(() => {
        isAside = false;
        node.showModal();
      });
    },
    closed
  };
}
