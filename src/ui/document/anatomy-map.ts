import { element } from '../element';
import { moveOf } from '../grid-moves';
import type { Translate } from '../translate';
import type { Part, PartRow } from './model-parts';

export interface MapOptions {
  readonly label: string;
  readonly trans: Translate;
  readonly onSelect: (part: Part) => void;
}

export interface AnatomyMap {
  readonly node: HTMLElement;
  has(id: string | undefined): boolean;
  /** The part of that id; the first one where it is undefined. */
  select(id: string | undefined): void;
  focus(): void;
}

/** Heads in a row beyond which a cell shows its number alone, then nothing. */
const NARROW = 9;
const BARE = 48;

/**
 * The model as a picture: a row a block, a cell a part, from the embedding down to the logits along the residual stream. A grid
 * with one tab stop: arrows, Home and End move, and what is reached is shown.
 */
export function anatomyMap(rows: readonly PartRow[], { label, trans, onSelect }: MapOptions): AnatomyMap {
  const cells = rows.map(({ parts }) => {
    const heads = parts.filter(({ kind }) => kind === 'head').length;
    return parts.map(part => cellNode(part, heads, trans));
  });
  const grid = element(
    'div',
    { class: 'jp-orrery-map', role: 'grid', 'aria-label': label },
    ...cells.map(row => element('div', { class: 'jp-orrery-map-row', role: 'row' }, ...row))
  );
  const places = new Map(cells.flatMap((row, i) => row.map((cell, j) => [cell as Element, [i, j] as const])));
  let current = cells[0]?.[0];
  const select = (row: number, column: number, focus: boolean): void => {
    current?.setAttribute('tabindex', '-1');
    current?.setAttribute('aria-selected', 'false');
    current = cells[row][column];
    current.setAttribute('tabindex', '0');
    current.setAttribute('aria-selected', 'true');
    if (focus) {
      current.focus();
    }
    onSelect(rows[row].parts[column]);
  };
  grid.addEventListener('click', event => {
    const place = event.target instanceof Element ? places.get(event.target.closest('[role=gridcell]')!) : undefined;
    if (place) {
      select(place[0], place[1], true);
    }
  });
  grid.addEventListener('keydown', event => {
    const [move, place] = [moveOf(event), current && places.get(current)];
    if (move && place) {
      const next = move({ row: place[0], column: place[1] }, rows.length, cells[place[0]].length);
      select(next.row, Math.min(next.column, cells[next.row].length - 1), true);
      event.preventDefault();
      event.stopPropagation();
    }
  });
  current?.setAttribute('tabindex', '0');
  const placeOf = (id: string | undefined): readonly [number, number] | undefined =>
    rows
      .flatMap(({ parts }, i) => parts.map((part, j) => [part.id, [i, j] as const] as const))
      .find(([own]) => own === id)?.[1];
  return {
    node: grid,
    has: id => placeOf(id) !== undefined,
    select: id => {
      const [row, column] = placeOf(id) ?? [0, 0];
      if (cells[row]?.[column]) {
        select(row, column, false);
      }
    },
    focus: () => current?.focus()
  };
}

function cellNode(part: Part, heads: number, trans: Translate): HTMLElement {
  const { kind, label, title, head, hooks } = part;
  const open = hooks.filter(({ status }) => status !== 'verified').length;
  const state = open ? trans.__('%1 of %2 hooks are not verified', open, hooks.length) : '';
  const said = [title, state].filter(Boolean).join('; ');
  const short = kind !== 'head' || heads <= NARROW ? label : heads <= BARE ? String(head) : '';
  const size = kind === 'head' && heads > BARE ? ' jp-mod-bare' : '';
  return element(
    'div',
    {
      class: `jp-orrery-part jp-mod-${kind}${open ? ' jp-mod-open' : ''}${size}`,
      role: 'gridcell',
      tabindex: -1,
      'aria-selected': 'false',
      'aria-label': said,
      title: said
    },
    short
  );
}
