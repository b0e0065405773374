import type { Figure, TableFigure } from '../../../figures/figure';
import { headGraph } from '../../../figures/head-graph';
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
import type { LinearMetric } from '../attribution/answer-direction';
import type { Section } from '../card/card-section';
import type { StoredPattern } from './stored-pattern';
import type { VirtualScores } from './virtual-scores';
import { ORIGINS } from './virtual-terms';

export interface VirtualHeads {
  /** Terms of pairs of heads [from, to], or the sums over two layers' heads [from_layer, to_layer], logits, mean over the prompts; NaN where the second is in no later layer. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** fromLayer, fromHead, toLayer, toHead, value (mean over the prompts), deviation; the largest first. */
  readonly top: ResultTable;
  /** Of these pairs, from the weights. */
  readonly scores: Section<VirtualScores>;
  /** A₂·A₁ of the first of these pairs on the first prompt. */
  readonly patterns: readonly StoredPattern[];
  /** Each head's direct term by who wrote what it read: layer, head, embeddings, heads, MLPs, biases. */
  readonly origins: ResultTable;
  /** The metric by how many heads lie on the way; they add up to `sum`. */
  readonly paths: ResultTable;
  /** The model's own metric, mean over the prompts. */
  readonly measured: number;
  readonly sum: number;
  readonly metric: LinearMetric;
  /** The first prompt. */
  readonly clean: Input;
  readonly prompts: number;
  readonly layers: number;
  readonly heads: number;
}

interface Pair {
  readonly name: string;
  readonly value: number;
  readonly deviation: number;
  readonly composition?: number;
  readonly copying?: number;
}

/** Heads whose origins are listed. */
const LISTED = 20;

const signed = (value: number): string => signedNumber(value, 4);

function pairsOf({ top, scores }: VirtualHeads): Pair[] {
  const { fromLayer, fromHead, toLayer, toHead, value, deviation } = top.columns;
  return value.map((one, at) => ({
    name: `${headName(Number(fromLayer[at]), Number(fromHead[at]))} → ${headName(Number(toLayer[at]), Number(toHead[at]))}`,
    value: Number(one),
    deviation: Number(deviation[at]),
    ...(scores.found && { composition: scores.found.composition[at], copying: scores.found.copying[at] })
  }));
}

const pathsOf = ({ paths }: VirtualHeads): { readonly name: string; readonly value: number }[] =>
  paths.columns.name.map((name, at) => ({ name: String(name), value: Number(paths.columns.value[at]) }));

export const virtualFigures = (result: VirtualHeads): readonly Figure[] => [
  pathBars(result),
  pairMap(result),
  ...pairGraph(result),
  pairBars(result),
  ...result.patterns.map((pattern, at) => patternMap(result, pattern, at)),
  originTable(result)
];

function caption({ measured, sum, metric, prompts, clean }: VirtualHeads): string {
  const words = shortText(clean.labels.join('').replaceAll('·', ' '), 80);
  return (
    `The ways add up to ${sum.toFixed(4)} logits; the model's own ${METRICS[metric].title} is ${measured.toFixed(4)}. ` +
    `Norms' scales are held at their measured values. Prompt “${words}”${prompts > 1 ? ` and ${prompts - 1} more: the mean of all` : ''}.`
  );
}

function pathBars(result: VirtualHeads): Figure {
  const bars = pathsOf(result);
  const title = `Ways to the ${METRICS[result.metric].title}`;
  return rankedBars({
    title,
    caption: `${caption(result)} The last of each way writes straight to the logits; an arrow is one step through the residual stream: what the first wrote, as the second read it.`,
    alt: shortText(`${title}: ${bars.map(({ name, value }) => `${name} ${signed(value)}`).join(', ')}.`),
    x: 'contribution (logits)',
    bars,
    table: {
      columns: ['way', 'contribution (logits)'],
      rows: bars.map(({ name, value }) => [name, signed(value)]),
      omitted: 0
    }
  });
}

