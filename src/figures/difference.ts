import type { AtlasAxis, AtlasFigure, Figure, PlotlyFigure, TableFigure } from './figure';
import { headLabel, keysOf, weightOf } from './atlas';
import { heatmaps } from './heatmaps';
import { tokenIn } from './part-names';
import { rankedBars } from './ranked-bars';

/** The difference of two figures, or why there is none, as a sentence. */
export type Difference = { readonly figure: Figure } | { readonly why: string };

/** Of two results of one analysis, figure by figure: the second less the first, where the two have the same axes. */
export function difference(first: Figure, second: Figure): Difference {
  const why = (reason: string): Difference => ({ why: `${second.title}: ${reason}` });
  if (first.kind === 'atlas' && second.kind === 'atlas') {
    return atlases(first, second, why);
  }
  if (first.kind === 'table' && second.kind === 'table') {
    return tables(first, second, why);
  }
  if (first.kind === 'plotly' && second.kind === 'plotly') {
    return isBars(first) && isBars(second) ? bars(first, second, why) : maps(first, second, why);
  }
  return why('there is no difference of texts');
}

type Why = (reason: string) => Difference;

/** What Plotly's types leave open of the traces that the builders make. */
interface Trace {
  readonly type?: string;
  readonly x?: readonly number[];
  readonly z?: readonly (readonly (number | null)[])[];
  readonly hovertext?: readonly (readonly string[])[];
}

const tracesOf = ({ data }: PlotlyFigure): readonly Trace[] => data as readonly Trace[];

const isBars = (figure: PlotlyFigure): boolean =>
  figure.labels !== undefined && tracesOf(figure).length === 1 && tracesOf(figure)[0].type === 'bar';

/** Labels that do not name tokens must agree; tokens are compared by their place. */
const agree = (one: string, other: string): boolean => one === other || (!!tokenIn(one) && !!tokenIn(other));

const allAgree = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((label, i) => agree(label, other[i]));

const merged = (one: readonly string[], other: readonly string[]): string[] =>
  one.map((label, i) => (label === other[i] ? label : `${label}/${tokenIn(other[i])?.text ?? other[i]}`));

const plain = (text: string): string => text.replace(/&lt;/g, '<').replace(/&amp;/g, '&');

function maps(first: PlotlyFigure, second: PlotlyFigure, why: Why): Difference {
  const [ones, others] = [tracesOf(first), tracesOf(second)];
  const [one, other] = [first.labels, second.labels];
  if (!one || !other || ones.length !== others.length || ones.some(({ type }) => type !== 'heatmap')) {
    return why('figures of this kind have no difference yet');
  }
  if (!allAgree(one.rows, other.rows) || !allAgree(one.columns, other.columns)) {
    return why(
      `the axes differ (${one.rows.length} × ${one.columns.length} and ${other.rows.length} × ${other.columns.length} places, or other names)`
    );
  }
  const values = ones.map(({ z = [] }, trace) =>
    z.map((row, i) => row.map((value, j) => less(others[trace].z?.[i]?.[j], value)))
  );
  const most = Math.max(...values.flat(2).map(value => Math.abs(value ?? 0)), Number.MIN_VALUE);
  const titles = (first.layout.annotations ?? []).map(({ text }) => plain(String(text ?? '')));
  const axis = (name: 'xaxis' | 'yaxis'): string => {
    const title = first.layout[name]?.title as { readonly text?: string } | undefined;
    return plain(title?.text ?? '');
  };
  const figure = heatmaps({
    title: `Difference: ${second.title}`,
    caption: 'The second less the first, place by place; red: the second is smaller, blue: larger.',
    alt: `Difference of ${second.title}: at most ${most.toPrecision(3)} at one place.`,
    panels: values.map((map, i) => ({
      title: titles[2 * i] ?? '',
      values: map,
      unit: `difference · ${titles[2 * i + 1] ?? ''}`,
      range: [-most, most],
      signed: true
    })),
    rows: { title: axis('yaxis'), labels: merged(one.rows, other.rows) },
    columns: { title: axis('xaxis'), labels: merged(one.columns, other.columns) },
    cell: (row, column) => plain(ones[0].hovertext?.[row]?.[column] ?? '')
  });
  return { figure };
}

const less = (a: number | null | undefined, b: number | null): number | null =>
  a === null || a === undefined || b === null ? null : a - b;

