import type { Figure, FigureTable } from '../../figures/figure';
import { heatmaps, type Panel } from '../../figures/heatmaps';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';
import { placeNames } from './profile';
import { short } from './profile-view';
import type { RepresentationSimilarity } from './representation-similarity';
import { factsText } from './token-sample';

const MOST_ROWS = 50;
const MOST_LINES = 24;

interface NamedMap {
  readonly title: string;
  /** [row][column]; NaN where not defined. */
  readonly values: readonly (readonly number[])[];
}

function mapsOf({ values, cca, shuffled }: RepresentationSimilarity): NamedMap[] {
  const [maps, places] = values.shape;
  const flat = decodeTensor(values);
  const titles = [
    'linear CKA',
    'debiased CKA',
    ...(cca === 'none' ? [] : [cca === 'svcca' ? 'SVCCA' : 'PWCCA']),
    ...(shuffled ? ['with a shuffled model, debiased CKA'] : [])
  ];
  return Array.from({ length: maps }, (_, m) => ({
    title: titles[m],
    values: Array.from({ length: places }, (__, i) =>
      Array.from(flat.subarray((m * places + i) * places, (m * places + i + 1) * places))
    )
  }));
}

export function similarityFigures(result: RepresentationSimilarity): Figure[] {
  const maps = mapsOf(result);
  const own = maps.slice(0, result.shuffled ? -1 : undefined);
  const words = `${factsText(result.sample)}. "in" is the stream before block 0, a number the stream after that block.`;
  const kept =
    result.kept.length > 0
      ? ` CCA compares ${Math.min(...result.kept)} to ${Math.max(...result.kept)} dimensions.`
      : '';
  return [
    figure(
      result,
      'Similarity of places',
      `${words}${kept} A gap: all points are the same there.`,
      own,
      'after block',
      true
    ),
    ...maps
      .slice(own.length)
      .map(one =>
        figure(
          result,
          'Similarity with a shuffled model',
          `${words} Rows: this model; columns: a copy with the entries of each weight matrix in a random order, which shares only the shape.`,
          [one],
          'shuffled model, after block',
          false
        )
      )
  ];
}

function figure(
  { values }: RepresentationSimilarity,
  title: string,
  caption: string,
  maps: readonly NamedMap[],
  columns: string,
  named: boolean
): Figure {
  const labels = placeNames(values.shape[1]);
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
      `${title}, ${labels.length} places. ${maps.map(one => `${one.title}: ${steps(one).join(', ')}`).join('. ')}`
    ),
    panels: maps.map(panel),
    rows: { title: 'after block', labels },
    columns: { title: columns, labels },
    cell: (row, column) => `${labels[row]} and ${labels[column]}`,
    table: tableOf(maps, labels)
  });
}

/** Of each place with the next. */
const steps = ({ values }: NamedMap): (number | string)[] => values.slice(1).map((row, i) => short(row[i]));

function tableOf(maps: readonly NamedMap[], labels: readonly string[]): FigureTable {
  const all = labels.flatMap((row, i) =>
    labels.slice(i).map((column, k) => [row, column, ...maps.map(({ values }) => short(values[i][i + k]))])
  );
  return {
    columns: ['after block', 'and after block', ...maps.map(({ title }) => title)],
    rows: all.slice(0, MOST_ROWS),
    omitted: Math.max(0, all.length - MOST_ROWS)
  };
}

/** Each place with the one before it and with the first and the last. */
export function similaritySummary(result: RepresentationSimilarity): string {
  const maps = mapsOf(result);
  const names = placeNames(result.values.shape[1]);
  const last = names.length - 1;
  const step = Math.ceil(names.length / MOST_LINES);
  const [plain, debiased] = maps;
  const shown = names.map((_, i) => i).filter(i => i % step === 0 || i === last);
  const other = maps.slice(2);
  return [
    `Representation similarity: ${factsText(result.sample)}, ${names.length} places`,
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
    )
  ].join('\n');
}
