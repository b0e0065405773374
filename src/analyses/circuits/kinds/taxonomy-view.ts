import type { Figure, FigureTable, TableFigure } from '../../../figures/figure';
import { heatmaps, type Panel } from '../../../figures/heatmaps';
import { signedNumber } from '../../../figures/signed-number';
import type { Input } from '../../../subject/subject';
import { aboveChance, CALLED } from '../../attention/above-chance';
import { headName, indexLabels } from '../../attention/head-values';
import type { ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import { HEAD_KINDS } from './head-kinds';

type Scores = ResultTensor & { readonly dtype: 'float32' };

export interface HeadTaxonomy {
  /** Share of weight on the kind's places, in rows that have any [kind, layer, head]; NaN where no row has. Kinds in the order of HEAD_KINDS. */
  readonly values: Scores;
  /** The same in all rows: detect_head's 'mul'. */
  readonly mul: Scores;
  /** 1 − mean |A − D|·T: detect_head's 'abs', not rounded. */
  readonly abs: Scores;
  /** Share of weight that distance alone explains [layer, head]. */
  readonly positional: Scores;
  /** Share of weight in common with a head that looks at all it sees alike, on the same tokens as `positional` [layer, head]. */
  readonly alike: Scores;
  /** Rise of the attended token's logit above the mean of the sequence's tokens [layer, head], logits; null where it cannot be read. */
  readonly copying: { readonly scores: Scores | null; /** Why not, or ''. */ readonly why: string };
  /** `values` of a head that looks at all it sees alike. */
  readonly baselines: readonly (number | null)[];
  readonly window: number;
  readonly sequences: number;
  /** Of a block that is repeated once, or of the text. */
  readonly tokens: number;
  readonly bos: boolean;
  /** The text; absent on random tokens. */
  readonly input?: Input;
}

export type TaxonomyMeasure = 'weight' | 'mul' | 'abs';

const TENSORS = { weight: 'values', mul: 'mul', abs: 'abs' } as const;
const MEASURES: Readonly<Record<TaxonomyMeasure, string>> = {
  weight: 'share of weight in rows that have somewhere to look (0–1)',
  mul: 'share of all weight (0–1)',
  abs: '1 − mean |A − D|·T'
};
/** The wider kinds, into which others fall, must explain more; a head that has more than `alike` in common with one that looks everywhere alike is not called positional. */
const CALLED_WIDE = { local: 0.7, positional: 0.9, alike: 1 - CALLED } as const;
/** Heads of each kind that are listed. */
const LISTED = 6;
const TOP = 4;

interface Head {
  readonly name: string;
  /** 'Induction', or '–'. */
  readonly called: string;
  /** The largest score of a narrow kind. */
  readonly best: number;
  readonly scores: readonly number[];
  /** Shares of weight, whatever is shown. */
  readonly own: readonly number[];
  readonly positional: number;
  readonly copying?: number;
}

const LOCAL = HEAD_KINDS.findIndex(({ id }) => id === 'local');

function headsOf(result: HeadTaxonomy, measure: TaxonomyMeasure): Head[] {
  const [, layers, heads] = result.values.shape;
  const [weight, shown] = [decodeTensor(result.values), decodeTensor(result[TENSORS[measure]])];
  const [positional, alike] = [decodeTensor(result.positional), decodeTensor(result.alike)];
  const copying = result.copying.scores && decodeTensor(result.copying.scores);
  const aboveUniform = (share: number, kind: number): number => aboveChance(share, result.baselines[kind] ?? NaN);
  return Array.from({ length: layers * heads }, (_, at): Head => {
    const of = (values: Float32Array): number[] => HEAD_KINDS.map((__, kind) => values[kind * layers * heads + at]);
    const own = of(weight);
    const narrow = own.filter((score, kind) => kind !== LOCAL && !Number.isNaN(score));
    return {
      name: headName(Math.floor(at / heads), at % heads),
      called: calledBy(own.map(aboveUniform), positional[at], alike[at]),
      best: Math.max(...narrow),
      scores: of(shown),
      own,
      positional: positional[at],
      ...(copying && { copying: copying[at] })
    };
  });
}

/** `above`: shares of what chance leaves free, NaN where a kind has no place or chance has all. */
function calledBy(above: readonly number[], positional: number, alike: number): string {
  const narrow = above.map((share, kind) => (kind === LOCAL || Number.isNaN(share) ? -Infinity : share));
  const best = narrow.indexOf(Math.max(...narrow));
  if (narrow[best] > CALLED) {
    return HEAD_KINDS[best].title;
  }
  return above[LOCAL] > CALLED_WIDE.local
    ? HEAD_KINDS[LOCAL].title
    : positional > CALLED_WIDE.positional && alike < CALLED_WIDE.alike
      ? 'Positional'
      : '–';
}

const sample = ({ input, sequences, tokens, bos, window }: HeadTaxonomy): string =>
  `${
    input
      ? `On “${shortText(input.labels.join('').replaceAll('·', ' '), 80)}” (${tokens} tokens`
      : `On ${sequences} sequences of ${tokens} random tokens repeated once (`
  }${input ? ', ' : ''}${bos ? 'with' : 'without'} a beginning-of-sequence token); local: ${window} tokens.`;

const CALLING = `A head is called by the kind that takes the largest share of what chance leaves free, (share − chance) / (1 − chance), if above ${CALLED}; local above ${CALLED_WIDE.local}; positional, where distance explains more than ${CALLED_WIDE.positional} and looking everywhere alike less than ${CALLED_WIDE.alike}.`;

export function taxonomyFigures(result: HeadTaxonomy, measure: TaxonomyMeasure): readonly Figure[] {
  const panels = panelsOf(result, measure);
  const all = headsOf(result, measure);
  const half = Math.ceil(panels.length / 2);
  return [
    maps(result, measure, 'Kinds of heads: what they look for', panels.slice(0, half), table(all, result)),
    maps(result, measure, 'Kinds of heads: sinks, distance, copying', panels.slice(half)),
    ranking(result, measure, all)
  ];
}

const grid = (values: Float32Array, layers: number, heads: number): (number | null)[][] =>
  Array.from({ length: layers }, (_, layer) =>
    Array.from(values.subarray(layer * heads, (layer + 1) * heads), value => (Number.isNaN(value) ? null : value))
  );

function panelsOf(result: HeadTaxonomy, measure: TaxonomyMeasure): Panel[] {
  const [, layers, heads] = result.values.shape;
  const shown = decodeTensor(result[TENSORS[measure]]);
  const range = measure === 'abs' ? ([-1, 1] as const) : ([0, 1] as const);
  const kinds = HEAD_KINDS.map(({ title }, kind): Panel => ({
    title,
    values: grid(shown.subarray(kind * layers * heads), layers, heads),
    unit: measure === 'abs' ? 'match (≤ 1)' : 'share (0–1)',
    range,
    ...(measure === 'abs' && { signed: true })
  }));
  const positional = grid(decodeTensor(result.positional), layers, heads);
  const copying = result.copying.scores ? decodeTensor(result.copying.scores) : undefined;
  const most = copying?.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  return [
    ...kinds,
    { title: 'Positional', values: positional, unit: 'share (0–1)', range: [0, 1] },
    ...(copying
      ? [
          {
            title: 'Copying',
            values: grid(copying, layers, heads),
            unit: 'logits',
            range: [-most, most] as const,
            signed: true
          }
        ]
      : [])
  ];
}

function maps(
  result: HeadTaxonomy,
  measure: TaxonomyMeasure,
  title: string,
  panels: readonly Panel[],
  numbers?: FigureTable
): Figure {
  const [, layers, heads] = result.values.shape;
  const best = panels.map(({ title: name, values }) => {
    const [top] = values
      .flatMap((row, layer) => row.map((value, head) => ({ name: headName(layer, head), value: value ?? -Infinity })))
      .sort((a, b) => b.value - a.value);
    return `${name.toLowerCase()} ${top.value === -Infinity ? 'nowhere' : `${top.name} ${top.value.toFixed(2)}`}`;
  });
  const gap = panels.some(({ values }) => values.flat().includes(null)) ? ' Empty: no token has such a place.' : '';
  return heatmaps({
    title,
    caption: `${sample(result)} Shown: ${MEASURES[measure]}.${gap} Layer 0 is at the top.${result.copying.scores ? '' : ` Copying is not measured: ${result.copying.why}.`}`,
    alt: shortText(`Maps of ${layers} layers × ${heads} heads. Strongest: ${best.join('; ')}.`),
    panels,
    rows: { title: 'layer', labels: indexLabels(layers) },
    columns: { title: 'head', labels: indexLabels(heads) },
    cell: headName,
    ...(numbers && { table: numbers })
  });
}

const digits = (value: number): string | number => (Number.isNaN(value) ? '–' : Number(value.toFixed(4)));

const byBest = (all: readonly Head[]): Head[] => [...all].sort((a, b) => b.best - a.best);

const table = (all: readonly Head[], { copying }: HeadTaxonomy): FigureTable => ({
  columns: [
    'head',
    'called',
    ...HEAD_KINDS.map(({ title }) => title.toLowerCase()),
    'positional',
    ...(copying.scores ? ['copying (logits)'] : [])
  ],
  rows: byBest(all)
    .slice(0, 60)
    .map(head => [
      head.name,
      head.called,
      ...head.scores.map(digits),
      digits(head.positional),
      ...(head.copying === undefined ? [] : [digits(head.copying)])
    ]),
  omitted: Math.max(0, all.length - 60)
});

/** The strongest heads of each kind, kind by kind; the strongest of all where none has a kind. */
function byKind(all: readonly Head[]): Head[] {
  const rows = [...HEAD_KINDS.map(({ title }) => title), 'Positional'].flatMap((title, kind) =>
    all
      .filter(({ called }) => called === title)
      .sort((a, b) => (b.own[kind] ?? b.positional) - (a.own[kind] ?? a.positional))
      .slice(0, LISTED)
  );
  return rows.length > 0 ? rows : byBest(all).slice(0, LISTED);
}

function ranking(result: HeadTaxonomy, measure: TaxonomyMeasure, all: readonly Head[]): TableFigure {
  const rows = byKind(all);
  const baselines = result.baselines
    .map((value, kind) => (value === null ? '' : `${HEAD_KINDS[kind].title.toLowerCase()} ${value.toFixed(3)}`))
    .filter(words => words !== '');
  return {
    kind: 'table',
    title: 'Heads by kind',
    caption: `Up to ${LISTED} heads of each kind; shown: ${MEASURES[measure]}. ${CALLING} Chance, a head that looks everywhere alike: ${baselines.join(', ')}.`,
    alt: shortText(`Heads by kind: ${rows.map(({ name, called }) => `${name} ${called.toLowerCase()}`).join(', ')}`),
    corner: 'head',
    columns: [
      { label: 'called' },
      ...[...HEAD_KINDS.map(({ title }) => title), 'Positional', ...(result.copying.scores ? ['Copying'] : [])].map(
        label => ({
          label,
          align: 'end' as const
        })
      )
    ],
    rows: rows.map(head => ({
      label: head.name,
      cells: [
        { text: head.called },
        ...[...head.scores, head.positional].map((score, column) =>
          Number.isNaN(score)
            ? { text: '–' }
            : {
                text: score.toFixed(3),
                shade: Math.min(1, Math.max(0, score)),
                bold: (HEAD_KINDS[column]?.title ?? 'Positional') === head.called
              }
        ),
        ...(head.copying === undefined ? [] : [{ text: signedNumber(head.copying, 3) }])
      ]
    })),
    shading: { label: 'share', low: '0', high: '1' }
  };
}

/** The strongest heads of each kind. */
export function taxonomySummary(result: HeadTaxonomy, measure: TaxonomyMeasure): string {
  const [, layers, heads] = result.values.shape;
  const all = headsOf(result, measure);
  const strongest = (of: (head: Head) => number): string => {
    const some = all.filter(head => !Number.isNaN(of(head))).sort((a, b) => of(b) - of(a));
    return some
      .slice(0, TOP)
      .map(head => `${head.name} ${of(head).toFixed(3)}`)
      .join(', ');
  };
  const called = all.filter(head => head.called !== '–');
  const counts = [...new Set(called.map(head => head.called))].map(
    kind => `${called.filter(head => head.called === kind).length} ${kind.toLowerCase()}`
  );
  return [
    `Head taxonomy: ${layers} layers x ${heads} heads. ${sample(result)}`,
    `shown: ${MEASURES[measure]}`,
    ...textTable(
      ['kind', 'strongest heads', 'chance'],
      [
        ...HEAD_KINDS.map(({ id }, kind) => [
          id,
          strongest(head => head.scores[kind]) || 'no such place',
          result.baselines[kind]?.toFixed(3) ?? '-'
        ]),
        ['positional', strongest(head => head.positional), '-'],
        ...(result.copying.scores ? [['copying (logits)', strongest(head => head.copying!), '-']] : [])
      ],
      80
    ),
    ...(result.copying.scores ? [] : [`copying is not measured: ${result.copying.why}`]),
    `called: ${counts.join(', ') || 'none'}; ${all.length - called.length} others. ${CALLING}`
  ].join('\n');
}