function bars(first: PlotlyFigure, second: PlotlyFigure, why: Why): Difference {
  const valuesOf = (figure: PlotlyFigure): Map<string, number> =>
    new Map(figure.labels!.rows.map((name, i) => [name, Number(tracesOf(figure)[0].x?.[i])]));
  const [ones, others] = [valuesOf(first), valuesOf(second)];
  const shared = [...ones.keys()].filter(name => others.has(name));
  if (shared.length === 0) {
    return why('no bar of one has its name in the other');
  }
  const all = shared.map(name => ({ name, value: others.get(name)! - ones.get(name)! }));
  all.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const alone = ones.size + others.size - 2 * shared.length;
  const figure = rankedBars({
    title: `Difference: ${second.title}`,
    caption: `The second less the first, largest first, of the ${shared.length} bars that both show${alone ? `; ${alone} stand in one of them alone` : ''}.`,
    alt: `Differences: ${all
      .slice(0, 4)
      .map(({ name, value }) => `${name} ${value.toPrecision(3)}`)
      .join(', ')}`,
    x: 'difference',
    bars: all
  });
  return { figure };
}

/** Total variation of two distributions, ½ Σ |p − q|, of each head's rows, averaged over the queries. */
function atlases(first: AtlasFigure, second: AtlasFigure, why: Why): Difference {
  const { layers, heads } = first;
  const indices = (figure: AtlasFigure): string => JSON.stringify([figure.layerIndices, figure.headIndices]);
  if (layers !== second.layers || heads !== second.heads || indices(first) !== indices(second)) {
    return why(`the heads differ (${layers} × ${heads} and ${second.layers} × ${second.heads}, or others of them)`);
  }
  const [axes, others] = [first, second].map(axesOf);
  const [one, other] = [axes, others].map(each => each.map(({ tokens }) => tokens.length).join(' × '));
  if (one !== other) {
    return why(`one has ${one} tokens, the other ${other}`);
  }
  if ([...axes, ...others].some(({ size, tokens }) => size < tokens.length)) {
    return why('patterns of so many tokens are saved as largest weights of groups, which have no difference');
  }
  const values = Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (__, head) => variation(first, second, layer, head))
  );
  const most = Math.max(...values.flat());
  const label = (row: number, column: number): string => headLabel(first, row, column);
  const figure = heatmaps({
    title: `Difference: ${second.title}`,
    caption:
      'How far apart the two patterns of each head are: total variation ½ Σ|p − q| of a row, 0 (the same) to 1 (nothing in common), averaged over the queries.',
    alt: `Distance of the patterns of ${layers} × ${heads} heads: at most ${most.toFixed(3)}.`,
    panels: [{ title: 'Distance of the patterns', values, unit: 'total variation (0–1)', range: [0, 1] }],
    rows: { title: 'layer', labels: values.map((_, row) => label(row, 0).slice(1).split('H')[0]) },
    columns: { title: 'head', labels: values[0].map((_, column) => label(0, column).split('H')[1]) },
    cell: label
  });
  return { figure };
}

/** Queries, and keys where they are other tokens. */
const axesOf = (figure: AtlasFigure): AtlasAxis[] => [figure, ...(figure.keys ? [figure.keys] : [])];

function variation(first: AtlasFigure, second: AtlasFigure, layer: number, head: number): number {
  let sum = 0;
  for (let query = 0; query < first.size; query++) {
    for (let key = 0; key < keysOf(first).size; key++) {
      const cell = { layer, head, query, key };
      sum += Math.abs(weightOf(first, cell) - weightOf(second, cell));
    }
  }
  return sum / 2 / first.size;
}

function tables(first: TableFigure, second: TableFigure, why: Why): Difference {
  const labels = ({ rows, columns }: TableFigure): [string[], string[]] => [
    rows.map(({ label }) => label),
    columns.map(({ label }) => label)
  ];
  const [[rows, columns], [otherRows, otherColumns]] = [labels(first), labels(second)];
  if (!allAgree(rows, otherRows) || !allAgree(columns, otherColumns)) {
    return why('the rows or columns differ');
  }
  const hasShades = first.shading !== undefined && second.shading?.label === first.shading.label;
  const figure: TableFigure = {
    kind: 'table',
    title: `Difference: ${second.title}`,
    caption: `Where the two differ: the first → the second.${hasShades ? ` Shading: how far apart their shades are (${first.shading!.label}).` : ''}`,
    alt: `Table of ${rows.length} × ${columns.length} cells, with both texts where the two differ.`,
    ...(first.corner !== undefined && { corner: first.corner }),
    columns: merged(columns, otherColumns).map((label, i) => ({ ...first.columns[i], label })),
    rows: merged(rows, otherRows).map((label, i) => ({
      label,
      cells: first.rows[i].cells.map((cell, j) => {
        const { text, shade = 0 } = second.rows[i].cells[j] ?? { text: '' };
        const same = cell.text === text;
        return {
          text: same ? cell.text : `${cell.text} → ${text}`,
          bold: !same,
          ...(hasShades && { shade: Math.abs(shade - (cell.shade ?? 0)) })
        };
      })
    })),
    ...(hasShades && {
      shading: { label: `difference · ${first.shading!.label}`, low: '0', high: first.shading!.high }
    })
  };
  return { figure };
}
