import { atlas } from '../../figures/atlas';
import { valueOf } from '../../figures/atlas-bytes';
import type { AtlasFigure, FigureTable } from '../../figures/figure';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { agree, count, flag, list, number, object, orNull, table, tensor, text } from '../check';
import { refuseIncomparable } from '../circuits/comparison/comparable';
import { HEADS, LAYERS } from '../spec/fields';
import { select } from '../hooks';
import { meanPatterns } from './mean-patterns';
import type { PackedPatterns } from './pattern-bytes';
import { packPatterns } from './pattern-bytes';
import { patternCost, refusesPatterns } from './pattern-runs';
import { referenceTexts } from '../reference-texts';
import type { ResultTable, ResultTensor } from '../result';
import { shortText } from '../short-text';
import { text as textField, type Spec } from '../spec/spec';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';

const SPEC = {
  texts: textField({
    title: 'Texts',
    read: true,
    description: 'One a line (ids with commas, without a tokenizer). Patterns are averaged position by position.',
    default: 'The cat sat on the mat because it was warm.\nThe dog lay by the door because it was cold.',
    maxLength: 200000
  }),
  against: textField({
    title: 'Against',
    read: true,
    description:
      'Texts that the first are compared with, as many lines, each with as many tokens as its counterpart: the figure is then their mean less that of the first.',
    maxLength: 200000
  }),
  other: textField({
    title: 'Other model',
    description:
      'A second model that reads the texts (or those they are compared with): a folder or an .onnx file, named as the first is, with the same layers, heads and tokenizer. The figure is then its mean less that of the first model.',
    maxLength: 1024
  }),
  layers: LAYERS,
  heads: HEADS
};

/** Tokens of all texts. */
const MOST_TOKENS = 16384;
const STRONGEST = ['layer', 'head', 'query', 'key', 'value'] as const;

export interface MeanAttention extends PackedPatterns {
  readonly layers: readonly number[];
  readonly heads: readonly number[];
  readonly causal: boolean;
  /** A difference: of texts, of models, or of both. */
  readonly signed: boolean;
  readonly texts: number;
  /** Texts that have the position. */
  readonly counts: readonly number[];
  /** Of each position: its number, or the token where all texts have the same one. */
  readonly labels: readonly string[];
  /** The second model. */
  readonly other: { readonly label: string } | null;
  /** The cell of the largest size of each head, the largest first. */
  readonly top: ResultTable;
}

const FIELDS: Check<MeanAttention> = object<MeanAttention>({
  values: tensor('uint8', 'layer', 'head', 'query_pos', 'key_pos') as Check<ResultTensor & { readonly dtype: 'uint8' }>,
  size: count,
  layers: list(count, 4096),
  heads: list(count, 4096),
  causal: flag,
  signed: flag,
  texts: count,
  counts: list(count),
  labels: list(text),
  other: orNull(object({ label: text })),
  top: table({ layer: count, head: count, query: count, key: count, value: number })
});

export const meanAttention = analysis<typeof SPEC, MeanAttention>({
  id: 'mean-attention',
  title: 'Mean attention',
  description: 'Attention patterns averaged over texts; or how they differ between two sets of texts, or two models.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'The mean over texts of A[query, key] at equal positions, counted from the first token, over the texts that have the query; each row of a mean sums to one, each row of a difference to zero.',
    caveat:
      'Positions are averaged, not roles: of texts that are not built alike a mean shows what depends on the place alone. A difference of patterns says where a head looks more or less, not what that does.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Wang et al. 2022, arXiv 2211.00593'
    ]
  },
  spec: SPEC,
  refuses: refusesPatterns,
  cost(subject, spec) {
    const layers = select('layers', spec.layers, subject.tower.layers);
    const rows = referenceTexts(subject, 'texts', spec.texts).map(({ ids }) => ids);
    const costs = rows.map(row => patternCost(subject, { rows: [row], layers }));
    const sides = isDifference(spec) ? 2 : 1;
    return {
      forwards: sides * costs.reduce((sum, { forwards }) => sum + forwards, 0),
      bytes: sides * costs.reduce((sum, { bytes }) => sum + bytes, 0)
    };
  },
  compute: (subject, spec, context) => compute(subject, spec, context),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [layers, heads, queries, keys] = result.values.shape;
    agree('result.values layers', result.layers.length, layers);
    agree('result.values heads', result.heads.length, heads);
    agree('result.values queries', result.size, queries);
    agree('result.values keys', result.size, keys);
    agree('result.counts', result.labels.length, result.counts.length);
    const last = Math.max(0, ...[...result.top.columns.query, ...result.top.columns.key].map(Number));
    if (result.size < 1 || result.size > result.labels.length || last >= result.labels.length) {
      throw new Error(
        `'result.labels': ${result.labels.length} positions beside a side of ${result.size} and position ${last}`
      );
    }
    return result;
  },
  figures: result => [figure(result)],
  summary: result => summary(result)
});

