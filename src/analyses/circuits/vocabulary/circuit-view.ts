import type { Figure, FigureTable, TableFigure } from '../../../figures/figure';
import { heatmaps } from '../../../figures/heatmaps';
import { signedNumber } from '../../../figures/signed-number';
import { headName, indexLabels, ranked } from '../../attention/head-values';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import type { CircuitResult } from './circuit-result';

/** How one of the circuits speaks. */
export interface CircuitWords {
  readonly title: string;
  /** 'copying score', 'matching score'. */
  readonly score: string;
  /** What a token with its own first is: 'writes its own token most'. */
  readonly own: string;
  /** The two sides of a direction: 'reads' and 'writes'. */
  readonly left: string;
  readonly right: string;
  /** Of a row's source and of what is listed: 'source token', 'written most'. */
  readonly source: string;
  readonly listed: string;
  readonly caption: string;
}

const TABLE_ROWS = 50;
const LISTED = 12;
/** Below all scores: of a head without one. */
const NONE = -2;
/** Tokens in one cell. */
const SHOWN = 6;

interface Token {
  readonly token: string;
  readonly value: number;
}

/** [row][column] of a part of `size` numbers, NaN as null. */
function grid(flat: Float32Array, part: number, [layers, heads]: readonly number[]): (number | null)[][] {
  return Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (__, head) => {
      const value = flat[(part * layers + layer) * heads + head];
      return Number.isNaN(value) ? null : value;
    })
  );
}

export function circuitFigures(result: CircuitResult, words: CircuitWords): readonly Figure[] {
  return [maps(result, words), directionsTable(result, words), ...rowsTable(result, words)];
}

const folded = ({ norm }: CircuitResult): string =>
  norm === 'none'
    ? 'The model has no norms to fold.'
    : `Norms’ weights are folded in${norm === 'layer' ? ', with layer norm’s centring' : ''}; their scales, which differ from token to token, and biases are left out.`;

const counted = ({ sources, vocabulary }: CircuitResult): string =>
  sources < vocabulary ? `${sources} of ${vocabulary} tokens, drawn at random` : `all ${vocabulary} tokens`;

function maps(result: CircuitResult, words: CircuitWords): Figure {
  const { shape } = result.scores;
  const shares = decodeTensor(result.shares);
  const axis = (title: string, size: number) => ({ title, labels: indexLabels(size) });
  return heatmaps({
    title: words.title,
    caption: `${words.caption} The shares are of ${counted(result)}; empty where they were not asked for. ${folded(result)} Layer 0 at the top.`,
    alt: altText(result, words),
    panels: [
      {
        title: words.score,
        unit: 'Σλ / Σ|λ|, −1 to 1',
        values: grid(decodeTensor(result.scores), 0, shape),
        range: [-1, 1],
        signed: true
      },
      { title: `${words.own} most`, unit: 'share of tokens', values: grid(shares, 0, shape), range: [0, 1] },
      { title: 'among the first 5', unit: 'share of tokens', values: grid(shares, 1, shape), range: [0, 1] }
    ],
    rows: axis('layer', shape[0]),
    columns: axis('head', shape[1]),
    cell: headName,
    table: scoreTable(result, words)
  });
}

/** Heads by their score; those without one are left out. */
const ranks = ({ scores, shares }: CircuitResult) => {
  const [layers, heads] = scores.shape;
  const flat = decodeTensor(shares);
  const matrix = grid(decodeTensor(scores), 0, scores.shape).map(row => row.map(value => value ?? NONE));
  return ranked(matrix)
    .filter(({ value }) => value > NONE)
    .map(({ layer, head, value }) => ({
      name: headName(layer, head),
      value,
      shares: [0, 1].map(rank => flat[(rank * layers + layer) * heads + head])
    }));
};

/** The first of them, and the head that is taken apart where it is not among those. */
function listed(result: CircuitResult, most: number): ReturnType<typeof ranks> {
  const all = ranks(result);
  const chosen = all.findIndex(({ name }) => name === headName(result.layer, result.head));
  return [...all.slice(0, most), ...(chosen >= most ? [all[chosen]] : [])];
}

const percent = (share: number): string => (Number.isNaN(share) ? '–' : `${(100 * share).toFixed(1)} %`);

function scoreTable(result: CircuitResult, words: CircuitWords): FigureTable {
  const rows = listed(result, TABLE_ROWS);
  return {
    columns: ['head', words.score, 'own token first', 'among the first 5'],
    rows: rows.map(({ name, value, shares }) => [name, signedNumber(value, 4), ...shares.map(percent)]),
    omitted: ranks(result).length - rows.length
  };
}

function altText(result: CircuitResult, words: CircuitWords): string {
  const [layers, heads] = result.scores.shape;
  const best = ranks(result)
    .slice(0, 3)
    .map(({ name, value }) => `${name} ${signedNumber(value, 2)}`);
  return shortText(
    `${words.title} of ${layers} layers × ${heads} heads. Largest ${words.score}: ${best.join(', ') || 'none'}.`
  );
}