function pairMap(result: VirtualHeads): Figure {
  const { values, layers, heads } = result;
  const [side] = values.shape;
  const byLayer = side !== layers * heads;
  const labels = byLayer
    ? indexLabels(layers)
    : Array.from({ length: side }, (_, at) => headName(Math.floor(at / heads), at % heads));
  // The last layer's heads write for no head, the first layer's read from none.
  const step = byLayer ? 1 : heads;
  const [writers, readers] = [labels.slice(0, -step), labels.slice(step)];
  const flat = decodeTensor(values);
  const most = flat.reduce((size, value) => Math.max(size, Math.abs(value) || 0), 0) || 1;
  const what = byLayer ? 'layer' : 'head';
  const best = pairsOf(result).slice(0, 3);
  return heatmaps({
    title: 'Virtual attention heads',
    caption: `What the later ${what} (columns) says where the answer is read because of what the earlier one (rows) wrote where it looks. Red: against the answer; blue: for it.${byLayer ? ' A cell is the sum over all heads of two layers.' : ''}`,
    alt: shortText(
      `Map of pairs of ${side} ${what}s. Largest: ${best.map(({ name, value }) => `${name} ${signed(value)}`).join(', ') || 'none'} logits.`
    ),
    panels: [
      {
        title: 'Contribution of each pair',
        unit: 'logits',
        values: writers.map((_, from) =>
          Array.from(flat.subarray(from * side + step, (from + 1) * side), value =>
            Number.isNaN(value) ? null : value
          )
        ),
        range: [-most, most],
        signed: true
      }
    ],
    rows: { title: `earlier ${what} (writes)`, labels: writers },
    columns: { title: `later ${what} (reads)`, labels: readers },
    cell: (row, column) => `${writers[row]} → ${readers[column]}`
  });
}

/** None where there are no pairs. */
function pairGraph(result: VirtualHeads): readonly Figure[] {
  const { top, layers, heads } = result;
  const { fromLayer, fromHead, toLayer, toHead, value } = top.columns;
  const edges = value.map((one, at) => ({
    from: { layer: Number(fromLayer[at]), head: Number(fromHead[at]) },
    to: { layer: Number(toLayer[at]), head: Number(toHead[at]) },
    value: Number(one)
  }));
  const named = pairsOf(result).slice(0, 3);
  const graph = headGraph({
    title: 'Graph of the largest virtual heads',
    caption:
      `The ${edges.length} largest pairs: each line runs from the earlier head to the later one, thicker where it says more; ` +
      'solid blue for the answer, dashed red against it. A head’s number is the sum of its lines.',
    alt: shortText(
      `Graph of ${edges.length} pairs of heads, layers from the top down. Largest: ${named.map(({ name, value: size }) => `${name} ${signed(size)}`).join(', ')} logits.`
    ),
    node: 'Sum of a head’s pairs',
    unit: 'logits',
    layers,
    heads,
    edges
  });
  return edges.length > 0 ? [graph] : [];
}

const scored = ({ scores }: VirtualHeads): string =>
  scores.found
    ? 'V-composition and copying score (Σλ/Σ|λ| of W_E·W_V¹W_O¹·W_V²W_O²·W_U, 1 where every direction raises its own tokens) are of the weights alone.'
    : `No scores of the weights: ${scores.why}.`;

const scoreCells = ({ composition, copying }: Pair): string[] =>
  composition === undefined || copying === undefined ? [] : [composition.toFixed(4), signedNumber(copying, 3)];

function pairBars(result: VirtualHeads): Figure {
  const all = pairsOf(result);
  const several = result.prompts > 1;
  return rankedBars({
    title: 'Largest virtual heads',
    caption: `Each bar is one pair of heads: earlier → later. ${scored(result)}`,
    alt: shortText(
      `Bars of ${all.length} virtual heads. Largest: ${all
        .slice(0, 5)
        .map(({ name, value }) => `${name} ${signed(value)}`)
        .join(', ')} logits.`
    ),
    x: 'contribution (logits)',
    bars: all,
    table: {
      columns: [
        'virtual head',
        'contribution (logits)',
        ...(several ? ['standard deviation over prompts'] : []),
        ...(result.scores.found ? ['V-composition', 'copying score'] : [])
      ],
      rows: all.map(pair => [
        pair.name,
        signed(pair.value),
        ...(several ? [Number(pair.deviation.toFixed(4))] : []),
        ...scoreCells(pair)
      ]),
      omitted: 0
    }
  });
}

