import type { NumberKind, Theory } from '../analyses/analysis';
import type { Cell, Figure, FigureTable, TableFigure } from '../figures/figure';
import { inkOn } from '../figures/ink';
import { ATTENTION_LIGHT } from '../figures/palettes';

/** A drawn figure, light theme. */
export interface Picture {
  /** Base64. */
  readonly png: string;
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** What of a figure goes into the page. */
export interface HtmlOptions {
  readonly picture?: Picture;
  /** Table rows at most; 0 = no table. */
  readonly rows: number;
}

const MOST_COLUMNS = 24;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, character => ENTITIES[character]);

/** Picture, caption and table; no script, every text escaped. `note` ends the caption. */
export function figureHtml(figure: Figure, note: string, { picture, rows }: HtmlOptions): string {
  const drawn = picture
    ? `<img alt="${escapeHtml(figure.alt)}" width="${Math.round(picture.width)}" height="${Math.round(picture.height)}" src="data:image/png;base64,${picture.png}">`
    : `<p>${escapeHtml(figure.alt)}</p>`;
  const caption =
    `<figcaption><strong>${escapeHtml(figure.title)}.</strong> ${escapeHtml(figure.caption)} ` +
    `<small>${escapeHtml(note)}</small></figcaption>`;
  return `<figure>${figure.kind === 'table' && rows ? '' : drawn}${body(figure, rows)}${caption}</figure>`;
}

/** As the picker has them. */
const KINDS: Readonly<Record<NumberKind, string>> = {
  identity: 'exact',
  bound: 'bound',
  estimator: 'estimate',
  causal: 'causal',
  heuristic: 'heuristic'
};

/** What the numbers are, what they rest on and what to beware of; folded up. */
export const theoryHtml = ({ kind, statement, caveat, references }: Theory): string =>
  `<details><summary>What the number is (${KINDS[kind]}), and what to beware of</summary>${[
    statement,
    caveat,
    references.join('; ')
  ]
    .map(words => `<p>${escapeHtml(words)}</p>`)
    .join('')}</details>`;

function body(figure: Figure, rows: number): string {
  if (!rows) {
    return '';
  }
  if (figure.kind === 'table') {
    return tableHtml(figure, rows);
  }
  if (figure.kind === 'text') {
    return `<pre>${escapeHtml(figure.lines.slice(0, rows).join('\n'))}</pre>`;
  }
  return figure.table ? dataHtml(figure.table, rows) : '';
}

/** Wide tables keep their last columns, the later positions. */
function tableHtml({ title, corner = '', columns, rows }: TableFigure, most: number): string {
  const first = Math.max(0, columns.length - MOST_COLUMNS);
  const head = columns.slice(first).map(({ label }) => `<th scope="col">${escapeHtml(label)}</th>`);
  const lines = rows
    .slice(0, most)
    .map(
      row => `<tr><th scope="row">${escapeHtml(row.label)}</th>${row.cells.slice(first).map(cellHtml).join('')}</tr>`
    );
  return (
    `<table><caption>${escapeHtml(title)}</caption><thead><tr><th scope="col">${escapeHtml(corner)}</th>${head.join('')}</tr></thead>` +
    `<tbody>${lines.join('')}</tbody></table>${leftOut(rows.length - most, 'rows')}${leftOut(first, 'columns')}`
  );
}

function cellHtml({ text, bold, shade }: Cell): string {
  const words = bold ? `<strong>${escapeHtml(text)}</strong>` : escapeHtml(text);
  return `<td${shade === undefined ? '' : ` style="${shadeStyle(shade)}"`}>${words}</td>`;
}

function shadeStyle(shade: number): string {
  const colour = ATTENTION_LIGHT.ramp[Math.round(255 * Math.min(1, Math.max(0, shade)))];
  const hex = colour.map(part => part.toString(16).padStart(2, '0')).join('');
  return `background-color:#${hex};color:${inkOn(colour)}`;
}

function dataHtml({ columns, rows, omitted }: FigureTable, most: number): string {
  const head = columns.map(label => `<th scope="col">${escapeHtml(label)}</th>`).join('');
  const lines = rows
    .slice(0, most)
    .map(row => `<tr>${row.map(cell => `<td>${escapeHtml(String(cell))}</td>`).join('')}</tr>`);
  const shown = Math.min(most, rows.length);
  return (
    `<details><summary>Data (${shown} ${shown === 1 ? 'row' : 'rows'})</summary><table><thead><tr>${head}</tr></thead>` +
    `<tbody>${lines.join('')}</tbody></table>${leftOut(omitted + rows.length - shown, 'rows')}</details>`
  );
}

const leftOut = (count: number, what: string): string =>
  count > 0 ? `<p>${count} more ${what} are left out.</p>` : '';
