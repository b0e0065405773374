import type { Figure } from '../../../figures/figure';
import { heatmaps } from '../../../figures/heatmaps';
import { rankedBars, type Bar } from '../../../figures/ranked-bars';
import { signedNumber } from '../../../figures/signed-number';
import type { Input } from '../../../subject/subject';
import { headName } from '../../attention/head-values';
import type { ResultTable, ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import { ROUNDING } from './attention-side';

export interface AttentionAttribution {
  /** Terms of the score [query_part, key_part]; they add up to `sum`. Of two keys: differences, the first less the second. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** In the order of writing; the last may be all smaller ones together. */
  readonly queryParts: readonly string[];
  readonly keyParts: readonly string[];
  readonly sum: number;
  /** Sizes, added up, of the terms that no part explains: rounding, or quantised weights. */
  readonly remainder: number;
  /** The model's own score of each key, before the softmax. */
  readonly scores: readonly number[];
  /** Attention weight of each key. */
  readonly weights: readonly number[];
  /** What the head moves from the first key, by part: shares along the direction of the whole; they add up to its length. */
  readonly writes: ResultTable;
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  /** One position, or two. */
  readonly keys: readonly number[];
  readonly by: 'head' | 'layer';
  readonly input: Input;
}

const TOP = 20;
const TABLE_ROWS = 60;
const LISTED = 12;

const signed = (value: number): string => signedNumber(value, 4);

const bySize = (all: readonly Bar[]): Bar[] => [...all].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));

function pairs({ values, queryParts, keyParts }: AttentionAttribution): Bar[] {
  const flat = decodeTensor(values);
  return bySize(
    queryParts.flatMap((query, q) =>
      keyParts.map((key, k) => ({ name: `${query} · ${key}`, value: flat[q * keyParts.length + k] }))
    )
  );
}

/** Sums over the other side. */
function sides({ values, queryParts, keyParts }: AttentionAttribution): { readonly query: Bar[]; readonly key: Bar[] } {
  const flat = decodeTensor(values);
  const width = keyParts.length;
  return {
    query: bySize(
      queryParts.map((name, q) => ({
        name,
        value: flat.subarray(q * width, (q + 1) * width).reduce((sum, value) => sum + value, 0)
      }))
    ),
    key: bySize(
      keyParts.map((name, k) => ({ name, value: queryParts.reduce((sum, _, q) => sum + flat[q * width + k], 0) }))
    )
  };
}

const written = ({ writes }: AttentionAttribution): Bar[] =>
  bySize(writes.columns.name.map((name, at) => ({ name: String(name), value: Number(writes.columns.value[at]) })));

export const scoreFigures = (result: AttentionAttribution): readonly Figure[] => [
  matrix(result),
  bars(pairs(result), {
    title: 'Largest terms of the score',
    caption: `${caption(result)} A bar is one pair, query part · key part.`,
    x: 'term of the score',
    first: 'query part · key part'
  }),
  ...(['query', 'key'] as const).map(side =>
    bars(sides(result)[side], {
      title: `The score by part of the ${side}`,
      caption: `Each part of the ${side} with the whole ${side === 'query' ? 'key' : 'query'}. ${sumOf(result)}`,
      x: 'terms of the score, added up',
      first: `${side} part`
    })
  ),
  bars(written(result), {
    title: 'What the attended token writes',
    caption: `What ${name(result)} adds to the stream at ${token(result, result.query)} from ${token(result, result.keys[0])}: attention weight times value, through the output weights, by the part of the stream that the value was read from; each as its share along the direction of the whole, so that they add up to its length.`,
    x: 'share of the write (length in the stream)',
    first: 'part of the value'
  })
];

const name = ({ layer, head }: AttentionAttribution): string => headName(layer, head);

const token = ({ input }: AttentionAttribution, position: number): string =>
  `“${shortText(input.labels[position], 30)}” (${position})`;

const score = ({ scores }: AttentionAttribution): number => scores[0] - (scores[1] ?? 0);

const sumOf = (result: AttentionAttribution): string =>
  `The terms add up to ${result.sum.toFixed(4)}, the model's own ${result.keys.length > 1 ? 'difference' : 'score'} is ${score(result).toFixed(4)}; no part explains ${result.remainder.toFixed(4)} (sizes added up).${isRounded(result) ? ` “${ROUNDING}”: what the file’s rounding of activations changes.` : ''}`;

const isRounded = ({ queryParts, keyParts, writes }: AttentionAttribution): boolean =>
  [...queryParts, ...keyParts, ...writes.columns.name].includes(ROUNDING);

function caption(result: AttentionAttribution): string {
  const { keys, weights, query } = result;
  const seen = keys.map((key, at) => `${token(result, key)} with weight ${weights[at].toFixed(3)}`);
  return `${name(result)} attends from ${token(result, query)} to ${seen.join(' rather than to ')}. ${sumOf(result)}`;
}

function matrix(result: AttentionAttribution): Figure {
  const { queryParts, keyParts, values, keys } = result;
  const flat = decodeTensor(values);
  const width = keyParts.length;
  const most = flat.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const top = pairs(result).slice(0, 3);
  return heatmaps({
    title: `Why ${name(result)} attends`,
    caption: `${caption(result)} Rows: what made the query; columns: what made the key. Blue raises the score, red lowers it.`,
    alt: shortText(
      `Map of ${queryParts.length} query parts × ${width} key parts. Largest: ${top.map(one => `${one.name} ${signed(one.value)}`).join(', ')}.`
    ),
    panels: [
      {
        title: keys.length > 1 ? 'Terms of the difference of two scores' : 'Terms of the score',
        values: queryParts.map((_, q) => Array.from(flat.subarray(q * width, (q + 1) * width))),
        unit: 'score before the softmax',
        range: [-most, most],
        signed: true
      }
    ],
    rows: { title: 'query part', labels: queryParts },
    columns: { title: 'key part', labels: keyParts },
    cell: (row, column) => `${queryParts[row]} · ${keyParts[column]}`
  });
}

interface Words {
  readonly title: string;
  readonly caption: string;
  readonly x: string;
  /** Heading of the names. */
  readonly first: string;
}

function bars(all: readonly Bar[], { title, caption: words, x, first }: Words): Figure {
  const rest = all.slice(TOP);
  const left = rest.reduce((sum, { value }) => sum + value, 0);
  const top = all.slice(0, 4).map(one => `${one.name} ${signed(one.value)}`);
  return rankedBars({
    title,
    caption: words,
    alt: shortText(`Bars of ${all.length} terms. Largest: ${top.join(', ')}.`),
    x,
    bars: [...all.slice(0, TOP), ...(rest.length ? [{ name: `other (${rest.length})`, value: left }] : [])],
    table: {
      columns: [first, x],
      rows: all.slice(0, TABLE_ROWS).map(one => [one.name, signed(one.value)]),
      omitted: Math.max(0, all.length - TABLE_ROWS)
    }
  });
}

export function scoreSummary(result: AttentionAttribution): string {
  const rows = (first: string, all: readonly Bar[], most: number): string[] =>
    textTable(
      [first, 'term'],
      all.slice(0, most).map(one => [one.name, signed(one.value)]),
      50
    );
  const both = sides(result);
  return [
    `Attention attribution: ${caption(result)}`,
    ...rows('query part · key part', pairs(result), LISTED),
    ...rows('query part', both.query, 5),
    ...rows('key part', both.key, 5),
    `from ${token(result, result.keys[0])} it writes:`,
    ...rows('part', written(result), 6)
  ].join('\n');
}
