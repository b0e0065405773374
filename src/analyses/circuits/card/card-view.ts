import type { Figure, TableFigure } from '../../../figures/figure';
import { heatmaps } from '../../../figures/heatmaps';
import { rankedBars } from '../../../figures/ranked-bars';
import { signedNumber } from '../../../figures/signed-number';
import { headName } from '../../attention/head-values';
import { METRICS } from '../../patching/metric';
import type { ResultTable } from '../../result';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import type { LinearMetric } from '../attribution/answer-direction';
import { scoreFigures, type AttentionAttribution } from '../attribution/attention-view';
import type { CardAblation, CardDirect, Spread } from './card-effects';
import type { CardPartners } from './card-partners';
import type { CardPattern, CardScores } from './card-patterns';
import type { Section } from './card-section';
import { HEAD_KINDS } from '../kinds/head-kinds';

export interface HeadCard {
  readonly layer: number;
  readonly head: number;
  readonly metric: LinearMetric;
  readonly prompts: number;
  /** Of the first prompts. */
  readonly patterns: readonly CardPattern[];
  readonly scores: Section<CardScores>;
  /** What it writes for tokens of the first prompt. */
  readonly tokens: Section<ResultTable>;
  readonly direct: Section<CardDirect>;
  readonly ablation: Section<CardAblation>;
  readonly partners: Section<CardPartners>;
  /** Of its sharpest look on the first prompt. */
  readonly reason: Section<AttentionAttribution>;
}

const name = ({ layer, head }: HeadCard): string => headName(layer, head);

/** A line of the card: what, its number in words, what it says. */
type Line = readonly [string, string, string];

const spreadText = ({ mean, deviation }: Spread, several: boolean): string =>
  `${signedNumber(mean, 3)}${several ? ` ± ${deviation.toFixed(3)}` : ''}`;

function lines(card: HeadCard): Line[] {
  return [...kindLines(card), ...effectLines(card)];
}

function kindLines({ scores: { found, why } }: HeadCard): Line[] {
  if (!found) {
    return [['kind', '–', why]];
  }
  const kinds = HEAD_KINDS.map(({ title, what }, kind): Line => {
    const [share, chance] = [found.kinds[kind], found.chance[kind]];
    return [
      title,
      share === null ? '–' : share.toFixed(3),
      `share of weight on ${what}${chance === null ? '' : `; by chance ${chance.toFixed(3)}`}`
    ];
  });
  const { copying } = found;
  return [
    ...kinds,
    ['Positional', found.positional.toFixed(3), 'share of weight that distance alone explains'],
    [
      'Copying',
      copying.found === null ? '–' : `${signedNumber(copying.found, 3)} logits`,
      copying.found === null ? copying.why : 'rise of the attended token’s logit above the sequence’s mean'
    ]
  ];
}

function effectLines({ direct, ablation, metric, prompts }: HeadCard): Line[] {
  const { title } = METRICS[metric];
  const several = prompts > 1;
  return [
    direct.found
      ? [
          'Direct effect',
          `${spreadText(direct.found.term, several)} logits`,
          `term of the ${title} of ${direct.found.measured.toFixed(3)}; place ${direct.found.rank} of ${direct.found.of} heads by size`
        ]
      : ['Direct effect', '–', direct.why],
    ablation.found
      ? [
          'Without it (zeros)',
          `${spreadText(ablation.found.zero, several)} logits`,
          `change of the ${title} of ${ablation.found.measured.toFixed(3)}`
        ]
      : ['Without it (zeros)', '–', ablation.why],
    ...(ablation.found?.corrupted
      ? [
          [
            'From the corrupted prompt',
            `${spreadText(ablation.found.corrupted, several)} logits`,
            `change of the ${title} with its result of the corrupted run`
          ] as const
        ]
      : [])
  ];
}

export function cardFigures(card: HeadCard): readonly Figure[] {
  const { reason, direct } = card;
  return [
    facts(card),
    ...card.patterns.map((pattern, at) => patternMap(card, pattern, at)),
    ...(direct.found ? [sources(card, direct.found)] : []),
    ...(card.tokens.found ? [tokens(card, card.tokens.found)] : []),
    ...(card.partners.found ? [partners(card, card.partners.found)] : []),
    ...(reason.found ? scoreFigures(reason.found).slice(0, 2) : [])
  ];
}

