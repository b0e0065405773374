import { element } from './element';

/** Edges in pixels of the window: of a cell, or of a point. */
export type Anchor = Pick<DOMRect, 'left' | 'top' | 'bottom'>;

export interface Popover {
  readonly node: HTMLElement;
  readonly shown: boolean;
  /** `anchor` is asked again when the page scrolls. */
  show(lines: readonly string[], anchor: () => Anchor): void;
  hide(): void;
}

const MARGIN = 6;

/**
 * A few lines beside what they tell of. It lies in the page's top layer, where no output, cell or notebook cuts it, and
 * stays inside the window.
 */
export function popover(attributes: Readonly<Record<string, string>>): Popover {
  const node = element('div', { class: 'jp-orrery-popover', popover: 'manual', hidden: '', ...attributes });
  let anchored: (() => Anchor) | undefined;
  const follow = (): void => {
    const at = anchored?.();
    if (at && at.bottom > 0 && at.top < window.innerHeight) {
      place(node, at);
    } else {
      hide();
    }
  };
  const hide = (): void => {
    document.removeEventListener('scroll', follow, true);
    if (!node.hidden && node.isConnected) {
      topLayer(node).hidePopover?.();
    }
    node.hidden = true;
  };
  const show = (lines: readonly string[], anchor: () => Anchor): void => {
    anchored = anchor;
    node.replaceChildren(...lines.map(line => element('div', {}, element('bdi', {}, line))));
    if (node.hidden && node.isConnected) {
      node.hidden = false;
      document.addEventListener('scroll', follow, { capture: true, passive: true });
      topLayer(node).showPopover?.();
    }
    place(node, anchor());
  };
  return {
    node,
    get shown() {
      return !node.hidden;
    },
    show,
    hide
  };
}

/** Browsers from before 2024 have no top layer for it: the popover is then an ordinary fixed box. */
const topLayer = (node: HTMLElement): Partial<Pick<HTMLElement, 'showPopover' | 'hidePopover'>> => node;

/** Below the anchor, or above it where there is no room. */
function place(node: HTMLElement, { left, top, bottom }: Anchor): void {
  const [width, height] = [node.offsetWidth, node.offsetHeight];
  const fits = bottom + MARGIN + height <= window.innerHeight;
  node.style.top = `${Math.max(0, fits ? bottom + MARGIN : top - MARGIN - height)}px`;
  node.style.left = `${Math.max(0, Math.min(left, window.innerWidth - width - MARGIN))}px`;
}
