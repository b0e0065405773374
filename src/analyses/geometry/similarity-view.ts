import type { Figure, FigureTable } from '../../figures/figure';
import { heatmaps, type Panel } from '../../figures/heatmaps';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';
import { placeNames } from './profile';
import { short } from './profile-view';
import type { OtherModel, RepresentationSimilarity } from './representation-similarity';
import { factsText } from './token-sample';

const MOST_ROWS = 50;
const MOST_LINES = 24;
const MOST_OTHER = 10;

interface NamedMap {
  readonly title: string;
  /** [row][column]; NaN where not defined. */
  readonly values: readonly (readonly number[])[];
}

function mapsOf(
  { cca, shuffled }: RepresentationSimilarity,
  { values }: Pick<RepresentationSimilarity, 'values'>
): NamedMap[] {
  const [maps, rows, columns] = values.shape;
  const flat = decodeTensor(values);
  const titles = [
    'linear CKA',
    'debiased CKA',
    ...(cca === 'none' ? [] : [cca === 'svcca' ? 'SVCCA' : 'PWCCA']),
    ...(shuffled ? ['with a shuffled model, debiased CKA'] : [])
  ];
  return Array.from({ length: maps }, (_, m) => ({
    title: titles[m],
    values: Array.from({ length: rows }, (__, i) =>
      Array.from(flat.subarray((m * rows + i) * columns, (m * rows + i + 1) * columns))
    )
  }));
}

export function similarityFigures(result: RepresentationSimilarity): Figure[] {
  const maps = mapsOf(result, result);
  const own = maps.slice(0, result.shuffled ? -1 : undefined);
  const words = `${result.tower ? `Of the ${result.tower}. ` : ''}${factsText(result.sample)}. "in" is the stream before block 0, a number the stream after that block.`;
  const kept =
    result.kept.length > 0
      ? ` CCA compares ${Math.min(...result.kept)} to ${Math.max(...result.kept)} dimensions.`
      : '';
  return [
    ...(result.other ? [otherFigure(result, result.other, words)] : []),
    figure('Similarity of places', `${words}${kept} A gap: all points are the same there.`, own, 'after block', true),
    ...maps
      .slice(own.length)
      .map(one =>
        figure(
          'Similarity with a shuffled model',
          `${words} Rows: this model; columns: a copy with the entries of each weight matrix in a random order, which shares only the shape.`,
          [one],
          'shuffled model, after block',
          false
        )
      )
  ];
}

function otherFigure(result: RepresentationSimilarity, other: OtherModel, words: string): Figure {
  const maps = mapsOf(result, other);
  return figure(
    'Similarity with a second model',
    `${words} Rows: this model; columns: ${other.label}, on the same tokens. A gap: all points are the same there.`,
    maps,
    `${other.label}, after block`,
    true
  );
}

function figure(title: string, caption: string, maps: readonly NamedMap[], columns: string, named: boolean): Figure {
  const [labels, across] = [maps[0].values, maps[0].values[0]].map(({ length }) => placeNames(length));
  const square = columns === 'after block';
  const lowest = Math.min(0, ...maps.flatMap(one => one.values.flat()).filter(value => !Number.isNaN(value)));
  const panel = (one: NamedMap): Panel => ({
    title: named ? one.title : 'debiased CKA',
    unit: lowest < 0 ? 'similarity (1: the same)' : 'similarity (0–1)',
    range: [lowest, 1],
    values: one.values.map(row => row.map(value => (Number.isNaN(value) ? null : value)))
  });
  return heatmaps({
    title,
    caption,
    alt: shortText(
      `${title}, ${labels.length} by ${across.length} places. ${maps.map(one => `${one.title}: ${steps(one).join(', ')}`).join('. ')}`
    ),
    panels: maps.map(panel),
    rows: { title: 'after block', labels },
    columns: { title: columns, labels: across },
    cell: (row, column) => `${labels[row]} and ${across[column]}`,
    table: tableOf(maps, labels, across, square, columns)
  });
}

/** Of each place with the next, or of as many places of two models as both have, in order. */
const steps = ({ values }: NamedMap): (number | string)[] =>
  values.slice(1).flatMap((row, i) => row.slice(i, i + 1).map(short));

function tableOf(
  maps: readonly NamedMap[],
  labels: readonly string[],
  across: readonly string[],
  square: boolean,
  columns: string
): FigureTable {
  const all = labels.flatMap((row, i) =>
    across
      .map((column, j) => ({ column, j }))
      .filter(({ j }) => !square || j >= i)
      .map(({ column, j }) => [row, column, ...maps.map(({ values }) => short(values[i][j]))])
  );
  return {
    columns: ['after block', square ? 'and after block' : columns, ...maps.map(({ title }) => title)],
    rows: all.slice(0, MOST_ROWS),
    omitted: Math.max(0, all.length - MOST_ROWS)
  };
}

/** Each place with the one before it and with the first and the last. */
export function similaritySummary(result: RepresentationSimilarity): string {
  const maps = mapsOf(result, result);
  const names = placeNames(result.values.shape[1]);
  const last = names.length - 1;
  const step = Math.ceil(names.length / (result.other ? MOST_OTHER : MOST_LINES));
  const [plain, debiased] = maps;
  const shown = names.map((_, i) => i).filter(i => i % step === 0 || i === last);
  const other = maps.slice(2);
  return [
    `Representation similarity: ${factsText(result.sample)}, ${names.length} places${result.tower ? ` of the ${result.tower}` : ''}`,
    ...textTable(
      [
        'after block',
        'CKA with in',
        'debiased with in',
        'debiased with last',
        ...other.map(({ title }) => (title.startsWith('with') ? 'with shuffled' : `${title} with last`))
      ],
      shown.map(i => [
        names[i],
        short(plain.values[0][i]),
        short(debiased.values[0][i]),
        short(debiased.values[i][last]),
        ...other.map(({ title, values }) => short(values[i][title.startsWith('with') ? i : last]))
      ])
    ),
    ...(result.other ? otherLines(result, result.other) : [])
  ].join('\n');
}

/** Each place with the most alike one of the second model. */
function otherLines(result: RepresentationSimilarity, other: OtherModel): string[] {
  const [plain, debiased, cca] = mapsOf(result, other);
  const [rows, columns] = other.values.shape.slice(1).map(placeNames);
  const best = (row: readonly number[]): number =>
    row.reduce((most, value, j) => (value > row[most] || Number.isNaN(row[most]) ? j : most), 0);
  const step = Math.ceil(rows.length / MOST_OTHER);
  return [
    `With ${shortText(other.label, 60)}, ${columns.length} places:`,
    ...textTable(
      ['after block', 'most alike, debiased', 'debiased CKA', 'CKA', ...(cca ? [cca.title] : [])],
      rows.flatMap((name, i) => {
        const j = best(debiased.values[i]);
        const numbers = [debiased, plain, ...(cca ? [cca] : [])].map(({ values }) => short(values[i][j]));
        return i % step === 0 || i === rows.length - 1 ? [[name, columns[j], ...numbers]] : [];
      })
    )
  ];
}
