import type { Figure, FigureTable, TableFigure } from '../../../figures/figure';
import { heatmaps, type Panel } from '../../../figures/heatmaps';
import { signedNumber } from '../../../figures/signed-number';
import { topK } from '../../../maths/top-k';
import type { Input } from '../../../subject/subject';
import { SCORES } from '../../attention/diagonal-scores';
import { headName, indexLabels, ranked } from '../../attention/head-values';
import type { ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import type { LogitDrift } from './logit-drift';

type Numbers = ResultTensor & { readonly dtype: 'float32' };

export interface HeadComparison {
  /** The first model and the second. */
  readonly models: readonly { readonly label: string; readonly hash: string }[];
  /** Share of its attention that a head gives elsewhere in the second model [layer, head], 0 to 1. */
  readonly drift: Numbers;
  /** Previous token, duplicate token, induction [model, score, layer, head]. */
  readonly scores: Numbers;
  /** Direct terms of the prompts' logit difference [model, layer, head], where they were asked for, with both models' own logit difference. */
  readonly direct: Numbers | null;
  readonly measured: readonly number[];
  /** null where a model has no unembedding. */
  readonly logits: LogitDrift | null;
  readonly input: Input;
  readonly sequences: number;
  readonly length: number;
}

/** Heads of a kind that are followed into the second model. */
const KIND = 5;
/** Of all heads, at most one in so many is followed. */
const ONE_IN = 4;
const TABLE_ROWS = 50;
const LISTED = 12;

/** One quantity of all heads in both models. */
interface Compared {
  readonly title: string;
  readonly unit: string;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly measured?: readonly number[];
}

function compared({ scores, direct, measured, drift }: HeadComparison): Compared[] {
  const size = drift.shape[0] * drift.shape[1];
  const all = decodeTensor(scores);
  const part = (from: Float32Array, at: number): Float32Array => from.subarray(at * size, (at + 1) * size);
  const terms = direct && decodeTensor(direct);
  return [
    ...SCORES.map(({ title }, at) => ({
      title,
      unit: 'attention weight',
      first: part(all, at),
      second: part(all, SCORES.length + at)
    })),
    ...(terms
      ? [{ title: 'Direct attribution', unit: 'logits', first: part(terms, 0), second: part(terms, 1), measured }]
      : [])
  ];
}

const grid = (values: ArrayLike<number>, [layers, heads]: readonly number[]): number[][] =>
  Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (__, head) => values[layer * heads + head])
  );

/** Pearson's r over the heads; undefined where one side is constant. */
function correlation(a: Float32Array, b: Float32Array): number | undefined {
  const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, at) => {
    ab += (value - meanA) * (b[at] - meanB);
    aa += (value - meanA) ** 2;
    bb += (b[at] - meanB) ** 2;
  });
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : undefined;
}

interface Survival {
  readonly title: string;
  readonly r: string;
  /** The first model's strongest heads, with both values. */
  readonly heads: readonly string[];
  readonly kept: number;
  readonly of: number;
}

/** The strongest heads of the first model, by size, and how many are among as many of the second's. */
function survivals(result: HeadComparison): Survival[] {
  const [, heads] = result.drift.shape;
  return compared(result).map(({ title, first, second }) => {
    const count = Math.max(1, Math.min(KIND, Math.floor(first.length / ONE_IN)));
    const [own, other] = [first, second].map(values => topK(values.map(Math.abs), count));
    const r = correlation(first, second);
    return {
      title,
      r: r === undefined ? '–' : r.toFixed(3),
      heads: own.map(
        at => `${headName(Math.floor(at / heads), at % heads)} ${first[at].toFixed(2)}→${second[at].toFixed(2)}`
      ),
      kept: own.filter(at => other.includes(at)).length,
      of: own.length
    };
  });
}

export function comparisonFigures(result: HeadComparison): readonly Figure[] {
  return [survivalTable(result), driftMap(result), ...differences(result)];
}

const named = ({ models }: HeadComparison): string => models.map(({ label }) => shortText(label, 60)).join(' → ');

const said = ({ logits, input }: HeadComparison): string =>
  logits
    ? `On ${input.ids.length} tokens the next token’s distribution moves by ${logits.kl.toPrecision(3)} nats (KL, mean), the likeliest is the same at ${(100 * logits.agreement).toFixed(1)} % of the positions.`
    : 'No logits are compared: a model has no unembedding.';

const sample = ({ sequences, length }: HeadComparison): string =>
  `${sequences} sequences of ${length} random tokens repeated once`;

