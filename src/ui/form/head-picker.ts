import { element } from '../element';
import { moveOf } from '../grid-moves';
import type { Translate } from '../translate';

/** What a model has to choose from. */
export interface HeadShape {
  readonly layers: number;
  readonly heads: number;
}

export interface HeadPicker {
  readonly node: HTMLElement;
  /** Marks what the fields hold; undefined is all of them. */
  show(layers: readonly number[] | undefined, heads: readonly number[] | undefined): void;
}

export interface HeadPickerOptions {
  readonly shape: HeadShape;
  readonly trans: Translate;
  /** One head alone, or any layers × any heads. */
  readonly single: boolean;
  readonly onPick: (layers: readonly number[] | undefined, heads: readonly number[] | undefined) => void;
}

/** More cells than a dialog has room for: the fields' boxes remain. */
const MOST_CELLS = 2048;

export const canPickHeads = ({ layers, heads }: HeadShape): boolean =>
  layers * heads > 0 && layers * heads <= MOST_CELLS;

/**
 * The model's heads as a grid, a row a layer: a click on a head takes or leaves its layer and head, one on a row's or a column's name all of
 * it. One stop for Tab; arrows move, Enter or the space bar picks.
 */
export function headPicker({ shape, trans, single, onPick }: HeadPickerOptions): HeadPicker {
  const { layers, heads } = shape;
  let chosen: { layers: ReadonlySet<number>; heads: ReadonlySet<number> } = { layers: new Set(), heads: new Set() };
  const cells = Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (__, head) =>
      element('button', {
        type: 'button',
        role: 'gridcell',
        tabindex: layer + head ? -1 : 0,
        class: 'jp-orrery-pick',
        'aria-label': trans.__('Layer %1, head %2', layer, head),
        title: `L${layer}H${head}`
      })
    )
  );
  const label = (text: string, onClick: () => void): HTMLElement => {
    const node = element('button', { type: 'button', tabindex: -1, class: 'jp-orrery-pick-label' }, text);
    node.addEventListener('click', onClick);
    return node;
  };
  const tell = (rows: ReadonlySet<number>, columns: ReadonlySet<number>): void =>
    onPick(listOf(rows, layers), listOf(columns, heads));
  const pick = (layer: number, head: number): void => {
    const isChosen = chosen.layers.has(layer) && chosen.heads.has(head);
    const narrow = chosen.layers.size === layers && chosen.heads.size === heads;
    if (single || narrow) {
      tell(new Set([layer]), new Set([head]));
    } else if (isChosen) {
      tell(
        without(chosen.layers, layer, chosen.heads.size === 1),
        without(chosen.heads, head, chosen.layers.size === 1)
      );
    } else {
      tell(new Set([...chosen.layers, layer]), new Set([...chosen.heads, head]));
    }
  };
  const rows = cells.map((row, layer) =>
    element(
      'div',
      { role: 'row', class: 'jp-orrery-pick-row' },
      single
        ? element('span', { class: 'jp-orrery-pick-label', 'aria-hidden': 'true' }, `L${layer}`)
        : element(
            'span',
            { role: 'rowheader' },
            label(`L${layer}`, () => tell(toggled(chosen.layers, layer, layers), chosen.heads))
          ),
      ...row
    )
  );
  const columns = element(
    'div',
    { class: 'jp-orrery-pick-row', role: 'presentation' },
    element('span', { class: 'jp-orrery-pick-label' }),
    ...Array.from({ length: heads }, (_, head) =>
      single
        ? element('span', { class: 'jp-orrery-pick-label', 'aria-hidden': 'true' }, String(head))
        : label(String(head), () => tell(chosen.layers, toggled(chosen.heads, head, heads)))
    )
  );
  const grid = element(
    'div',
    {
      role: 'grid',
      class: 'jp-orrery-pick-grid',
      'aria-label': single ? trans.__('Pick a head') : trans.__('Pick layers and heads'),
      'aria-multiselectable': single ? undefined : 'true'
    },
    ...rows
  );
  const places = new Map(cells.flatMap((row, i) => row.map((cell, j) => [cell as Element, [i, j] as const])));
  const placeOf = (event: Event): readonly [number, number] | undefined =>
    event.target instanceof Element ? places.get(event.target.closest('[role=gridcell]')!) : undefined;
  grid.addEventListener('click', event => {
    const place = placeOf(event);
    if (place) {
      pick(...place);
    }
  });
  grid.addEventListener('keydown', event => {
    const [place, move] = [placeOf(event), moveOf(event)];
    if (place && move) {
      const next = move({ row: place[0], column: place[1] }, layers, heads);
      cells[place[0]][place[1]].tabIndex = -1;
      cells[next.row][next.column].tabIndex = 0;
      cells[next.row][next.column].focus();
      event.preventDefault();
    }
  });
  const show: HeadPicker['show'] = (rowsGiven, columnsGiven) => {
    const all = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
    chosen = { layers: new Set(rowsGiven ?? all(layers)), heads: new Set(columnsGiven ?? all(heads)) };
    cells.forEach((row, layer) =>
      row.forEach((cell, head) =>
        cell.setAttribute('aria-selected', String(chosen.layers.has(layer) && chosen.heads.has(head)))
      )
    );
  };
  show(undefined, undefined);
  return { node: element('div', { class: 'jp-orrery-head-picker' }, columns, grid), show };
}

/** Undefined where it is all of them, or none is left. */
const listOf = (chosen: ReadonlySet<number>, count: number): readonly number[] | undefined =>
  chosen.size === 0 || chosen.size === count ? undefined : [...chosen].sort((a, b) => a - b);

const without = (chosen: ReadonlySet<number>, one: number, isWhole: boolean): ReadonlySet<number> =>
  isWhole ? new Set([...chosen].filter(other => other !== one)) : chosen;

/** Of all, the one alone; of some, with it or without it. */
function toggled(chosen: ReadonlySet<number>, one: number, count: number): ReadonlySet<number> {
  if (chosen.size === count) {
    return new Set([one]);
  }
  return chosen.has(one) ? new Set([...chosen].filter(other => other !== one)) : new Set([...chosen, one]);
}
