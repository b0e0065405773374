import type { PlotlyFigure } from '../../figures/figure';
import { lines } from '../../figures/lines';
import { shortText } from '../short-text';
import { profileRows, type Profile, type ProfileMeasure } from './profile';
import { short, spread, streamAxis, type PlaceAxis, type ProfileView } from './profile-view';

/** What another model gives. */
export interface OtherProfile {
  readonly label: string;
  readonly hash: string;
  /** [measure, place], of as many places as it has. */
  readonly values: Profile;
}

interface Compared {
  readonly values: Profile;
  readonly others?: readonly OtherProfile[] | undefined;
}

type Part = Pick<ProfileView, 'range' | 'log'> & { readonly measures: readonly number[] };

const MOST_ROWS = 50;

/** For each measure that is drawn one figure with a line for each model; none where there is one model. */
export function modelFigures(
  measures: readonly ProfileMeasure[],
  { values, others = [] }: Compared,
  axis: PlaceAxis | undefined,
  parts: readonly Part[]
): PlotlyFigure[] {
  if (others.length === 0) {
    return [];
  }
  const models = [
    { name: 'this model', rows: profileRows(values) },
    ...others.map(one => ({ name: shortText(one.label, 40), rows: profileRows(one.values) }))
  ];
  const places = Math.max(...models.map(({ rows }) => rows[0].length));
  const shared = axis ? longer(axis, places) : streamAxis(places);
  return parts.flatMap(part => part.measures.map(m => modelFigure(measures[m], m, models, shared, part)));
}

interface Model {
  readonly name: string;
  readonly rows: readonly (readonly number[])[];
}

function modelFigure(
  { title, unit }: ProfileMeasure,
  m: number,
  models: readonly Model[],
  axis: PlaceAxis,
  { range, log }: Part
): PlotlyFigure {
  const drawn = (value: number): number[] => ((log ? value > 0 : !Number.isNaN(value)) ? [value] : []);
  const samples = models.map(({ rows }) => axis.labels.map((_, place) => drawn(rows[m][place] ?? NaN)));
  const named = title.charAt(0).toUpperCase() + title.slice(1);
  const cells = axis.labels.map((label, place) => [label, ...models.map(({ rows }) => short(rows[m][place] ?? NaN))]);
  return lines({
    title: `${named} of ${models.length} models`,
    caption: 'The same measure of each model, place by place; a model with fewer places ends earlier.',
    alt: shortText(
      `${named}. ${models.map(({ name, rows }) => `${name}: ${rows[m].map(short).join(', ')}`).join('. ')}.`
    ),
    x: axis,
    y: { title: `${title} (${unit})`, range: wide(range, samples.flat(2), log), ...(log && { log }) },
    series: models.map(({ name }, i) => ({
      name,
      samples: samples[i],
      member: place => `${name}, ${axis.labels[place]}`
    })),
    table: {
      columns: [axis.title, ...models.map(({ name }) => name)],
      rows: cells.slice(0, MOST_ROWS),
      omitted: Math.max(0, cells.length - MOST_ROWS)
    }
  });
}

/** Numbers for places beyond those of the first model. */
const longer = ({ title, labels }: PlaceAxis, places: number): PlaceAxis => ({
  title,
  labels: Array.from({ length: Math.max(places, labels.length) }, (_, at) => labels[at] ?? `${at}`)
});

/** The ends of the unit, and beyond them what a model has. */
function wide(range: Part['range'], values: readonly number[], log: true | undefined): readonly [number, number] {
  const [low, high] = spread(values, log);
  return range ? [Math.min(range[0], ...values), Math.max(range[1], ...values)] : [low, high];
}
