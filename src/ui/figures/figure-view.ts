import type { Figure, FigureTable } from '../../figures/figure';
import { headsAlone } from '../../figures/part-names';
import { atlasView } from './atlas-view';
import { element } from '../element';
import type { Link } from '../linking/linking';
import { Linking } from '../linking/linking';
import type { TablePart } from '../linking/table-links';
import { tableLinks } from '../linking/table-links';
import { plotlyView } from './plotly-view';
import { readersText } from './reader-choices';
import { tableView } from './table-view';
import { textView } from './text-view';
import type { Translate } from '../translate';
import type { View } from './view';

type Draw = {
  readonly [K in Figure['kind']]: (figure: Extract<Figure, { kind: K }>, trans: Translate, link: Link) => View;
};

/** One view a kind of figure. */
const VIEWS: Draw = { atlas: atlasView, plotly: plotlyView, table: tableView, text: textView };

export interface FigureOptions {
  /** Opens on a click. */
  readonly folded?: boolean;
  /** The output's own title: not said a second time. */
  readonly under: string;
  /** With the figures of other outputs; absent: of this one alone. */
  readonly link?: Link;
}

/** A figure with its title, caption and numbers as a table. */
export function figureView(
  figure: Figure,
  trans: Translate,
  { folded = false, under, link = alone() }: FigureOptions
): View {
  const draw = VIEWS[figure.kind] as (figure: Figure, trans: Translate, link: Link) => View;
  const view = draw(figure, trans, link);
  const caption = element('figcaption', { class: 'jp-orrery-caption' }, figure.caption);
  const data = figure.table && dataTable(figure.table, trans);
  const endLinks = data ? tableLinks(data, dataParts(data), link) : () => undefined;
  const node = folded
    ? element(
        'details',
        { class: 'jp-orrery-figure' },
        element('summary', { class: 'jp-orrery-figure-title' }, figure.title),
        view.node,
        caption
      )
    : element(
        'figure',
        { class: 'jp-orrery-figure', 'aria-label': figure.alt },
        figure.title === under ? undefined : element('div', { class: 'jp-orrery-figure-title' }, figure.title),
        view.node,
        caption,
        data
      );
  const dispose = (): void => {
    endLinks();
    view.dispose();
  };
  return { node, recolour: view.recolour, dispose };
}

const alone = (): Link => ({ linking: new Linking(requestAnimationFrame), keeper: {} });

/** Cells that name heads. */
const dataParts = (data: HTMLElement): TablePart[] =>
  Array.from(data.querySelectorAll('td'), node => ({
    selection: { heads: headsAlone(node.textContent), tokens: [] },
    nodes: [node]
  })).filter(({ selection }) => selection.heads.length > 0);

const cellText = (cell: string | number): string => (typeof cell === 'number' ? readersText(cell, String(cell)) : cell);

function dataTable({ columns, rows, omitted }: FigureTable, trans: Translate): HTMLElement {
  const cells = (row: readonly (string | number)[]): HTMLElement[] =>
    row.map(cell => element('td', {}, cellText(cell)));
  const head = element('tr', {}, ...columns.map(label => element('th', { scope: 'col' }, label)));
  const body = rows.map(row => element('tr', {}, ...cells(row)));
  return element(
    'details',
    { class: 'jp-orrery-data' },
    element('summary', {}, trans.__('Numbers')),
    element(
      'div',
      { class: 'jp-orrery-table-scroll', tabindex: 0, role: 'group', 'aria-label': trans.__('Numbers') },
      element('table', { class: 'jp-orrery-table' }, element('thead', {}, head), element('tbody', {}, ...body))
    ),
    omitted > 0
      ? element('p', {}, trans._n('%1 more row is left out.', '%1 more rows are left out.', omitted))
      : undefined
  );
}
