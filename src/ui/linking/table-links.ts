import type { Linking, Link } from './linking';
import type { Selection } from './selection';
import { NOTHING, isNothing, joined, meets } from './selection';

/** Cells or rows that stand for parts of the model. */
export interface TablePart {
  readonly selection: Selection;
  readonly nodes: readonly HTMLElement[];
}

const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1 };

/**
 * Links a table with the other figures. Where none of its cells can be reached by Tab yet, those that name heads can: one stop,
 * arrows move, Enter keeps. The function returned ends it.
 */
export function tableLinks(table: HTMLElement, parts: readonly TablePart[], { linking, keeper }: Link): () => void {
  if (parts.length === 0) {
    return () => undefined;
  }
  const under = (target: EventTarget | null): Selection =>
    joined(
      ...parts
        .filter(({ nodes }) => target instanceof Node && nodes.some(node => node.contains(target)))
        .map(({ selection }) => selection)
    );
  table.addEventListener('pointerover', ({ target }) => linking.point(under(target)));
  table.addEventListener('pointerleave', () => linking.point(NOTHING));
  table.addEventListener('focusin', ({ target }) => linking.point(under(target)));
  table.addEventListener('focusout', () => linking.point(NOTHING));
  table.addEventListener('click', ({ target }) => linking.toggle(under(target), keeper));
  const stops = table.querySelector('[tabindex]') ? [] : rove(parts);
  table.addEventListener('keydown', event => {
    const at = stops.indexOf(event.target as HTMLElement);
    const next = event.key in STEPS ? stops[at + STEPS[event.key]] : undefined;
    if (at >= 0 && next) {
      stops[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    } else if ((event.key === 'Enter' || event.key === ' ') && !isNothing(under(event.target))) {
      linking.toggle(under(event.target), keeper);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  return linking.follow(() => mark(parts, linking));
}

/** The cells to step through: of a marked row, its header. */
function rove(parts: readonly TablePart[]): HTMLElement[] {
  const cells = parts.map(({ nodes: [node] }) => (node.tagName === 'TR' ? node.firstElementChild : node));
  const stops = [...new Set(cells as HTMLElement[])];
  stops.forEach((stop, i) => (stop.tabIndex = i ? -1 : 0));
  return stops;
}

function mark(parts: readonly TablePart[], { shown, kept }: Linking): void {
  const hit = parts.filter(({ selection }) => meets(selection, shown));
  for (const { nodes } of parts) {
    nodes.forEach(node => node.classList.remove('jp-mod-linked', 'jp-mod-kept'));
  }
  for (const { nodes } of hit) {
    nodes.forEach(node => node.classList.add('jp-mod-linked', ...(kept ? ['jp-mod-kept'] : [])));
  }
}
