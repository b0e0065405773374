import type { Figure, FigureTable } from '../../../figures/figure';
import { heatmaps } from '../../../figures/heatmaps';
import { rankedBars } from '../../../figures/ranked-bars';
import { signedNumber } from '../../../figures/signed-number';
import type { Input } from '../../../subject/subject';
import { headName, indexLabels } from '../../attention/head-values';
import { METRICS } from '../../patching/metric';
import type { ResultTable, ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import type { LinearMetric } from './answer-direction';

export interface DirectLogitAttribution {
  /** Mean over the prompts of each head's term [layer, head], logits. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** All terms in the order of writing: name, kind, value (mean over the prompts), deviation; they add up to `sum`. */
  readonly terms: ResultTable;
  /** The largest heads' terms by the position that they were read from [head, position]; each row adds up to the head's term. */
  readonly sources: ResultTensor & { readonly dtype: 'float32' };
  /** layer, head of each row of `sources`. */
  readonly sourceHeads: ResultTable;
  /** layer, neuron, value, deviation; the largest first. Parts of the MLPs' terms. */
  readonly neurons: ResultTable;
  /** The model's own metric, mean over the prompts, logits. */
  readonly measured: number;
  readonly sum: number;
  readonly metric: LinearMetric;
  /** The c of c · tanh(x / c), where the model bends its logits so: `sum` and `measured` are of the x. */
  readonly softcap?: number;
  /** The first prompt. */
  readonly clean: Input;
  readonly prompts: number;
}

interface Ranked {
  readonly name: string;
  readonly value: number;
  readonly deviation: number;
}

const TOP = 20;
const TABLE_ROWS = 60;
const LISTED = 15;

const ranked = ({ terms }: DirectLogitAttribution): Ranked[] => {
  const { name, value, deviation } = terms.columns;
  return name
    .map((one, at) => ({ name: String(one), value: Number(value[at]), deviation: Number(deviation[at]) }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
};

const signed = (value: number): string => signedNumber(value, 4);

export function attributionFigures(result: DirectLogitAttribution): readonly Figure[] {
  return [bars(result), headMap(result), sourceMap(result), ...neuronBars(result)];
}

function bars(result: DirectLogitAttribution): Figure {
  const all = ranked(result);
  const rest = all.slice(TOP);
  const left = rest.reduce((sum, { value }) => sum + value, 0);
  const shown = [
    ...all.slice(0, TOP),
    ...(rest.length ? [{ name: `other (${rest.length})`, value: left, deviation: 0 }] : [])
  ];
  const { title } = METRICS[result.metric];
  return rankedBars({
    title: `Direct attribution of the ${title}`,
    caption: caption(result),
    alt: shortText(
      `Bars of ${all.length} terms of the ${title}, ${result.measured.toFixed(3)} logits in all. Largest: ${all
        .slice(0, 5)
        .map(({ name, value }) => `${name} ${signed(value)}`)
        .join(', ')}.`
    ),
    x: 'direct contribution (logits)',
    bars: shown,
    table: tableOf(all, result.prompts > 1)
  });
}

const tableOf = (all: readonly Ranked[], several: boolean): FigureTable => ({
  columns: ['component', 'contribution (logits)', ...(several ? ['standard deviation over prompts'] : [])],
  rows: all
    .slice(0, TABLE_ROWS)
    .map(({ name, value, deviation }) => [name, signed(value), ...(several ? [Number(deviation.toFixed(4))] : [])]),
  omitted: Math.max(0, all.length - TABLE_ROWS)
});

function caption({ measured, sum, metric, softcap, prompts, clean }: DirectLogitAttribution): string {
  const words = shortText(clean.labels.join('').replaceAll('·', ' '), 80);
  const off = Math.abs(sum - measured);
  return (
    `The terms add up to ${sum.toFixed(4)} logits; the model's own ${METRICS[metric].title} is ${measured.toFixed(4)} (off by ${off.toExponential(1)}). ` +
    (softcap === undefined
      ? ''
      : `Logits are those before the soft cap, the x of ${softcap} · tanh(x / ${softcap}). `) +
    "Folded view: the final norm's scale is held at its measured value, its weight is part of the unembedding; 'constant' is what its bias and the unembedding's add. " +
    `Prompt “${words}”${prompts > 1 ? ` and ${prompts - 1} more: the mean of all, with the standard deviation over them as whiskers` : ''}.`
  );
}

function grid(tensor: ResultTensor & { readonly dtype: 'float32' }): {
  readonly values: number[][];
  readonly most: number;
} {
  const [rows, columns] = tensor.shape;
  const flat = decodeTensor(tensor);
  return {
    values: Array.from({ length: rows }, (_, row) => Array.from(flat.subarray(row * columns, (row + 1) * columns))),
    most: flat.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1
  };
}

function headMap(result: DirectLogitAttribution): Figure {
  const { values, most } = grid(result.values);
  const [layers, heads] = result.values.shape;
  return heatmaps({
    title: 'Direct attribution by head',
    caption: 'Layer 0 at the top. Red: against the answer; blue: for it.',
    alt: `Map of ${layers} layers × ${heads} heads, largest term ${most.toFixed(3)} logits.`,
    panels: [{ title: 'Contribution of each head', values, unit: 'logits', range: [-most, most], signed: true }],
    rows: { title: 'layer', labels: indexLabels(layers) },
    columns: { title: 'head', labels: indexLabels(heads) },
    cell: headName
  });
}

const sourceNames = ({ sourceHeads }: DirectLogitAttribution): string[] =>
  sourceHeads.columns.layer.map((layer, at) => headName(Number(layer), Number(sourceHeads.columns.head[at])));

function sourceMap(result: DirectLogitAttribution): Figure {
  const { values, most } = grid(result.sources);
  const names = sourceNames(result);
  const labels = result.clean.labels.map((label, at) => `${at} ${label}`);
  return heatmaps({
    title: 'Direct attribution by source token',
    caption:
      'What the largest heads write where the answer is read, by the token that they read it from: attention weight times what that token’s value writes. Each row adds up to the head’s term.' +
      (result.prompts > 1 ? ' Mean over the prompts; the tokens are the first prompt’s.' : ''),
    alt: `Map of ${names.length} heads × ${labels.length} source positions, largest term ${most.toFixed(3)} logits.`,
    panels: [{ title: 'Contribution by source', values, unit: 'logits', range: [-most, most], signed: true }],
    rows: { title: 'head', labels: names },
    columns: { title: 'source (key) token', labels },
    cell: (row, column) => `${names[row]} from ${labels[column]}`
  });
}

function neuronList({ neurons }: DirectLogitAttribution): Ranked[] {
  const { layer, neuron, value, deviation } = neurons.columns;
  return layer.map((one, at) => ({
    name: `L${one}N${neuron[at]}`,
    value: Number(value[at]),
    deviation: Number(deviation[at])
  }));
}

function neuronBars(result: DirectLogitAttribution): Figure[] {
  const all = neuronList(result);
  return all.length === 0
    ? []
    : [
        rankedBars({
          title: 'Direct attribution by neuron',
          caption:
            'The largest terms of single MLP neurons: activation times the output row on the answer’s direction.',
          alt: shortText(`Bars of ${all.length} neurons. Largest: ${all[0].name} ${signed(all[0].value)} logits.`),
          x: 'direct contribution (logits)',
          bars: all.slice(0, TOP),
          table: tableOf(all, result.prompts > 1)
        })
      ];
}

export function attributionSummary(result: DirectLogitAttribution): string {
  const several = result.prompts > 1;
  const rows = (all: readonly Ranked[], most: number): string[] =>
    textTable(
      ['component', 'logits', ...(several ? ['deviation'] : [])],
      all
        .slice(0, most)
        .map(({ name, value, deviation }) => [name, signed(value), ...(several ? [deviation.toFixed(4)] : [])])
    );
  const all = ranked(result);
  const neurons = neuronList(result);
  return [
    `Direct logit attribution: ${caption(result)}`,
    ...rows(all, LISTED),
    ...(all.length > LISTED ? [`${all.length - LISTED} smaller terms are not listed`] : []),
    ...(neurons.length ? ['neurons:', ...rows(neurons, 10)] : [])
  ].join('\n');
}
