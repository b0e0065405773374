import { atlas } from '../../figures/atlas';
import type { AtlasFigure, FigureTable } from '../../figures/figure';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { agree, count, flag, gappedTensor, list, number, object, oneOf, optional, table, tensor } from '../check';
import { crossCost, crossInput, crossPatterns, crossReading } from './cross-patterns';
import { HEADS, INPUT, LAYERS, SEEN } from '../spec/fields';
import { select } from '../hooks';
import { input } from '../input';
import { packPatterns } from './pattern-bytes';
import type { LayerPattern } from './pattern-runs';
import { patternCost, refusesPatterns, visitPatterns } from './pattern-runs';
import { atlasScores, PATTERN_SCORES, patternScorer } from './pattern-scores';
import { DECODER_INPUT, readingOf, TOWERS, towersOf } from '../reading';
import type { ResultTable, ResultTensor } from '../result';
import { shortText } from '../short-text';
import { choice, type Spec } from '../spec/spec';
import { decodeTensor, deflateTensor } from '../tensor-codec';
import { textTable } from '../text-table';

export interface AttentionPatterns {
  /** [layer, head, query_pos, key_pos], (stored / 255)² = weight; rows sum to 1 where not pooled. */
  readonly values: ResultTensor & { readonly dtype: 'uint8' };
  /** Side of a stored pattern; less than the number of tokens where max-pooled (groups of `poolEdges`). */
  readonly size: number;
  readonly layers: readonly number[];
  readonly heads: readonly number[];
  readonly input: Input;
  readonly causal: boolean;
  /** Each head's largest weight that is neither on the token itself nor on the first one, largest first. */
  readonly top: ResultTable;
  /** [score, layer, head] in the order of PATTERN_SCORES, from the whole patterns; NaN where the text has no such cells. Absent in results of before. */
  readonly scores?: (ResultTensor & { readonly dtype: 'float32' }) | undefined;
  /** Of encoder–decoders. */
  readonly tower?: (typeof PARTS)[number] | undefined;
  /** Of cross-attention: how many of the tokens are the encoder's; the decoder's stand behind them. */
  readonly source?: number | undefined;
}

/** What is shown of an encoder–decoder. */
const PARTS = [...TOWERS, 'cross'] as const;

const SPEC = {
  ...INPUT,
  ...SEEN,
  tower: choice({
    only: 'towers',
    title: 'Tower',
    description:
      'Of encoder–decoders: self-attention of one of them, or what the decoder reads of the encoder (cross). Other models have one tower.',
    options: PARTS,
    default: 'encoder'
  }),
  ...DECODER_INPUT,
  layers: LAYERS,
  heads: HEADS
};
const TOP_COLUMNS = ['layer', 'head', 'query', 'key', 'weight'] as const;

const FIELDS: Check<AttentionPatterns> = object<AttentionPatterns>({
  values: tensor('uint8', 'layer', 'head', 'query_pos', 'key_pos'),
  size: count,
  layers: list(count, 4096),
  heads: list(count, 4096),
  input,
  causal: flag,
  top: table({ layer: count, head: count, query: count, key: count, weight: number }),
  scores: optional(gappedTensor(['score', 'layer', 'head'])),
  tower: optional(oneOf(...PARTS)),
  source: optional(count)
});