/** What a model does not have. */
const missing = ({ tokens: written, partners: composed, reason }: HeadCard): string[] => [
  ...(written.found ? [] : [`what it writes: ${written.why}`]),
  ...(composed.found ? [] : [`its partners: ${composed.why}`]),
  ...(reason.found ? [] : [`why it attends: ${reason.why}`])
];

/** What the numbers are of. */
const prompted = ({ prompts, scores: { found } }: HeadCard): string =>
  `${prompts} prompt${prompts > 1 ? 's, ± standard deviation over them' : ''}${found ? `; kinds on ${found.sequences} sequences of ${found.tokens} random tokens repeated once` : ''}`;

function facts(card: HeadCard): TableFigure {
  const rows = lines(card);
  const absent = missing(card);
  return {
    kind: 'table',
    title: `Head ${name(card)}`,
    caption: `${prompted(card)}.${absent.length ? ` Not said of this model: ${absent.join('; ')}.` : ''}`,
    alt: shortText(
      `Card of ${name(card)}: ${rows.map(([what, value]) => `${what.toLowerCase()} ${value}`).join(', ')}`
    ),
    corner: 'what',
    columns: [{ label: 'number', align: 'end' }, { label: 'meaning' }],
    rows: rows.map(([label, value, meaning]) => ({ label, cells: [{ text: value }, { text: meaning }] }))
  };
}

const weight = (stored: number): number => (stored / 255) ** 2;

function patternMap(card: HeadCard, { input, values }: CardPattern, at: number): Figure {
  const [size] = values.shape;
  const flat = decodeTensor(values);
  const labels = input.labels.slice(0, size).map((label, place) => `${place} ${shortText(label, 14)}`);
  const cut = input.ids.length > size ? ` The first ${size} of ${input.ids.length} positions.` : '';
  return heatmaps({
    title: `Attention of ${name(card)}${card.patterns.length > 1 ? `, prompt ${at + 1}` : ''}`,
    caption: `Rows: the token that attends; columns: the token attended.${cut}`,
    alt: shortText(`Attention pattern of ${name(card)} over ${size} tokens. ${strongest(flat, size, labels)}`),
    panels: [
      {
        title: 'Attention weight',
        values: labels.map((_, query) => Array.from(flat.subarray(query * size, (query + 1) * size), weight)),
        unit: '0–1',
        range: [0, 1]
      }
    ],
    rows: { title: 'query', labels },
    columns: { title: 'key', labels },
    cell: (row, column) => `${labels[row]} → ${labels[column]}`
  });
}

function strongest(flat: Uint8Array, size: number, labels: readonly string[]): string {
  const looks = Array.from(flat, (value, at) => ({ value, query: Math.floor(at / size), key: at % size }))
    .filter(({ query, key }) => key > 0 && key !== query)
    .sort((a, b) => b.value - a.value)
    .slice(0, 3);
  return looks
    .map(({ value, query, key }) => `${labels[query]} → ${labels[key]} ${weight(value).toFixed(2)}`)
    .join(', ');
}