const given = (value: string | undefined): value is string => value !== undefined && value.trim() !== '';

const isDifference = ({ against, other }: Spec<typeof SPEC>): boolean => given(against) || given(other);

async function compute(subject: Subject, spec: Spec<typeof SPEC>, context: Context): Promise<MeanAttention> {
  const layers = select('layers', spec.layers, subject.tower.layers);
  const heads = select('heads', spec.heads, subject.tower.heads);
  const texts = bounded(referenceTexts(subject, 'texts', spec.texts), 'texts');
  const against = given(spec.against) ? bounded(referenceTexts(subject, 'against', spec.against), 'against') : texts;
  refuseUnaligned(texts, against);
  const first = await meanPatterns(subject, texts, layers, context);
  const second = isDifference(spec) ? await secondMean(subject, spec.other, against, layers, context) : undefined;
  second?.patterns.forEach(({ weights }, at) => subtract(weights, first.patterns[at].weights));
  const patterns = (second ?? first).patterns;
  const { length } = patterns[0];
  return {
    ...(await packPatterns(patterns, heads, second !== undefined)),
    layers,
    heads,
    causal: subject.tower.causal,
    signed: second !== undefined,
    texts: texts.length,
    counts: first.counts,
    labels: Array.from({ length }, (_, at) => labelAt([...texts, ...against], at)),
    other: second?.label === undefined ? null : { label: second.label },
    top: strongest(patterns, layers, heads)
  };
}

function bounded(texts: readonly Input[], field: string): readonly Input[] {
  const tokens = texts.reduce((sum, { ids }) => sum + ids.length, 0);
  if (tokens === 0 || tokens > MOST_TOKENS) {
    throw new Error(`field '${field}' has ${tokens} tokens, 1 to ${MOST_TOKENS} are averaged`);
  }
  return texts;
}

/** Position i of one side must be position i of the other, text by text. */
function refuseUnaligned(texts: readonly Input[], against: readonly Input[]): void {
  if (texts.length !== against.length) {
    throw new Error(`texts not aligned: 'texts' has ${texts.length} lines, 'against' ${against.length}`);
  }
  texts.forEach(({ ids }, at) => {
    if (ids.length !== against[at].ids.length) {
      throw new Error(
        `texts not aligned: line ${at + 1} has ${ids.length} tokens in 'texts' and ${against[at].ids.length} in 'against'`
      );
    }
  });
}

async function secondMean(
  subject: Subject,
  other: string | undefined,
  texts: readonly Input[],
  layers: readonly number[],
  context: Context
): Promise<Awaited<ReturnType<typeof meanPatterns>> & { readonly label?: string }> {
  if (!given(other)) {
    return meanPatterns(subject, texts, layers, context);
  }
  if (!context.open) {
    throw new Error(`other model not opened: nothing opens '${other}' here`);
  }
  const second = await context.open(other);
  try {
    refuseIncomparable(subject, second);
    return { ...(await meanPatterns(second, texts, layers, context)), label: second.facts.label };
  } finally {
    await second.close();
  }
}