export const attentionPatterns = analysis<typeof SPEC, AttentionPatterns>({
  id: 'attention-patterns',
  title: 'Attention patterns',
  description: 'Which tokens each head reads from, all layers and heads at once.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'The weights A = softmax(QKᵀ/√d) that multiply the values, read from the graph as it runs; each row sums to one.',
    caveat:
      'A weight says where a head reads from, not what it moves: a large weight on a value of small norm moves little, and weights alone are no explanation of the output.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Jain & Wallace 2019, arXiv 1902.10186'
    ]
  },
  spec: SPEC,
  refuses: refusesPatterns,
  cost(opened, spec) {
    if (spec.tower === 'cross') {
      const crossing = crossReading(opened, spec);
      return crossCost(crossing, select('layers', spec.layers, towersOf(opened)[1].layers));
    }
    const { subject, read } = readingOf(opened, spec, spec.tower);
    return patternCost(subject, { rows: [read.ids], layers: select('layers', spec.layers, subject.tower.layers) });
  },
  async compute(opened, spec, context) {
    if (spec.tower === 'cross') {
      return crossAttention(opened, spec, context);
    }
    const { subject, read } = readingOf(opened, spec, spec.tower);
    const layers = select('layers', spec.layers, subject.tower.layers);
    const heads = select('heads', spec.heads, subject.tower.heads);
    const patterns: LayerPattern[] = [];
    await visitPatterns(subject, { rows: [read.ids], layers }, context, pattern => patterns.push(pattern));
    const { causal } = subject.tower;
    const { values, size } = await packPatterns(patterns, heads, false);
    const [top, scores] = [strongest(patterns, heads), await scored(patterns, heads, read.ids, causal)];
    const tower = opened.reading && { tower: spec.tower };
    return { values, size, layers, heads, input: read, causal, top, scores, ...tower };
  },
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [layers, heads, queries, keys] = result.values.shape;
    agree('result.values layers', result.layers.length, layers);
    agree('result.values heads', result.heads.length, heads);
    agree('result.values queries', result.size, queries);
    agree('result.values keys', result.size, keys);
    if (result.size > result.input.ids.length || result.size < 1) {
      throw new Error(`'result.size': ${result.size} where 1 to ${result.input.ids.length} belong`);
    }
    checkCells(result);
    if (result.scores && result.scores.shape.join() !== [PATTERN_SCORES.length, layers, heads].join()) {
      throw new Error(
        `'result.scores' has shape [${result.scores.shape.join(', ')}] beside ${layers} layers of ${heads} heads`
      );
    }
    return result;
  },
  figures: result => [figure(result)],
  summary: result => summary(result)
});

/** The decoder's tokens behind the source's, which they read. */
async function crossAttention(opened: Subject, spec: Spec<typeof SPEC>, context: Context): Promise<AttentionPatterns> {
  const crossing = crossReading(opened, spec);
  const [, decoder] = towersOf(opened);
  const layers = select('layers', spec.layers, decoder.layers);
  const heads = select('heads', spec.heads, decoder.heads);
  const patterns = await crossPatterns(crossing, layers, context);
  const read = crossInput(crossing);
  const { values, size } = await packPatterns(patterns, heads, false);
  const top = strongest(patterns, heads);
  const source = crossing.source.ids.length;
  return { values, size, layers, heads, input: read, causal: false, top, tower: 'cross', source };
}

/** Of the whole patterns, before they are pooled. */
async function scored(
  patterns: readonly LayerPattern[],
  heads: readonly number[],
  ids: readonly number[],
  causal: boolean
): Promise<NonNullable<AttentionPatterns['scores']>> {
  const score = patternScorer(ids, causal);
  const each = patterns.flatMap(pattern => heads.map(head => score(pattern, head)));
  const values = Float32Array.from(PATTERN_SCORES.flatMap((_, at) => each.map(scores => scores[at])));
  const shape = [PATTERN_SCORES.length, patterns.length, heads.length];
  return { ...(await deflateTensor({ dims: ['score', 'layer', 'head'], shape }, values)), dtype: 'float32' };
}

function strongest(patterns: readonly LayerPattern[], heads: readonly number[]): ResultTable {
  const cells = patterns.flatMap(pattern => heads.flatMap(head => strongestCell(pattern, head) ?? []));
  cells.sort((a, b) => b.weight - a.weight);
  return { columns: Object.fromEntries(TOP_COLUMNS.map(name => [name, cells.map(cell => cell[name])])) };
}

type TopCell = Readonly<Record<(typeof TOP_COLUMNS)[number], number>>;

/** Neither on the diagonal nor in the first column; undefined where there is no such cell. */
function strongestCell({ layer, length, weights }: LayerPattern, head: number): TopCell | undefined {
  let best = -1;
  const start = head * length * length;
  for (let cell = 0; cell < length * length; cell++) {
    const key = cell % length;
    const counts = key > 0 && key !== Math.floor(cell / length);
    if (counts && weights[start + cell] > (best < 0 ? 0 : weights[start + best])) {
      best = cell;
    }
  }
  if (best < 0) {
    return undefined;
  }
  const weight = Number(weights[start + best].toFixed(4));
  return { layer, head, query: Math.floor(best / length), key: best % length, weight };
}

