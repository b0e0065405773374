import type { Figure, FigureTable } from '../../../figures/figure';
import { forest, type Dot } from '../../../figures/forest';
import { heatmaps } from '../../../figures/heatmaps';
import { signedNumber } from '../../../figures/signed-number';
import type { Input } from '../../../subject/subject';
import type { Baselines } from '../../patching/effects';
import { headName, indexLabels } from '../../attention/head-values';
import { METRICS, type MetricId } from '../../patching/metric';
import type { ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';

/** What the columns of a result are. */
export const TRACED_BY = ['head', 'component', 'position', 'role'] as const;
/** Hooks that are patched by position or role. */
export const TRACED_HOOKS = ['resid_pre', 'attn_out', 'mlp_out'] as const;

export interface Condition {
  readonly counterfactual: number;
  readonly denoising: boolean;
  readonly name: string;
}

/** In the order of the results' first axis. */
export const CONDITIONS: readonly Condition[] = [0, 1].flatMap(counterfactual =>
  [true, false].map(denoising => ({
    counterfactual,
    denoising,
    name: `${denoising ? 'denoising' : 'noising'}, counterfactual ${counterfactual + 1}`
  }))
);

type Effects = ResultTensor & { readonly dtype: 'float32' };

export interface CausalTracing {
  /**
   * Mean over the prompts [condition, layer, column]: what denoising restores, what noising loses; of the difference between clean and corrupted,
   * where it is normalised. NaN where it is not computed yet. Columns are heads, or attention and MLP.
   */
  readonly values: Effects;
  /** Ends of the interval over the prompts. */
  readonly low: Effects;
  readonly high: Effects;
  /** Of each counterfactual. */
  readonly baselines: readonly Baselines[];
  readonly normalised: boolean;
  /** Cells computed. */
  readonly done: number;
  readonly by: (typeof TRACED_BY)[number];
  readonly metric: MetricId;
  /** The model's own numbers of the rows. */
  readonly layers: readonly number[];
  /** Of a layer. */
  readonly heads: number;
  readonly mlp: boolean;
  readonly prompts: number;
  /** Tokens of the prompts, one for each length that occurs. */
  readonly lengths: readonly number[];
  /** The first prompt, and its counterfactuals. */
  readonly clean: Input;
  readonly corrupted: readonly Input[];
  /** By position or role: what was patched, and the columns' names. */
  readonly hook?: (typeof TRACED_HOOKS)[number];
  readonly columns?: readonly string[];
}

interface Row {
  readonly name: string;
  /** Of each condition; null where it is not computed. */
  readonly dots: readonly (Dot | null)[];
  /** The largest effect by absolute value. */
  readonly most: number;
}

const TOP = 15;
const TABLE_ROWS = 60;
const LISTED = 14;

const conditionNames = ({ corrupted }: CausalTracing): string[] =>
  CONDITIONS.slice(0, 2 * corrupted.length).map(({ name }) =>
    corrupted.length > 1 ? name : name.slice(0, name.indexOf(','))
  );

export const columnsOf = ({
  by,
  heads,
  mlp,
  columns = []
}: Pick<CausalTracing, 'by' | 'heads' | 'mlp' | 'columns'>): readonly string[] =>
  by === 'head' ? indexLabels(heads) : by === 'component' ? ['attention', ...(mlp ? ['MLP'] : [])] : columns;

const WHAT = { resid_pre: 'stream before', attn_out: 'attention of', mlp_out: 'MLP of' } as const;

function cellName(result: CausalTracing, row: number, column: number): string {
  const layer = result.layers[row];
  const name = columnsOf(result)[column];
  return result.by === 'head'
    ? headName(layer, column)
    : result.hook === undefined
      ? `${name} ${layer}`
      : `${WHAT[result.hook]} ${layer}, ${name}`;
}

/** Heads, components or places. */
const whatOf = ({ by }: CausalTracing): string =>
  ({ head: 'heads', component: 'components', position: 'places', role: 'places' })[by];

function rowsOf(result: CausalTracing): Row[] {
  const [values, low, high] = [result.values, result.low, result.high].map(tensor => decodeTensor(tensor));
  const [conditions, layers, columns] = result.values.shape;
  const rows = Array.from({ length: layers * columns }, (_, cell): Row => {
    const dots = Array.from({ length: conditions }, (__, condition): Dot | null => {
      const at = condition * layers * columns + cell;
      return Number.isNaN(values[at]) ? null : { value: values[at], low: low[at], high: high[at] };
    });
    const most = dots.reduce((largest, dot) => Math.max(largest, Math.abs(dot?.value ?? 0)), 0);
    return { name: cellName(result, Math.floor(cell / columns), cell % columns), dots, most };
  });
  return rows.filter(({ dots }) => dots.some(dot => dot !== null)).sort((a, b) => b.most - a.most);
}

const unitOf = ({ normalised, metric }: CausalTracing): string =>
  normalised ? 'share of clean − corrupted' : METRICS[metric].unit;

const shown = (words: Input): string => shortText(words.labels.join('').replaceAll('·', ' '), 70);

const HOOK_TITLES = {
  resid_pre: 'The stream before each block',
  attn_out: 'What each attention adds',
  mlp_out: 'What each MLP adds'
} as const;
const ROLE_WORDS =
  'by the positions’ role: tokens that differ between the versions (the first, the last, all of them), unchanged ones after the first of them, the last token';

function caption(result: CausalTracing): string {
  const { prompts, clean, corrupted, normalised, done, values, lengths } = result;
  const total = values.shape.reduce((product, size) => product * size, 1);
  const interval = prompts > 1 ? ` Whiskers: 95 % bootstrap interval of the mean over ${prompts} prompts.` : '';
  return (
    (result.hook
      ? `${HOOK_TITLES[result.hook]}, ${result.by === 'role' ? ROLE_WORDS : 'position by position'}. `
      : '') +
    `Denoising: what the clean value restores in the corrupted run; noising: what the corrupted value loses in the clean run${normalised ? '; 1 is the whole difference' : ''}.${interval}` +
    ` Clean “${shown(clean)}”; ${corrupted.map((one, at) => `counterfactual ${at + 1} “${shown(one)}”`).join('; ')}${prompts > 1 ? ` and ${prompts - 1} more` : ''}` +
    `${lengths.length > 1 ? `, ${Math.min(...lengths)} to ${Math.max(...lengths)} tokens` : ''}.` +
    (done < total ? ` ${done} of ${total} effects are computed.` : '')
  );
}

const excludesZero = (dot: Dot | null): boolean => dot !== null && (dot.low > 0 || dot.high < 0);

export function tracingFigures(result: CausalTracing): readonly Figure[] {
  return [dots(result), maps(result)];
}

function dots(result: CausalTracing): Figure {
  const all = rowsOf(result);
  const names = conditionNames(result);
  const what = whatOf(result);
  return forest({
    title: `Causal tracing: the ${what} with the largest effects`,
    caption: caption(result),
    alt: shortText(
      `Effects of ${all.length} ${what} in ${names.length} conditions. Largest: ${all
        .slice(0, 3)
        .map(({ name, dots: [first] }) => `${name}${first ? ` ${signedNumber(first.value, 3)}` : ''}`)
        .join(', ')}.`
    ),
    x: `effect on the ${METRICS[result.metric].title} (${unitOf(result)})`,
    rows: all.slice(0, TOP).map(({ name }) => name),
    series: names.map((name, condition) => ({ name, dots: all.slice(0, TOP).map(row => row.dots[condition]) })),
    table: table(all, names, result)
  });
}

const table = (all: readonly Row[], names: readonly string[], { prompts }: CausalTracing): FigureTable => ({
  columns: ['place', ...names.flatMap(name => [name, ...(prompts > 1 ? ['low', 'high'] : [])])],
  rows: all
    .slice(0, TABLE_ROWS)
    .map(row => [
      row.name,
      ...row.dots.flatMap(dot =>
        (prompts > 1 ? [dot?.value, dot?.low, dot?.high] : [dot?.value]).map(value =>
          value === undefined ? '' : signedNumber(value, 4)
        )
      )
    ]),
  omitted: Math.max(0, all.length - TABLE_ROWS)
});

function maps(result: CausalTracing): Figure {
  const [, layers, columns] = result.values.shape;
  const flat = decodeTensor(result.values);
  const most = flat.reduce((largest, value) => (Math.abs(value) > largest ? Math.abs(value) : largest), 0) || 1;
  const all = rowsOf(result);
  const names = conditionNames(result);
  const clear = names.map((name, at) => `${all.filter(({ dots: own }) => excludesZero(own[at])).length} (${name})`);
  return heatmaps({
    title: `Causal tracing by ${result.by}`,
    caption: `Mean effects on one scale, ${unitOf(result)}; layer 0 at the top.${result.prompts > 1 ? ` Intervals that leave out zero: ${clear.join(', ')}, of ${layers * columns} each.` : ''}`,
    alt: shortText(
      `Maps of ${layers} layers × ${columns} ${whatOf(result)} in ${names.length} conditions, largest effect ${most.toFixed(3)}.`
    ),
    panels: names.map((_, condition) => ({
      title: CONDITIONS[condition].denoising ? 'denoising' : 'noising',
      values: Array.from({ length: layers }, (_, layer) => {
        const at = (condition * layers + layer) * columns;
        return Array.from(flat.subarray(at, at + columns), value => (Number.isNaN(value) ? null : value));
      }),
      unit: `counterfactual ${CONDITIONS[condition].counterfactual + 1}`,
      range: [-most, most],
      signed: true
    })),
    rows: { title: 'layer', labels: result.layers.map(String) },
    columns: { title: result.by, labels: [...columnsOf(result)] },
    cell: (row, column) => cellName(result, row, column)
  });
}

export function tracingSummary(result: CausalTracing): string {
  const all = rowsOf(result);
  const names = conditionNames(result);
  const short = names.map(name => name.replace('counterfactual ', ''));
  const { title, unit } = METRICS[result.metric];
  return [
    `Causal tracing by ${result.by}: ${caption(result)}`,
    `${title}: ${result.baselines.map(({ clean, corrupted }, at) => `counterfactual ${at + 1} clean ${clean.toFixed(4)}, corrupted ${corrupted.toFixed(4)}`).join('; ')} ${unit}; ${result.prompts} prompt${result.prompts > 1 ? 's' : ''}`,
    ...(result.normalised ? [] : ['effects are changes of the metric, not normalised']),
    ...textTable(
      ['place', ...short],
      all
        .slice(0, LISTED)
        .map(({ name, dots: own }) => [name, ...own.map(dot => withInterval(dot, result.prompts > 1))]),
      40
    ),
    ...(all.length > LISTED ? [`${all.length - LISTED} smaller effects are not listed`] : [])
  ].join('\n');
}

const withInterval = (dot: Dot | null, several: boolean): string =>
  dot === null
    ? '-'
    : `${signedNumber(dot.value, 3)}${several ? ` [${signedNumber(dot.low, 3)}, ${signedNumber(dot.high, 3)}]` : ''}`;
