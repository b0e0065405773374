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
import { DECODER_INPUT, readingOf, towerMeant, TOWERS, towersOf } from '../reading';
import type { ResultTable, ResultTensor } from '../result';
import { shortText } from '../short-text';
import { choice, type Spec } from '../spec/spec';
import { strongestCells, TOP_COLUMNS, type TopCell } from './strongest-cells';
import { decodeTensor, deflateTensor } from '../tensor-codec';
import { textTable } from '../text-table';

export interface AttentionPatterns {
  /** [layer, head, query_pos, key_pos], (stored / 255)² = weight; rows sum to 1 where not pooled. */
  readonly values: ResultTensor & { readonly dtype: 'uint8' };
  /** Rows of a stored pattern; fewer than there are queries where max-pooled (groups of `poolEdges`). */
  readonly size: number;
  readonly layers: readonly number[];
  readonly heads: readonly number[];
  /** Of cross-attention: the encoder's tokens, and behind them the decoder's. */
  readonly input: Input;
  readonly causal: boolean;
  /** Each head's largest weight that is neither on the token itself nor on the first one, largest first; places in their own sequences. */
  readonly top: ResultTable;
  /** [score, layer, head] in the order of PATTERN_SCORES, from the whole patterns; NaN where the text has no such cells. Absent in results of before. */
  readonly scores?: (ResultTensor & { readonly dtype: 'float32' }) | undefined;
  /** Of models of several. */
  readonly tower?: (typeof PARTS)[number] | undefined;
  /** Of cross-attention: how many of the tokens are the encoder's, which are the keys. */
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
      'Of encoder–decoders: self-attention of one of them, or what the decoder reads of the encoder (cross). Of models that read a text and an image: text or vision, where encoder stands for the one that something is given for. Other models have one tower.',
    options: PARTS,
    default: 'encoder'
  }),
  ...DECODER_INPUT,
  layers: LAYERS,
  heads: HEADS
};

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
    const [top, scores] = [strongestCells(patterns, heads), await scored(patterns, heads, read.ids, causal)];
    const tower = opened.reading && { tower: towerMeant(opened, spec.tower) };
    return { values, size, layers, heads, input: read, causal, top, scores, ...tower };
  },
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [layers, heads, queries, keys] = result.values.shape;
    agree('result.values layers', result.layers.length, layers);
    agree('result.values heads', result.heads.length, heads);
    agree('result.values queries', result.size, queries);
    checkSides(result, keys);
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