function subtract(from: Float32Array, what: Float32Array): void {
  for (let at = 0; at < from.length; at++) {
    from[at] -= what[at];
  }
}

/** The token that all texts have there; else the position. */
function labelAt(texts: readonly Input[], at: number): string {
  const labels = new Set(texts.flatMap(({ labels: own }) => own[at] ?? []));
  return labels.size === 1 ? [...labels][0] : `[${at}]`;
}

function strongest(
  patterns: Awaited<ReturnType<typeof meanPatterns>>['patterns'],
  layers: readonly number[],
  heads: readonly number[]
): ResultTable {
  const cells = patterns.flatMap(({ weights, length }, at) =>
    heads.map(head => {
      const start = head * length * length;
      let best = 0;
      for (let cell = 1; cell < length * length; cell++) {
        best = Math.abs(weights[start + cell]) > Math.abs(weights[start + best]) ? cell : best;
      }
      const value = Number(weights[start + best].toFixed(4));
      return { layer: layers[at], head, query: Math.floor(best / length), key: best % length, value };
    })
  );
  cells.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return { columns: Object.fromEntries(STRONGEST.map(name => [name, cells.map(cell => cell[name])])) };
}

function rows({ top, labels }: MeanAttention, most: number): (string | number)[][] {
  const { layer, head, query, key, value } = top.columns;
  const token = (at: number): string => `'${labels[at]}' (${at})`;
  return layer
    .slice(0, most)
    .map((_, at) => [`L${layer[at]}H${head[at]}`, token(Number(query[at])), token(Number(key[at])), Number(value[at])]);
}

const whatOf = ({ signed, other, texts }: MeanAttention): string =>
  !signed
    ? `Mean over ${texts} texts`
    : other === null
      ? `Mean over the ${texts} texts of 'against' less that over 'texts'`
      : `Mean over ${texts} texts of '${other.label}' less that of the model`;

const columnsOf = ({ signed }: MeanAttention): string[] => [
  'head',
  'query (destination)',
  'key (source)',
  signed ? 'difference' : 'weight'
];

function figure(result: MeanAttention): AtlasFigure {
  const { layers, heads, labels, counts, size, signed, causal } = result;
  const fewer = counts.some(number => number < result.texts)
    ? ` Position ${labels.length - 1} stands for ${counts.at(-1)} of them.`
    : '';
  const data: FigureTable = {
    columns: columnsOf(result),
    rows: rows(result, 50),
    omitted: Math.max(0, result.top.columns.layer.length - 50)
  };
  return atlas({
    title: signed ? 'Difference of mean attention' : 'Mean attention',
    caption: `${whatOf(result)}, position by position; [i] where texts have different tokens.${fewer} Row = layer, column = head${signed ? '; red less, blue more' : ''}.`,
    alt: shortText(
      `${whatOf(result)} of ${layers.length} layers × ${heads.length} heads, ${labels.length} positions. Largest: ${rows(
        result,
        3
      )
        .map(row => row.join(' '))
        .join('; ')}.`
    ),
    table: data,
    layers: layers.length,
    heads: heads.length,
    layerIndices: layers,
    headIndices: heads,
    tokens: labels,
    causal,
    sink: labels.length > 1,
    patterns: decodeTensor(result.values),
    size,
    ...(signed && { signed })
  });
}

function summary(result: MeanAttention): string {
  const { layers, heads, labels, values, signed } = result;
  const largest = decodeTensor(values).reduce((most, byte) => Math.max(most, Math.abs(valueOf(byte, signed))), 0);
  return [
    `${whatOf(result)}: ${layers.length} layers x ${heads.length} heads, ${labels.length} positions`,
    `largest size ${largest.toFixed(3)}; cell of the largest size of each head:`,
    ...textTable(
      ['rank', ...columnsOf(result)],
      rows(result, 12).map((row, at) => [at + 1, ...row.slice(0, 3), Number(row[3]).toFixed(3)])
    )
  ].join('\n');
}
