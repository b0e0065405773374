import type { PlotlyFigure } from '../../figures/figure';
import { lines } from '../../figures/lines';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { list, object, optional, text, type Check } from '../check';
import { eachOther, MOST_OTHERS } from '../other-models';
import { shortText } from '../short-text';
import { checkProfile, encodeProfile, profileRows, type Profile, type ProfileMeasure } from './profile';
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

type Part = Pick<ProfileView, 'title' | 'range' | 'log'> & {
  readonly measures: readonly number[];
  /** Title of the axis; absent: the measure's own. */
  readonly y?: string;
};

const NOTE = 'The same measure of each model, place by place; a model with fewer places ends earlier.';

/** Of results; absent in those of older versions. */
export const checkOthers = (measures: number): Check<readonly OtherProfile[] | undefined> =>
  optional(list(object<OtherProfile>({ label: text, hash: text, values: checkProfile(measures) }), MOST_OTHERS));

interface OtherDefinition {
  /** Of the analysis, for a refusal. */
  readonly title: string;
  refuses(subject: Subject): string | undefined;
  /** [measure][place] */
  rows(subject: Subject, context: Context): Promise<readonly (readonly number[])[]>;
}

/** Measures the models that a spec names, one after the other. Throws by its name where one cannot serve. */
export const otherProfiles = (
  first: Subject,
  others: string | undefined,
  { signal, progress, ...context }: Context,
  { title, refuses, rows }: OtherDefinition
): Promise<OtherProfile[]> =>
  eachOther(first, others, { signal, progress, ...context }, async other => {
    const { label, hash } = other.facts;
    const why = refuses(other);
    if (why !== undefined) {
      throw new Error(`${title.toLowerCase()} of '${label}': ${why}`);
    }
    const steps: Context = { signal, progress: step => progress({ ...step, label: `${label}: ${step.label}` }) };
    return { label, hash, values: encodeProfile(await rows(other, steps)) };
  });

const MOST_ROWS = 50;

/** For each measure that is drawn one figure with a line for each model; none where there is one model. */
export function modelFigures(
  measures: readonly ProfileMeasure[],
  { values, others = [] }: Compared,
  axis: PlaceAxis | undefined,
  parts: readonly Part[],
  note = NOTE
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
  return parts.flatMap(part => part.measures.map(m => modelFigure(measures[m], m, models, shared, part, note)));
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
  { title: whole, y, range, log }: Part,
  caption: string
): PlotlyFigure {
  const drawn = (value: number): number[] => ((log ? value > 0 : !Number.isNaN(value)) ? [value] : []);
  const samples = models.map(({ rows }) => axis.labels.map((_, place) => drawn(rows[m][place] ?? NaN)));
  const named = `${whole}, ${models.length} models${title.toLowerCase() === whole.toLowerCase() ? '' : `: ${title}`}`;
  const cells = axis.labels.map((label, place) => [label, ...models.map(({ rows }) => short(rows[m][place] ?? NaN))]);
  return lines({
    title: named,
    caption,
    alt: shortText(
      `${named}. ${models.map(({ name, rows }) => `${name}: ${rows[m].map(short).join(', ')}`).join('. ')}.`
    ),
    x: axis,
    y: { title: y ?? `${title} (${unit})`, range: wide(range, samples.flat(2), log), ...(log && { log }) },
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

/** For a summary, which has all numbers of the first model alone: a line for each other one. */
export const otherLines = (measures: readonly ProfileMeasure[], others: readonly OtherProfile[] = []): string[] =>
  others.map(({ label, values }) => {
    const ends = profileRows(values).map(row => [row[0], row[row.length - 1]].map(short).join(' to '));
    const said = measures.flatMap(({ title }, m) => (ends[m] === '– to –' ? [] : [`${title} ${ends[m]}`]));
    return `beside it ${shortText(label, 40)}, first to last: ${said.join(', ')}`;
  });