/** What the decoder's tokens read of the source's. */
async function crossAttention(opened: Subject, spec: Spec<typeof SPEC>, context: Context): Promise<AttentionPatterns> {
  const crossing = crossReading(opened, spec);
  const [, decoder] = towersOf(opened);
  const layers = select('layers', spec.layers, decoder.layers);
  const heads = select('heads', spec.heads, decoder.heads);
  const patterns = await crossPatterns(crossing, layers, context);
  const read = crossInput(crossing);
  const { values, size } = await packPatterns(patterns, heads, false);
  const top = strongestCells(patterns, heads);
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

function checkSides({ size, input: { ids }, tower, source }: AttentionPatterns, keys: number): void {
  if ((tower === 'cross') !== (source !== undefined) || (source ?? 0) > ids.length) {
    throw new Error(`'result.source' is ${source} for the tower '${tower}' of ${ids.length} tokens`);
  }
  const most = ids.length - (source ?? 0);
  if (size < 1 || size > most) {
    throw new Error(`'result.size': ${size} where 1 to ${most} belong`);
  }
  if (source === undefined ? keys !== size : keys < 1 || keys > source) {
    throw new Error(`'result.values' has ${keys} keys where ${source === undefined ? size : `1 to ${source}`} belong`);
  }
}

function checkCells(result: AttentionPatterns): void {
  const { query, key } = result.top.columns;
  const { queries, keys } = labelsOf(result);
  for (const [positions, labels] of [
    [query, queries],
    [key, keys]
  ]) {
    for (const position of positions) {
      if (!(Number(position) < labels.length)) {
        throw new Error(`'result.top' names position ${position}, there are ${labels.length} tokens`);
      }
    }
  }
}

/** Both are all tokens, but for cross-attention. */
function labelsOf({ input: { labels }, source }: AttentionPatterns): Record<'queries' | 'keys', readonly string[]> {
  return { queries: labels.slice(source ?? 0), keys: source === undefined ? labels : labels.slice(0, source) };
}

function topCells({ top }: AttentionPatterns, most: number): TopCell[] {
  const rows = Math.min(most, top.columns.layer.length);
  return Array.from(
    { length: rows },
    (_, i) => Object.fromEntries(TOP_COLUMNS.map(name => [name, top.columns[name][i]])) as TopCell
  );
}

function tokenAt(result: AttentionPatterns, side: 'queries' | 'keys', position: number): string {
  return `'${labelsOf(result)[side][position]}' (${position})`;
}

function topTable(result: AttentionPatterns, most: number): FigureTable {
  return {
    columns: ['head', 'query (destination)', 'key (source)', 'weight'],
    rows: topCells(result, most).map(cell => [
      `L${cell.layer}H${cell.head}`,
      tokenAt(result, 'queries', cell.query),
      tokenAt(result, 'keys', cell.key),
      cell.weight
    ]),
    omitted: Math.max(0, result.top.columns.layer.length - most)
  };
}

function figure(result: AttentionPatterns): AtlasFigure {
  const { layers, heads, size, source } = result;
  const labels = labelsOf(result);
  const across = result.values.shape[3];
  const pooled = isPooled(result) ? ` Thumbnails of ${size} × ${across} cells hold the largest weight of a group.` : '';
  return atlas({
    title: 'Attention patterns',
    caption:
      `Row = layer, column = head. Inside a head: query (destination) token from the top down, key (source) token ` +
      `across; colour = attention weight.${towerText(result)}${pooled}`,
    alt: altText(result),
    table: topTable(result, 50),
    layers: layers.length,
    heads: heads.length,
    layerIndices: layers,
    headIndices: heads,
    tokens: labels.queries,
    ...(source !== undefined && { keys: { tokens: labels.keys, size: across } }),
    causal: result.causal,
    sink: labels.keys.length > 1,
    patterns: decodeTensor(result.values),
    size,
    ...(result.scores && { scores: atlasScores(decodeTensor(result.scores)) })
  });
}

function isPooled(result: AttentionPatterns): boolean {
  const { queries, keys } = labelsOf(result);
  return result.size < queries.length || result.values.shape[3] < keys.length;
}

/** Of encoder–decoders: whose attention it is. */
function towerText({ tower, source = 0, input: read }: AttentionPatterns): string {
  return tower === 'cross'
    ? ` Cross-attention: the queries are the decoder's tokens (${read.ids.length - source}), the keys the encoder's (${source}).`
    : tower
      ? ` Self-attention of the ${tower}.`
      : '';
}

function altText(result: AttentionPatterns): string {
  const { layers, heads, input: read } = result;
  const top = topCells(result, 3).map(
    cell =>
      `L${cell.layer}H${cell.head} ${tokenAt(result, 'queries', cell.query)} to ${tokenAt(result, 'keys', cell.key)} ${cell.weight.toFixed(2)}`
  );
  const without = result.source === undefined ? 'the token itself and the first token' : 'the first token';
  const named = top.length ? ` Strongest beyond ${without}: ${top.join('; ')}.` : '';
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
    ...(isPooled(result)
      ? [`saved as ${size} x ${result.values.shape[3]} thumbnails (largest weight of each group)`]
      : []),
    `strongest cell of each head, ${result.source === undefined ? 'the token itself and ' : ''}the first token left out (weight 0-1):`,
    ...textTable(
      ['rank', ...cells.columns],
      cells.rows.map((row, i) => [i + 1, ...row.slice(0, 3), Number(row[3]).toFixed(3)])
    )
  ].join('\n');
}