function checkCells({ top, input: { ids }, tower, source }: AttentionPatterns): void {
  if ((tower === 'cross') !== (source !== undefined) || (source ?? 0) > ids.length) {
    throw new Error(`'result.source' is ${source} for the tower '${tower}' of ${ids.length} tokens`);
  }
  for (const position of [...top.columns.query, ...top.columns.key]) {
    if (!(Number(position) < ids.length)) {
      throw new Error(`'result.top' names position ${position}, there are ${ids.length} tokens`);
    }
  }
}

function topCells({ top }: AttentionPatterns, most: number): TopCell[] {
  const rows = Math.min(most, top.columns.layer.length);
  return Array.from(
    { length: rows },
    (_, i) => Object.fromEntries(TOP_COLUMNS.map(name => [name, top.columns[name][i]])) as TopCell
  );
}

function tokenAt({ input: { labels } }: AttentionPatterns, position: number): string {
  return `'${labels[position]}' (${position})`;
}

function topTable(result: AttentionPatterns, most: number): FigureTable {
  return {
    columns: ['head', 'query (destination)', 'key (source)', 'weight'],
    rows: topCells(result, most).map(cell => [
      `L${cell.layer}H${cell.head}`,
      tokenAt(result, cell.query),
      tokenAt(result, cell.key),
      cell.weight
    ]),
    omitted: Math.max(0, result.top.columns.layer.length - most)
  };
}

function figure(result: AttentionPatterns): AtlasFigure {
  const { input: read, layers, heads, size } = result;
  const pooled =
    size < read.ids.length ? ` Thumbnails of ${size} × ${size} cells hold the largest weight of a group.` : '';
  return atlas({
    title: 'Attention patterns',
    caption:
      `Row = layer, column = head. Inside a head: query (destination) token from the top down, key (source) token ` +
      `across; colour = attention weight, 0 to 1 on a square-root scale.${towerText(result)}${pooled}`,
    alt: altText(result),
    table: topTable(result, 50),
    layers: layers.length,
    heads: heads.length,
    layerIndices: layers,
    headIndices: heads,
    tokens: read.labels,
    causal: result.causal,
    sink: read.ids.length > 1,
    patterns: decodeTensor(result.values),
    size,
    ...(result.scores && { scores: atlasScores(decodeTensor(result.scores)) })
  });
}

/** Of encoder–decoders: whose attention it is. */
function towerText({ tower, source = 0, input: read }: AttentionPatterns): string {
  return tower === 'cross'
    ? ` Cross-attention: the ${read.ids.length - source} tokens of the decoder, behind the ${source} of the encoder, read those; rows of the encoder are empty.`
    : tower
      ? ` Self-attention of the ${tower}.`
      : '';
}

function altText(result: AttentionPatterns): string {
  const { layers, heads, input: read } = result;
  const top = topCells(result, 3).map(
    cell =>
      `L${cell.layer}H${cell.head} ${tokenAt(result, cell.query)} to ${tokenAt(result, cell.key)} ${cell.weight.toFixed(2)}`
  );
  const named = top.length ? ` Strongest beyond the token itself and the first token: ${top.join('; ')}.` : '';
  return shortText(
    `Attention of ${layers.length} layers × ${heads.length} heads on ${read.ids.length} tokens.${named}`
  );
}

function summary(result: AttentionPatterns): string {
  const { layers, heads, input: read, size } = result;
  const cells = topTable(result, 12);
  return [
    `Attention patterns: ${layers.length} layers x ${heads.length} heads, ${read.ids.length} tokens, ` +
      `${result.tower === 'cross' ? 'cross-attention' : result.causal ? 'causal' : 'bidirectional'}`,
    ...(size < read.ids.length ? [`saved as ${size} x ${size} thumbnails (largest weight of each group)`] : []),
    'strongest cell of each head, the token itself and the first token left out (weight 0-1):',
    ...textTable(
      ['rank', ...cells.columns],
      cells.rows.map((row, i) => [i + 1, ...row.slice(0, 3), Number(row[3]).toFixed(3)])
    )
  ].join('\n');
}