function sources(card: HeadCard, { sources: terms, term }: CardDirect): Figure {
  const { labels } = card.patterns[0].input;
  const bars = terms
    .map((value, at) => ({ name: `${at} ${labels[at]}`, value }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, 12);
  return rankedBars({
    title: `Direct effect of ${name(card)} by source token`,
    caption: `What it writes where the first prompt’s answer is read, along it, by the token that it reads from; ${terms.length > 12 ? 'the largest 12 terms' : 'all terms'}. Mean over the prompts: ${signedNumber(term.mean, 3)} logits.`,
    alt: shortText(
      `Bars by source token: ${bars
        .slice(0, 4)
        .map(one => `${one.name} ${signedNumber(one.value, 3)}`)
        .join(', ')}`
    ),
    x: 'direct contribution (logits)',
    bars
  });
}

interface Written {
  readonly source: string;
  readonly views: Readonly<Record<'token' | 'prompt', readonly string[]>>;
}

function writtenBySource({ columns }: ResultTable): Written[] {
  const { source, view, token, value } = columns;
  const names = [...new Set(source.map(String))];
  return names.map(one => {
    const of = (wanted: string): string[] =>
      source.flatMap((own, at) =>
        own === one && view[at] === wanted ? [`${token[at]} ${signedNumber(Number(value[at]), 2)}`] : []
      );
    return { source: one, views: { token: of('token'), prompt: of('prompt') } };
  });
}

function tokens(card: HeadCard, table: ResultTable): TableFigure {
  const rows = writtenBySource(table);
  return {
    kind: 'table',
    title: `What ${name(card)} writes`,
    caption:
      'Tokens whose logits rise most where it attends to a token with weight 1, without the final norm’s scale: of the bare token (a row of its OV circuit), and of the value that the token has at its last place in the first prompt.',
    alt: shortText(`Written most: ${rows.map(({ source, views }) => `for ${source} ${views.prompt[0]}`).join(', ')}`),
    corner: 'attended token',
    columns: [{ label: 'of the bare token' }, { label: 'in the prompt' }],
    rows: rows.map(({ source, views }) => ({
      label: source,
      cells: [{ text: views.token.join(', ') }, { text: views.prompt.join(', ') }]
    }))
  };
}

function partners(card: HeadCard, { partners: table, baseline }: CardPartners): Figure {
  const { side, mode, head, score } = table.columns;
  const bars = head
    .map((one, at) => ({
      name: `${side[at] === 'reads from' ? `${one} → ${mode[at]}` : `→ ${one} ${mode[at]}`}`,
      value: Number(score[at]) - baseline.mean
    }))
    .sort((a, b) => b.value - a.value);
  return rankedBars({
    title: `Composition partners of ${name(card)}`,
    caption: `Scores above those of random matrices, ${baseline.mean.toFixed(3)} ± ${baseline.deviation.toFixed(3)}. L0H0 → Q: its queries read what that head writes; → L5H0 K: that head’s keys read what it writes. The largest of each kind.`,
    alt: shortText(
      `Composition partners: ${bars
        .slice(0, 5)
        .map(one => `${one.name} ${signedNumber(one.value, 3)}`)
        .join(', ')}`
    ),
    x: 'composition score above random',
    bars
  });
}

export function cardSummary(card: HeadCard): string {
  const absent = missing(card);
  const { reason, partners: composed } = card;
  const score = reason.found;
  return [
    `Head card: ${name(card)}, ${prompted(card)}`,
    ...textTable(['what', 'number', 'meaning'], lines(card), 110),
    ...(card.tokens.found
      ? [
          'writes most, in the prompt:',
          ...writtenBySource(card.tokens.found)
            .slice(0, 6)
            .map(({ source, views }) => `  ${source}: ${views.prompt.join(', ')}`)
        ]
      : []),
    ...(composed.found
      ? [`partners (score, random ${composed.found.baseline.mean.toFixed(3)}): ${partnerWords(composed.found)}`]
      : []),
    ...(score
      ? [
          `sharpest look: “${score.input.labels[score.query]}” (${score.query}) to “${score.input.labels[score.keys[0]]}” (${score.keys[0]}), weight ${score.weights[0].toFixed(3)}, because of (query part · key part): ${becauseOf(score)}`
        ]
      : []),
    ...absent.map(one => `not said of this model: ${one}`)
  ].join('\n');
}

function partnerWords({ partners: { columns } }: CardPartners): string {
  const { side, mode, head, score } = columns;
  const best = head
    .map((one, at) => ({
      words: `${side[at]} ${one} (${mode[at]}) ${Number(score[at]).toFixed(3)}`,
      score: Number(score[at])
    }))
    .sort((a, b) => b.score - a.score);
  return best
    .slice(0, 6)
    .map(({ words }) => words)
    .join(', ');
}

function becauseOf({ values, queryParts, keyParts }: AttentionAttribution): string {
  const flat = decodeTensor(values);
  const all = Array.from(flat, (value, at) => ({
    value,
    words: `${queryParts[Math.floor(at / keyParts.length)]} · ${keyParts[at % keyParts.length]} ${signedNumber(value, 2)}`
  })).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return all
    .slice(0, 4)
    .map(({ words }) => words)
    .join(', ');
}
