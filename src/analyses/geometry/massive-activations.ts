import type { FigureTable, TableFigure } from '../../figures/figure';
import type { Matrix } from '../../maths/matrix';
import { medianMagnitude } from '../../maths/median-magnitude';
import { topK } from '../../maths/top-k';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { agree, count, number, table } from '../check';
import { SEEN } from '../spec/fields';
import { ownInput } from '../reading';
import type { ResultTable } from '../result';
import { shortText } from '../short-text';
import { BASELINE } from '../baseline';
import { placeNames, profileRows, type ProfileMeasure } from './profile';
import { profileAnalysis, type Measured, type ProfileResult } from './profile-analysis';
import { ofOneText, ONE_TEXT } from './profile-sources';
import { short } from './profile-view';
import { streamHooks, visitStream } from './stream';

const TOP = 3;
const UNIT = 'activation units';
const MEASURES: readonly ProfileMeasure[] = [
  { title: 'largest', unit: UNIT },
  { title: 'second', unit: UNIT },
  { title: 'third', unit: UNIT },
  { title: 'median', unit: UNIT }
];

/** Bytes of a model of 10⁹ parameters in half precision. */
const BILLION = 2e9;

/** Sun et al. 2024 call an activation massive above this magnitude and this multiple of the median. */
const [MASSIVE, MULTIPLE] = [100, 1000];

interface MassiveActivations extends ProfileResult {
  /** Of each place its three largest, largest first: token position, coordinate of the stream and the signed value. */
  readonly places: ResultTable;
  readonly input: Input;
}

const SOURCE = ofOneText('massive activations');

/** The three largest |h| and the median |h| over all tokens and coordinates; one token is enough. */
export const massiveActivations = profileAnalysis({
  id: 'massive-activations',
  title: 'Massive activations',
  description: 'The largest numbers of the residual stream beside its median, with their tokens and coordinates.',
  family: 'expressivity',
  measure: 'R6',
  theory: {
    kind: 'identity',
    statement:
      'The three largest |h| and the median |h| of the stream at each place. Sun et al. 2024 call an activation massive where it exceeds 100 and about 1,000 times the median; such values sit in fixed coordinates on the first token or delimiters, hardly depend on the input, and act as biases of attention (sinks).',
    caveat:
      'One text is one sample. The limits of 100 and 1,000 are conventions of models of billions of parameters: small models have the same sinks with smaller numbers. Magnitudes depend on how weights are scaled, so that files whose norms are folded cannot be compared with others.',
    references: ['Sun et al. 2024, arXiv 2402.17762', 'Xiao et al. 2023, arXiv 2309.17453']
  },
  spec: { ...ONE_TEXT, ...SEEN, ...BASELINE },
  measures: MEASURES,
  assumes: [],
  ...SOURCE,
  read: ownInput,
  strains: ({ facts: { bytes } }) =>
    bytes < BILLION ? [`${sizeOf(bytes)} of weights, where the limits are of models of billions of parameters`] : [],
  measured,
  keeps: (read, { largest }: LargestMeasured) => ({ places: tableOf(largest), ...SOURCE.keeps(read) }),
  checks: { places: table({ place: count, position: count, coordinate: count, value: number }), ...SOURCE.checks },
  agrees({ places, values, input: { ids } }) {
    const columns = places.columns as Readonly<Record<string, readonly number[]>>;
    const outside = columns.position.findIndex(at => at >= ids.length);
    if (outside >= 0) {
      throw new Error(`'result.places' names position ${columns.position[outside]} of ${ids.length}`);
    }
    const beyond = columns.place.find(place => place >= values.shape[1]);
    agree('result.places place', values.shape[1], beyond === undefined ? values.shape[1] : beyond + 1);
  },
  figures: (result, { draw }) => [
    draw({
      title: 'Massive activations',
      caption: `The largest magnitude of the stream and its median, one text of ${result.input.ids.length} tokens; logarithmic axis.`,
      y: 'magnitude (activation units)',
      log: true,
      // Second and third stand in the table below.
      measures: [0, TOP]
    }),
    ranking(result)
  ],
  heading(result) {
    const first = rowsOf(result).reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a), NOTHING);
    return [
      `Massive activations: ${result.input.ids.length} tokens, ${UNIT}`,
      `${first.massive ? 'massive' : 'none is massive (above 100 and 1,000 times the median)'}; largest: ${short(first.value)} ` +
        `after block ${first.name}, token ${first.position} '${shortText(first.token, 20)}', coordinate ${first.coordinate}`
    ];
  }
});