const weight = (stored: number): number => (stored / 255) ** 2;

function patternMap(result: VirtualHeads, pattern: StoredPattern, at: number): Figure {
  const { name } = pairsOf(result)[at];
  const { clean } = result;
  const [size] = pattern.shape;
  const labels = clean.labels.slice(0, size).map((label, place) => `${place} ${shortText(label, 14)}`);
  const flat = decodeTensor(pattern);
  const last = Array.from(flat.subarray((size - 1) * size), weight);
  const most = last.indexOf(Math.max(...last));
  const cut = clean.ids.length > size ? ` The first ${size} of ${clean.ids.length} positions.` : '';
  return heatmaps({
    title: `Virtual attention of ${name}`,
    caption: `The product of both patterns, A₂·A₁, on the first prompt: rows the token that attends, columns the token whose content the earlier head had moved to where the later one looks.${cut}`,
    alt: shortText(`Virtual pattern of ${name} over ${size} tokens; ${labels[size - 1]} sees ${labels[most]} most.`),
    panels: [
      {
        title: 'Virtual attention weight',
        unit: '0–1',
        values: labels.map((_, query) => Array.from(flat.subarray(query * size, (query + 1) * size), weight)),
        range: [0, 1]
      }
    ],
    rows: { title: 'query', labels },
    columns: { title: 'key', labels },
    cell: (row, column) => `${labels[row]} → ${labels[column]}`
  });
}

interface Origin {
  readonly name: string;
  readonly parts: readonly number[];
  readonly whole: number;
}

/** The largest direct terms first. */
function originsOf({ origins }: VirtualHeads): Origin[] {
  const { layer, head } = origins.columns;
  return layer
    .map((one, at) => {
      const parts = ORIGINS.map(name => Number(origins.columns[name][at]));
      return {
        name: headName(Number(one), Number(head[at])),
        parts,
        whole: parts.reduce((sum, value) => sum + value, 0)
      };
    })
    .sort((a, b) => Math.abs(b.whole) - Math.abs(a.whole));
}

function originTable(result: VirtualHeads): TableFigure {
  const rows = originsOf(result).slice(0, LISTED);
  return {
    kind: 'table',
    title: 'What the heads had read',
    caption: `Direct terms of the heads, the largest ${rows.length} first, by who wrote what their values were read from; each row adds up to the head's term in direct logit attribution.`,
    alt: shortText(
      `Direct terms by origin: ${rows
        .slice(0, 4)
        .map(
          ({ name, parts }) =>
            `${name} ${ORIGINS.map((origin, at) => `${origin} ${signedNumber(parts[at], 2)}`).join(' ')}`
        )
        .join('; ')}.`
    ),
    corner: 'head',
    columns: [...ORIGINS, 'all'].map(label => ({ label, align: 'end' as const })),
    rows: rows.map(({ name, parts, whole }) => ({
      label: name,
      cells: [...parts, whole].map(value => ({ text: signed(value) }))
    }))
  };
}

export function virtualSummary(result: VirtualHeads): string {
  const several = result.prompts > 1;
  return [
    `Virtual attention heads: ${caption(result)}`,
    ...textTable(
      ['way', 'logits'],
      pathsOf(result).map(({ name, value }) => [name, signed(value)])
    ),
    ...textTable(
      [
        'virtual head',
        'logits',
        ...(several ? ['deviation'] : []),
        ...(result.scores.found ? ['V-composition', 'copying'] : [])
      ],
      pairsOf(result)
        .slice(0, 10)
        .map(pair => [
          pair.name,
          signed(pair.value),
          ...(several ? [pair.deviation.toFixed(4)] : []),
          ...scoreCells(pair)
        ])
    ),
    scored(result),
    ...textTable(
      ['head', ...ORIGINS, 'all'],
      originsOf(result)
        .slice(0, 8)
        .map(({ name, parts, whole }) => [name, ...[...parts, whole].map(signed)])
    )
  ].join('\n');
}