function survivalTable(result: HeadComparison): TableFigure {
  const all = survivals(result);
  return {
    kind: 'table',
    title: 'Do the heads survive?',
    caption: `${named(result)}. The first model’s strongest heads of each kind, their value there → in the second model, and how many of them are among as many of the second’s; r: correlation over all heads. Scores on ${sample(result)}. ${said(result)}`,
    alt: shortText(
      `Strongest heads kept: ${all.map(({ title, kept, of }) => `${title.toLowerCase()} ${kept} of ${of}`).join(', ')}.`
    ),
    corner: 'kind',
    columns: [{ label: 'r', align: 'end' }, { label: 'kept', align: 'end' }, { label: 'strongest heads' }],
    rows: all.map(({ title, r, kept, of, heads }) => ({
      label: title,
      cells: [{ text: r }, { text: `${kept} of ${of}`, shade: kept / of }, { text: heads.join('  ') }]
    })),
    shading: { label: 'kept', low: '0', high: '1' }
  };
}

function driftMap(result: HeadComparison): Figure {
  const { shape } = result.drift;
  const values = grid(decodeTensor(result.drift), shape);
  const [most] = ranked(values);
  return heatmaps({
    title: 'Drift of attention patterns',
    caption: `${named(result)}. The share of its attention that each head gives elsewhere, on “${shortText(result.input.labels.join('').replaceAll('·', ' '), 80)}”. Layer 0 at the top.`,
    alt: `Map of ${shape[0]} layers × ${shape[1]} heads, largest drift ${headName(most.layer, most.head)} ${most.value.toFixed(3)}.`,
    panels: [{ title: 'Drift', unit: 'total variation (0–1)', values, range: [0, 1] }],
    ...axes(shape),
    table: driftTable(result)
  });
}

const axes = ([layers, heads]: readonly number[]) => ({
  rows: { title: 'layer', labels: indexLabels(layers) },
  columns: { title: 'head', labels: indexLabels(heads) },
  cell: headName
});

function driftTable(result: HeadComparison): FigureTable {
  const all = rows(result);
  return {
    columns: ['head', 'drift', ...compared(result).flatMap(({ title }) => [`${title.toLowerCase()} first`, 'second'])],
    rows: all.slice(0, TABLE_ROWS),
    omitted: Math.max(0, all.length - TABLE_ROWS)
  };
}

/** Heads by drift, with their values in both models. */
function rows(result: HeadComparison): (string | number)[][] {
  const { shape } = result.drift;
  const quantities = compared(result);
  return ranked(grid(decodeTensor(result.drift), shape)).map(({ layer, head, value }) => {
    const at = layer * shape[1] + head;
    return [
      headName(layer, head),
      Number(value.toFixed(4)),
      ...quantities.flatMap(({ first, second }) => [first, second].map(values => Number(values[at].toFixed(4))))
    ];
  });
}

/** Second less first; panels of one unit have one scale. */
function differences(result: HeadComparison): Figure[] {
  const { shape } = result.drift;
  const changes = compared(result).map(one => ({
    ...one,
    change: one.second.map((value, at) => value - one.first[at])
  }));
  const largest = (change: Float32Array): number => change.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const panels = changes.map(({ title, unit, change }): Panel => {
    const same = changes.filter(other => other.unit === unit);
    const most = Math.max(...same.map(other => largest(other.change))) || 1;
    return { title, unit: `second − first, ${unit}`, values: grid(change, shape), range: [-most, most], signed: true };
  });
  const made = (title: string, own: readonly Panel[], caption: string): Figure =>
    heatmaps({
      title,
      caption: `${named(result)}. ${caption} Blue: more in the second model. Layer 0 at the top.`,
      alt: shortText(
        `${title}: ${own.map(panel => `${panel.title.toLowerCase()} by at most ${largestIn(panel).toFixed(3)}`).join(', ')}.`
      ),
      panels: own,
      ...axes(shape)
    });
  const [first, second] = result.measured;
  return [
    made('Change of head scores', panels.slice(0, SCORES.length), `Scores on ${sample(result)}.`),
    ...(result.direct
      ? [
          made(
            'Change of direct attribution',
            panels.slice(SCORES.length),
            `Logit difference of the prompts: ${signedNumber(first, 3)} in the first, ${signedNumber(second, 3)} in the second model.`
          )
        ]
      : [])
  ];
}

const largestIn = ({ values }: Panel): number => Math.max(...values.flat().map(value => Math.abs(value ?? 0)));

export function comparisonSummary(result: HeadComparison): string {
  const [layers, heads] = result.drift.shape;
  const quantities = compared(result);
  return [
    `Comparison of heads: ${named(result)}, ${layers} layers x ${heads} heads`,
    said(result),
    `scores on ${sample(result)}`,
    ...textTable(
      ['kind', 'r', 'kept', 'strongest heads'],
      survivals(result).map(({ title, r, kept, of, heads: own }) => [title, r, `${kept} of ${of}`, own.join('  ')]),
      90
    ),
    'largest drift:',
    ...textTable(
      ['head', 'drift', ...quantities.flatMap(({ title }) => [title.split(' ')[0].toLowerCase(), '→'])],
      rows(result)
        .slice(0, LISTED)
        .map(([name, ...numbers]) => [name, ...numbers.map(value => Number(value).toFixed(3))])
    )
  ].join('\n');
}