const sizeOf = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(0)} MB`;

interface LargestMeasured extends Measured {
  readonly largest: readonly Largest[];
}

interface Largest {
  readonly place: number;
  readonly position: number;
  readonly coordinate: number;
  readonly value: number;
}

interface Place {
  readonly largest: readonly Largest[];
  readonly median: number;
}

async function measured(subject: Subject, { ids }: Input, context: Context): Promise<LargestMeasured> {
  const total = streamHooks(subject).length;
  const found: Place[] = [];
  await visitStream(subject, ids, context, (place, stream) => {
    context.progress({ done: place, total, label: `place ${place + 1} of ${total}` });
    found.push({ largest: largest(stream, place), median: medianMagnitude(stream.data) });
  });
  return {
    rows: MEASURES.map((_, m) => found.map(one => (m === TOP ? one.median : magnitude(one.largest[m])))),
    largest: found.flatMap(one => one.largest)
  };
}

const magnitude = (one: Largest | undefined): number => (one ? Math.abs(one.value) : NaN);

function largest({ columns, data }: Matrix, place: number): Largest[] {
  const size = data.map(Math.abs);
  return topK(size, TOP).map(at => ({
    place,
    position: Math.floor(at / columns),
    coordinate: at % columns,
    value: data[at]
  }));
}

const tableOf = (all: readonly Largest[]): ResultTable => ({
  columns: {
    place: all.map(({ place }) => place),
    position: all.map(({ position }) => position),
    coordinate: all.map(({ coordinate }) => coordinate),
    value: all.map(({ value }) => value)
  }
});

interface Named extends Largest {
  readonly name: string;
  readonly token: string;
  /** Of the median at its place. */
  readonly multiple: number;
  readonly massive: boolean;
}

const NOTHING: Named = {
  place: 0,
  position: 0,
  coordinate: 0,
  value: 0,
  name: '–',
  token: '',
  multiple: 0,
  massive: false
};

function rowsOf({ values, places, input: { ids, labels } }: MassiveActivations): Named[] {
  const names = placeNames(values.shape[1]);
  const medians = profileRows(values)[TOP];
  const columns = places.columns as Readonly<Record<string, readonly number[]>>;
  return columns.value.map((value, i) => {
    const [place, position, coordinate] = [columns.place[i], columns.position[i], columns.coordinate[i]];
    const multiple = Math.abs(value) / medians[place];
    const massive = Math.abs(value) > MASSIVE && multiple > MULTIPLE;
    const token = labels[position] ?? String(ids[position]);
    return { place, position, coordinate, value, name: names[place], token, multiple, massive };
  });
}

const COLUMNS = ['token', 'position', 'coordinate', 'value', 'times the median', 'massive'];
const MOST_ROWS = 30;

function ranking(result: MassiveActivations): TableFigure {
  const all = rowsOf(result).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rows = all.slice(0, MOST_ROWS);
  const cells = (row: Named): (string | number)[] => [
    shortText(row.token, 20),
    row.position,
    row.coordinate,
    short(row.value),
    Number.isFinite(row.multiple) ? short(row.multiple) : '–',
    row.massive ? 'yes' : 'no'
  ];
  const figureTable: FigureTable = {
    columns: ['after block', ...COLUMNS],
    rows: rows.map(row => [row.name, ...cells(row)]),
    omitted: all.length - rows.length
  };
  return {
    kind: 'table',
    title: 'Where the largest activations are',
    caption: `The three largest of each place, ${rows.length} of ${all.length}; massive: above ${MASSIVE} and ${MULTIPLE} times the median (Sun et al. 2024).`,
    alt: shortText(
      `Largest activations: ${rows.map(row => `after ${row.name}, token ${row.position}, coordinate ${row.coordinate}: ${short(row.value)}`).join('; ')}`
    ),
    corner: 'after block',
    columns: COLUMNS.map((label, i) => ({ label, align: i === 0 || i === COLUMNS.length - 1 ? 'start' : 'end' })),
    rows: rows.map(row => ({
      label: row.name,
      cells: cells(row).map(cell => ({ text: String(cell), bold: row.massive }))
    })),
    table: figureTable
  };
}
