import type { Cell, TableFigure } from '../../figures/figure';
import { inkOn } from '../../figures/ink';
import { headsAlone, tokenIn } from '../../figures/part-names';
import { colourBar, setRamp } from './colour-bar';
import { copyKey } from '../copy-key';
import { element } from '../element';
import type { Link } from '../linking/linking';
import type { Selection } from '../linking/selection';
import { isNothing } from '../linking/selection';
import type { TablePart } from '../linking/table-links';
import { tableLinks } from '../linking/table-links';
import { pagePalette } from './page-theme';
import type { Popover } from '../popover';
import { popover } from '../popover';
import type { Translate } from '../translate';
import type { View } from './view';

/** A real table. Shaded cells take the page's palette; a cell's detail is shown on hover and focus, arrows move. */
export function tableView(figure: TableFigure, trans: Translate, link: Link): View {
  const detail = popover({ role: 'status' });
  const cells = figure.rows.map(row => row.cells.map((cell, column) => cellNode(cell, figure.columns[column]?.align)));
  const head = [figure.corner ?? '', ...figure.columns.map(({ label }) => label)];
  const table = element(
    'table',
    { class: 'jp-orrery-table' },
    element('caption', { class: 'jp-orrery-hidden' }, figure.title),
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        ...head.map((label, i) =>
          element(
            'th',
            { scope: 'col', class: alignment(i ? figure.columns[i - 1].align : undefined) },
            ...inReadingOrder(label)
          )
        )
      )
    ),
    element(
      'tbody',
      {},
      ...figure.rows.map((row, i) =>
        element('tr', {}, element('th', { scope: 'row' }, ...inReadingOrder(row.label)), ...cells[i])
      )
    )
  );
  const scroller = element(
    'div',
    { class: 'jp-orrery-table-scroll', tabindex: 0, role: 'group', 'aria-label': figure.title },
    table
  );
  const node = element(
    'div',
    { class: 'jp-orrery-table-view' },
    scroller,
    figure.rows.length ? undefined : element('p', { class: 'jp-orrery-hint' }, emptyWords(trans)),
    figure.shading && colourBar(figure.shading),
    detail.node
  );
  listen(figure, cells, node, detail, trans);
  const recolour = (): void => shadeAll(figure, cells, node);
  recolour();
  const endLinks = tableLinks(table, tableParts(figure, table), link);
  const dispose = (): void => {
    endLinks();
    detail.hide();
  };
  return { node, recolour, dispose };
}

/** The number of a token's label stays before its text, whichever way that is written. */
function inReadingOrder(label: string): readonly (string | Node)[] {
  const token = tokenIn(label);
  return token ? [`${token.position} `, element('bdi', {}, token.text)] : [label];
}

const emptyWords = (trans: Translate): string =>
  trans.__('No rows: nothing met what was asked. Edit… asks for something else.');

/** Rows and columns whose labels name heads or tokens, and cells that name heads alone. */
function tableParts({ rows, columns }: TableFigure, table: HTMLTableElement): TablePart[] {
  const lines = [...table.rows];
  const labelled = (label: string): Selection => {
    const token = tokenIn(label);
    return { heads: headsAlone(label), tokens: token ? [token] : [] };
  };
  const parts: TablePart[] = [
    ...rows.map(({ label }, i) => ({ selection: labelled(label), nodes: [lines[i + 1]] })),
    ...columns.map(({ label }, j) => ({ selection: labelled(label), nodes: lines.map(line => line.cells[j + 1]) })),
    ...rows.flatMap(({ cells }, i) =>
      cells.map(({ text }, j) => ({
        selection: { heads: headsAlone(text), tokens: [] },
        nodes: [lines[i + 1].cells[j + 1]]
      }))
    )
  ];
  return parts.filter(({ selection }) => !isNothing(selection));
}

const alignment = (align: 'start' | 'end' | undefined): string | undefined =>
  align === 'end' ? 'jp-mod-end' : undefined;

/** Characters that a cell may have to cut. */
const LONG = 24;

function cellNode(cell: Cell, align: 'start' | 'end' | undefined): HTMLTableCellElement {
  const text = cell.bold ? element('strong', {}, cell.text) : cell.text;
  const whole = cell.text.length > LONG ? cell.text : undefined;
  const classes = [alignment(align), whole && 'jp-mod-long'].filter(Boolean).join(' ') || undefined;
  return element('td', { class: classes, tabindex: cell.detail ? -1 : undefined, title: whole }, text);
}

function shadeAll(figure: TableFigure, cells: readonly (readonly HTMLElement[])[], node: HTMLElement): void {
  const palette = pagePalette();
  const { ramp } = palette;
  figure.rows.forEach((row, i) =>
    row.cells.forEach(({ shade }, j) => {
      if (shade !== undefined) {
        const colour = ramp[Math.round(255 * Math.min(1, Math.max(0, shade)))];
        cells[i][j].style.backgroundColor = `rgb(${colour.join(', ')})`;
        cells[i][j].style.color = inkOn(colour);
      }
    })
  );
  setRamp(node, palette);
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1]
};

function listen(
  { rows }: TableFigure,
  cells: readonly (readonly HTMLElement[])[],
  node: HTMLElement,
  detail: Popover,
  trans: Translate
): void {
  const places = new Map(cells.flatMap((row, i) => row.map((cell, j) => [cell as Element, [i, j] as const])));
  const placeOf = (target: EventTarget | null): readonly [number, number] | undefined =>
    target instanceof Element ? places.get(target.closest('td') ?? target) : undefined;
  const first = cells.flat().find(cell => cell.tabIndex === -1 && cell.hasAttribute('tabindex'));
  first?.setAttribute('tabindex', '0');
  const show = (event: Event): void => {
    const place = placeOf(event.target);
    const lines = place && rows[place[0]].cells[place[1]].detail;
    if (place && lines) {
      detail.show(lines, () => cells[place[0]][place[1]].getBoundingClientRect());
    } else {
      detail.hide();
    }
  };
  node.addEventListener('pointerover', show);
  node.addEventListener('focusin', show);
  node.addEventListener('pointerleave', detail.hide);
  node.addEventListener('focusout', detail.hide);
  node.addEventListener('keydown', event => {
    const [place, step] = [placeOf(event.target), STEPS[event.key]];
    const say = (words: string): void => {
      if (place) {
        detail.show([words], () => cells[place[0]][place[1]].getBoundingClientRect());
      }
    };
    if (copyKey(event, place && rows[place[0]].cells[place[1]].text, { trans, say })) {
      return;
    }
    const next = place && step && cells[place[0] + step[0]]?.[place[1] + step[1]];
    if (event.key === 'Escape' && detail.shown) {
      detail.hide();
    } else if (next?.hasAttribute('tabindex')) {
      (event.target as HTMLElement).tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
    } else {
      return;
    }
    event.stopPropagation();
  });
}
