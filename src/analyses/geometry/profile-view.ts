import type { FigureTable, PlotlyFigure } from '../../figures/figure';
import { lines } from '../../figures/lines';
import { shortText } from '../short-text';
import { textTable } from '../text-table';
import { placeNames, type ProfileMeasure } from './profile';

const MOST_ROWS = 50;
const MOST_LINES = 24;

/** What the places of a profile are. */
export interface PlaceAxis {
  readonly title: string;
  readonly labels: readonly string[];
}

/** Some rows of a profile that share a unit. */
export interface ProfileView {
  /** Absent: places of the residual stream. */
  readonly axis?: PlaceAxis | undefined;
  readonly title: string;
  readonly caption: string;
  /** Title of the axis, with the unit. */
  readonly y: string;
  /** Fixed where the unit has ends; else the numbers' own. */
  readonly range?: readonly [number, number];
  readonly log?: true;
  readonly measures: readonly ProfileMeasure[];
  /** [measure][place]; NaN is drawn as a gap. */
  readonly rows: readonly (readonly number[])[];
  /** [place]: of the first measure, drawn as bars. */
  readonly intervals?: readonly (readonly [number, number])[];
  /** [measure][place][model]: the same of shuffled models; no measures without. */
  readonly baseline?: readonly (readonly (readonly number[])[])[];
}

/** A line for each measure over the places of the stream. */
export function profileFigure({
  title,
  caption,
  y,
  range,
  log,
  measures,
  rows,
  intervals,
  baseline = [],
  axis = streamAxis(rows[0].length)
}: ProfileView): PlotlyFigure {
  const { labels } = axis;
  const drawn = (values: readonly number[]): number[] =>
    values.filter(value => (log ? value > 0 : !Number.isNaN(value)));
  const shown = rows.map(row => row.map(value => drawn([value])));
  const beside = baseline.map(row => row.map(drawn));
  return lines({
    title,
    caption: `${caption}${axis.title === AFTER ? ' "in" is the stream before block 0, a number the stream after that block.' : ''}`,
    alt: shortText(
      `${title}. ${measures.map((one, i) => `${one.title}: ${rows[i].map(short).join(', ')}`).join('. ')}.`
    ),
    x: axis,
    y: { title: y, range: range ?? spread([...shown, ...beside].flat(2), log), ...(log && { log }) },
    series: [
      ...measures.map((one, i) => ({
        name: one.title,
        samples: shown[i],
        member: memberOf(one, labels),
        ...(i === 0 && intervals && { intervals })
      })),
      ...beside.map((samples, i) => ({
        name: `${measures[i].title}, shuffled`,
        samples,
        member: memberOf(measures[i], labels),
        beside: i
      }))
    ],
    table: profileTable(measures, rows, baseline, axis)
  });
}

const AFTER = 'after block';

export const streamAxis = (places: number): PlaceAxis => ({ title: AFTER, labels: placeNames(places) });

const memberOf =
  ({ title }: ProfileMeasure, labels: readonly string[]) =>
  (place: number): string =>
    `${title}, ${labels[place]}`;

/** The mean of shuffled models beside each number. */
function profileTable(
  measures: readonly ProfileMeasure[],
  rows: readonly (readonly number[])[],
  baseline: readonly (readonly (readonly number[])[])[],
  { title, labels }: PlaceAxis
): FigureTable {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / values.length, 0);
  const all = labels.map((name, place) => [
    name,
    ...rows
      .flatMap((row, i) => [row, ...baseline.slice(i, i + 1).map(one => one.map(mean))])
      .map(row => short(row[place]))
  ]);
  const columns = [
    title,
    ...measures.flatMap(({ title: name, unit }, i) => [
      `${name} (${unit})`,
      ...baseline.slice(i, i + 1).map(() => `${name}, shuffled`)
    ])
  ];
  return { columns, rows: all.slice(0, MOST_ROWS), omitted: Math.max(0, all.length - MOST_ROWS) };
}

/** A line for each place, thinned where there are many, and the units. */
export function profileLines(
  measures: readonly ProfileMeasure[],
  rows: readonly (readonly number[])[],
  { title: corner, labels: names }: PlaceAxis = streamAxis(rows[0].length)
): string[] {
  const step = Math.ceil(names.length / MOST_LINES);
  const places = names.map((_, place) => place).filter(place => place % step === 0 || place === names.length - 1);
  return [
    ...textTable(
      [corner, ...measures.map(({ title }) => title)],
      places.map(place => [names[place], ...rows.map(row => short(row[place]))]),
      32
    ),
    `units: ${unitsOf(measures)}`
  ];
}

/** 'accuracy, selectivity (share); codelength (bits)'; the unit alone where all have one. */
function unitsOf(measures: readonly ProfileMeasure[]): string {
  const units = [...new Set(measures.map(({ unit }) => unit))];
  const having = (unit: string): string =>
    measures
      .filter(one => one.unit === unit)
      .map(({ title }) => title)
      .join(', ');
  return units.length === 1 ? units[0] : units.map(unit => `${having(unit)} (${unit})`).join('; ');
}

/** Four digits; what is not defined is a dash. */
export const short = (value: number): number | string => (Number.isNaN(value) ? '–' : Number(value.toPrecision(4)));

/** A little more than the numbers take; a tenth of a decade more where the axis is logarithmic. */
export function spread(values: readonly number[], log: true | undefined): [number, number] {
  if (values.length === 0) {
    return log ? [0.1, 1] : [0, 1];
  }
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (log) {
    return [low / 1.3, high * 1.3];
  }
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}