/** Tokens of one end and side of a direction. */
function tokensAt({ directions }: CircuitResult, direction: number, end: string, side: string): Token[] {
  const { columns } = directions;
  return columns.direction.flatMap((own, at) =>
    own === direction && columns.end[at] === end && columns.side[at] === side
      ? [{ token: String(columns.token[at]), value: Number(columns.value[at]) }]
      : []
  );
}

const cell = (tokens: readonly Token[]) => ({
  text: tokens
    .slice(0, SHOWN)
    .map(({ token }) => token)
    .join('  '),
  detail: tokens.map(({ token, value }) => `${token} ${signedNumber(value, 3)}`)
});

const countOf = ({ directions }: CircuitResult): number =>
  directions.columns.direction.reduce<number>((most, value) => Math.max(most, Number(value) + 1), 0);

function directionsTable(result: CircuitResult, words: CircuitWords): TableFigure {
  const name = headName(result.layer, result.head);
  const square = result.singular.reduce((sum, value) => sum + value * value, 0);
  return {
    kind: 'table',
    title: `Singular directions of ${name}`,
    caption: `The head as a sum of ${result.singular.length} directions, the largest first: what it ${words.left} and what it ${words.right} for that, with opposite ends (+ and −). Share: of the squared Frobenius norm. Hover for the numbers. ${folded(result)}`,
    alt: shortText(
      `Directions of ${name}: ${tokensAt(result, 0, '+', 'left')
        .slice(0, 3)
        .map(({ token }) => token)
        .join(' ')} to ${tokensAt(result, 0, '+', 'right')
        .slice(0, 3)
        .map(({ token }) => token)
        .join(' ')}.`
    ),
    corner: 'direction',
    columns: [
      { label: 'σ', align: 'end' },
      { label: 'share', align: 'end' },
      ...['+', '−'].flatMap(end => [{ label: `${words.left} ${end}` }, { label: `${words.right} ${end}` }])
    ],
    rows: Array.from({ length: countOf(result) }, (_, at) => ({
      label: String(at),
      cells: [
        { text: result.singular[at].toPrecision(4) },
        { text: percent(result.singular[at] ** 2 / square) },
        ...['+', '−'].flatMap(end => ['left', 'right'].map(side => cell(tokensAt(result, at, end, side))))
      ]
    }))
  };
}

/** The chosen tokens with their rows. */
function sourcesOf({ rows }: CircuitResult): { readonly source: string; readonly tokens: readonly Token[] }[] {
  const { source, sourceId, token, value } = rows.columns;
  return [...new Set(sourceId)].map(id => {
    const places = sourceId.flatMap((own, at) => (own === id ? [at] : []));
    return {
      source: String(source[places[0]]),
      tokens: places.map(at => ({ token: String(token[at]), value: Number(value[at]) }))
    };
  });
}

function rowsTable(result: CircuitResult, words: CircuitWords): TableFigure[] {
  const all = sourcesOf(result);
  const name = headName(result.layer, result.head);
  return all.length === 0
    ? []
    : [
        {
          kind: 'table',
          title: `Tokens of ${name}`,
          caption: `For each ${words.source} the tokens that are ${words.listed}, the largest first; hover for the numbers. ${folded(result)}`,
          alt: shortText(
            `Tokens of ${name}: ${all
              .map(
                ({ source, tokens }) =>
                  `${source}: ${tokens
                    .slice(0, 3)
                    .map(({ token }) => token)
                    .join(' ')}`
              )
              .join('; ')}.`
          ),
          corner: words.source,
          columns: [{ label: words.listed }],
          rows: all.map(({ source, tokens }) => ({ label: source, cells: [cell(tokens)] }))
        }
      ];
}

export function circuitSummary(result: CircuitResult, words: CircuitWords): string {
  const [layers, heads] = result.scores.shape;
  const named = (tokens: readonly Token[]): string =>
    tokens
      .slice(0, 5)
      .map(({ token }) => token)
      .join('  ');
  return [
    `${words.title}: ${layers} layers x ${heads} heads, ${result.vocabulary} tokens`,
    `${words.caption} ${folded(result)}`,
    ...textTable(
      ['head', words.score, 'own first', 'first 5'],
      listed(result, LISTED).map(({ name, value, shares }) => [name, signedNumber(value, 4), ...shares.map(percent)])
    ),
    `shares: of ${counted(result)}`,
    `${headName(result.layer, result.head)}: ${words.left} -> ${words.right}`,
    ...Array.from({ length: Math.min(4, countOf(result)) }, (_, at) =>
      ['+', '−'].map(
        end =>
          `  ${at}${end} ${result.singular[at].toPrecision(4)}: ${named(tokensAt(result, at, end, 'left'))} -> ${named(tokensAt(result, at, end, 'right'))}`
      )
    ).flat(),
    ...sourcesOf(result)
      .slice(0, 10)
      .map(({ source, tokens }) => `  ${source}: ${named(tokens)}`)
  ].join('\n');
}
