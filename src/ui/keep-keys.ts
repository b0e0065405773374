/**
 * Keys pressed on a control inside an output are the control's: the notebook would take letters for commands. Esc goes back to the
 * notebook.
 */
export function keepKeys(node: HTMLElement): void {
  node.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === 'Escape') {
      node.closest<HTMLElement>('.jp-Cell')?.focus();
    } else {
      event.stopPropagation();
    }
  });
}
