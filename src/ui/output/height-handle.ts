import { element } from '../element';
import type { Translate } from '../translate';

/** Pixels that an output's figures may be given. */
const [LEAST, MOST, STEP] = [80, 4000, 20];

export interface HeightHandle {
  readonly node: HTMLElement;
  /** Undefined: as high as the figures are. */
  show(height: number | undefined): void;
}

/** A height as the output's metadata hold it; undefined where it is none. */
export const heightOf = (metadata: unknown): number | undefined => {
  const { height } = (metadata ?? {}) as { readonly height?: unknown };
  return typeof height === 'number' && Number.isInteger(height) && height >= LEAST && height <= MOST
    ? height
    : undefined;
};

/**
 * The edge under an output's figures: dragged, or moved by the arrow keys, it gives them a height; a double click or Home gives it
 * back. `onKeep` is told when the edge is let go.
 */
export function heightHandle(
  body: HTMLElement,
  trans: Translate,
  onKeep: (height: number | undefined) => void
): HeightHandle {
  const node = element('div', {
    class: 'jp-orrery-height',
    role: 'separator',
    tabindex: 0,
    'aria-orientation': 'horizontal',
    'aria-valuemin': LEAST,
    'aria-valuemax': MOST,
    'aria-label': trans.__('Height of the figures'),
    title: trans.__('Drag to change the height; double-click for all of it')
  });
  let shown: number | undefined;
  const show = (height: number | undefined): void => {
    shown = height;
    body.style.height = height === undefined ? '' : `${height}px`;
    body.classList.toggle('jp-mod-sized', height !== undefined);
    const said = height ?? Math.round(body.getBoundingClientRect().height);
    node.setAttribute('aria-valuenow', String(Math.min(MOST, Math.max(LEAST, said))));
    node.setAttribute('aria-valuetext', height === undefined ? trans.__('all of it') : trans.__('%1 pixels', height));
  };
  const within = (height: number): number => Math.round(Math.min(MOST, Math.max(LEAST, height)));
  const keep = (height: number | undefined): void => {
    show(height);
    onKeep(height);
  };
  drag(
    node,
    body,
    height => show(within(height)),
    () => onKeep(shown)
  );
  node.addEventListener('dblclick', () => keep(undefined));
  node.addEventListener('keydown', event => {
    const now = body.getBoundingClientRect().height;
    const next = { ArrowUp: now - STEP, ArrowDown: now + STEP, PageUp: now - 5 * STEP, PageDown: now + 5 * STEP };
    if (event.key === 'Home') {
      keep(undefined);
    } else if (event.key in next) {
      keep(within(next[event.key as keyof typeof next]));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  return { node, show };
}

function drag(node: HTMLElement, body: HTMLElement, onMove: (height: number) => void, onEnd: () => void): void {
  node.addEventListener('pointerdown', ({ pointerId, clientY, button }) => {
    if (button !== 0) {
      return;
    }
    const from = body.getBoundingClientRect().height;
    let moved = false;
    const move = (event: PointerEvent): void => {
      moved = moved || event.clientY !== clientY;
      onMove(from + event.clientY - clientY);
    };
    const end = (): void => {
      node.removeEventListener('pointermove', move);
      node.removeEventListener('pointerup', end);
      node.removeEventListener('pointercancel', end);
      if (moved) {
        onEnd();
      }
    };
    node.setPointerCapture(pointerId);
    node.addEventListener('pointermove', move);
    node.addEventListener('pointerup', end);
    node.addEventListener('pointercancel', end);
  });
}
