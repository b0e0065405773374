import type { Hook, Tower } from '../anatomy/anatomy';
import type { Certificate, Identity } from '../anatomy/certificate/certificate';
import type { Figure, Row, TableFigure } from '../figures/figure';
import type { Context } from '../subject/context';
import type { Cost, ModelFacts, Subject } from '../subject/subject';
import { analysis } from './analysis';
import type { Check } from './check';
import { count, flag, list, number, object, oneOf, optional, orNull, record, text } from './check';
import { shortText } from './short-text';
import { choice, type Spec } from './spec/spec';
import { textTable } from './text-table';

/** Facts of a tower, without its parts. */
export interface TowerFacts {
  readonly name: string;
  readonly kind: Tower['kind'];
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly dModel: number;
  readonly dHead: number;
  readonly dMlp: number | null;
  readonly dVocab: number | null;
  readonly maxPositions: number | null;
  readonly causal: boolean;
  readonly positional: string;
  readonly norm: string;
  readonly mlp: string;
  readonly parallel: boolean;
}

/** A hook of all blocks together: `blocks.{l}.attn.hook_pattern`. */
export interface HookGroup {
  readonly name: string;
  /** Number of hooks by status. */
  readonly verified: number;
  readonly unverified: number;
  readonly unavailable: number;
  readonly dims: readonly string[];
  /** Of the first that is not verified. */
  readonly why?: string;
}

export interface ModelCard {
  readonly facts: ModelFacts;
  readonly tokenizer: boolean;
  readonly towers: readonly TowerFacts[];
  readonly identities: readonly Identity[];
  /** Absent in cards that were saved before there was a choice: quick. */
  readonly level?: Certificate['level'];
  /** Of the certificate. */
  readonly forwards?: number;
  readonly hooks: readonly HookGroup[];
  /** What was not understood, and where. */
  readonly refusals: readonly { readonly why: string; readonly at: string }[];
}

const MOST_REFUSALS = 50;
/** Of a cell in text/plain: a hash fits. */
const WIDEST = 80;

const FIELDS: Check<ModelCard> = object<ModelCard>({
  facts: object<ModelFacts>({
    label: text,
    hash: text,
    tokenizerHash: optional(text),
    tokenizerFault: optional(text),
    bytes: count,
    dtypes: record(count),
    nodes: count,
    producer: text,
    runtime: text,
    threads: count
  }),
  tokenizer: flag,
  towers: list(
    object<TowerFacts>({
      name: text,
      kind: oneOf('decoder', 'encoder', 'vision'),
      layers: count,
      heads: count,
      kvHeads: count,
      dModel: count,
      dHead: count,
      dMlp: orNull(count),
      dVocab: orNull(count),
      maxPositions: orNull(count),
      causal: flag,
      positional: text,
      norm: text,
      mlp: text,
      parallel: flag
    }),
    16
  ),
  identities: list(
    object<Identity>({
      name: text,
      error: number,
      tolerance: number,
      holds: flag,
      at: optional(text),
      why: optional(text)
    }),
    200
  ),
  level: optional(oneOf('quick', 'full')),
  forwards: optional(count),
  hooks: list(
    object<HookGroup>({
      name: text,
      verified: count,
      unverified: count,
      unavailable: count,
      dims: list(text, 16),
      why: optional(text)
    }),
    400
  ),
  refusals: list(object({ why: text, at: text }), MOST_REFUSALS)
});

const SPEC = {
  certificate: choice({
    title: 'Certificate',
    description:
      'Quick: as on opening, nothing is run. Full: nine forwards more, of all rows, another length, each row alone, padding on either side, and a run from the stream; a hook that fails there is shown as not verified.',
    options: ['quick', 'full'],
    default: 'quick'
  })
};

/** The full certificate's runs, and the tokens of all of them: what it keeps is of as many. */
const FULL_FORWARDS = 9;
const [FULL_ROWS, FULL_LENGTH] = [8, 13];

const cost = (subject: Subject, { certificate }: Spec<typeof SPEC>): Cost => {
  if (certificate === 'quick') {
    return { forwards: 0, bytes: 0 };
  }
  const row = Array.from({ length: Math.min(FULL_LENGTH, subject.maxPositions ?? FULL_LENGTH) }, () => 0);
  const hooks = subject.anatomy.hooks.flatMap(({ name, status }) => (status === 'verified' ? [name] : []));
  const { bytes } = subject.cost({ ids: Array.from({ length: FULL_ROWS }, () => row), hooks });
  return { forwards: FULL_FORWARDS, bytes };
};

export const modelCard = analysis<typeof SPEC, ModelCard>({
  id: 'model-card',
  title: 'Model card',
  description: 'What the file holds: its parts, which hooks there are, and which identities were checked.',
  family: 'model',
  theory: {
    kind: 'identity',
    statement:
      'The parts are found by the structure of the graph and certified by running a short probe: one side of each identity is a tensor of the file, the other is computed from the weights.',
    caveat: 'The probe is a few tokens: an identity that holds there could still fail on other inputs.',
    references: ['Elhage et al. 2021, A Mathematical Framework for Transformer Circuits']
  },
  spec: SPEC,
  refuses: () => undefined,
  cost,
  compute: async (subject, { certificate }, context) =>
    card({ ...subject, ...(certificate === 'full' && (await certified(subject, context))) }),
  validateResult: value => FIELDS(value, 'result'),
  figures: result => figures(result),
  summary: result => summary(result)
});

const certified = (subject: Subject, context: Context): ReturnType<Subject['certify']> =>
  subject.certify({ level: 'full' }, context);

function card({ facts, anatomy, certificate, tokens }: Subject): ModelCard {
  return {
    level: certificate.level,
    forwards: certificate.forwards,
    facts,
    tokenizer: tokens !== undefined,
    towers: anatomy.towers.map(towerFacts),
    // A result is JSON, which has no infinity: an identity that could not be computed says why.
    identities: certificate.identities.map(({ name, error, tolerance, holds, at, why }) => ({
      name,
      error: Math.min(error, Number.MAX_VALUE),
      tolerance,
      holds,
      ...(at !== undefined && { at }),
      ...(why !== undefined && { why })
    })),
    hooks: groups(anatomy.hooks),
    refusals: anatomy.refusals
      .slice(0, MOST_REFUSALS)
      .map(({ why, at }) => ({ why: shortText(why), at: shortText(at) }))
  };
}

function towerFacts(tower: Tower): TowerFacts {
  const { name, kind, layers, heads, kvHeads, dModel, dHead, dMlp, dVocab, maxPositions } = tower;
  const { causal, positional, norm, mlp, parallel } = tower;
  const placed = norm.kind === 'none' ? 'none' : `${norm.kind}, ${norm.placement}`;
  const sizes = { layers, heads, kvHeads, dModel, dHead, dMlp, dVocab, maxPositions };
  return { name, kind, ...sizes, causal, positional, norm: placed, mlp, parallel };
}

function groups(hooks: readonly Hook[]): HookGroup[] {
  const found = new Map<string, HookGroup>();
  for (const { name, dims, status, why } of hooks) {
    const group = name.replace(/blocks\.\d+\./, 'blocks.{l}.');
    const sofar = found.get(group) ?? { name: group, verified: 0, unverified: 0, unavailable: 0, dims };
    const reason = sofar.why ?? (why === undefined ? undefined : shortText(why));
    found.set(group, { ...sofar, [status]: sofar[status] + 1, ...(reason === undefined ? {} : { why: reason }) });
  }
  return [...found.values()];
}

/** 811008 → '811.0 kB'. */
function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return power ? `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}` : `${bytes} B`;
}

type Pair = readonly [string, string];

function factPairs({ facts, tokenizer }: ModelCard): Pair[] {
  const dtypes = Object.entries(facts.dtypes).map(([type, bytes]) => `${type} ${bytesText(bytes)}`);
  return [
    ['file', facts.label],
    ['hash', facts.hash],
    ['size', bytesText(facts.bytes)],
    ['weights', dtypes.join(', ')],
    ['graph', `${facts.nodes} nodes`],
    ['producer', facts.producer || 'not stated'],
    [
      'tokenizer',
      tokenizer
        ? 'yes'
        : `none${facts.tokenizerFault === undefined ? '' : ` that is served (${facts.tokenizerFault})`}: inputs are token ids`
    ],
    ['runtime', `${facts.runtime}, ${facts.threads} thread${facts.threads === 1 ? '' : 's'}`]
  ];
}

function towerPairs(tower: TowerFacts): Pair[] {
  const grouped = tower.kvHeads === tower.heads ? '' : `, ${tower.kvHeads} key/value heads`;
  return [
    ['kind', `${tower.kind}, ${tower.causal ? 'causal' : 'bidirectional'}`],
    ['layers', String(tower.layers)],
    ['heads', `${tower.heads} of size ${tower.dHead}${grouped}`],
    ['width', String(tower.dModel)],
    ['MLP', tower.dMlp === null ? tower.mlp : `${tower.mlp}, width ${tower.dMlp}`],
    ['norm', tower.norm],
    ['positions', tower.positional + (tower.maxPositions === null ? '' : `, at most ${tower.maxPositions}`)],
    ['vocabulary', tower.dVocab === null ? 'no unembedding' : String(tower.dVocab)],
    ['blocks', tower.parallel ? 'attention and MLP in parallel' : 'serial']
  ];
}

const pairRows = (pairs: readonly Pair[]): Row[] =>
  pairs.map(([label, value]) => ({ label, cells: [{ text: value }] }));

function figures(card: ModelCard): Figure[] {
  return [anatomyTable(card), certificateTable(card), hookTable(card)];
}

function anatomyTable(card: ModelCard): TableFigure {
  const prefixed = (tower: TowerFacts): Pair[] =>
    towerPairs(tower).map(([label, value]) => [card.towers.length > 1 ? `${tower.name}: ${label}` : label, value]);
  const refused = card.refusals.map(({ why, at }): Pair => ['not understood', `${why} (${at})`]);
  return {
    kind: 'table',
    title: 'Anatomy',
    caption: 'Parts found by the structure of the graph, names of nodes ignored.',
    alt: shortText(`Anatomy of ${card.facts.label}: ${headline(card)}.`),
    corner: 'part',
    columns: [{ label: 'value' }],
    rows: pairRows([...factPairs(card), ...card.towers.flatMap(prefixed), ...refused])
  };
}

function certificateTable({ identities, facts, level = 'quick', forwards }: ModelCard): TableFigure {
  const failed = identities.filter(({ holds }) => !holds).length;
  return {
    kind: 'table',
    title: level === 'full' ? 'Certificate, full' : 'Certificate',
    caption:
      'Identities that define the parts, run on a short probe: largest deviation relative to the largest value.' +
      (forwards === undefined ? '' : ` ${forwards} forwards.`),
    alt: shortText(
      `Certificate of ${facts.label}: ${identities.length - failed} of ${identities.length} identities hold.`
    ),
    corner: 'identity',
    columns: [
      { label: 'holds' },
      { label: 'error', align: 'end' },
      { label: 'tolerance', align: 'end' },
      { label: 'where, why' }
    ],
    rows: identities.map(({ name, error, tolerance, holds, at, why }) => ({
      label: name,
      cells: [
        { text: holds ? 'yes' : 'no', bold: !holds },
        { text: why === undefined ? error.toExponential(1) : '–' },
        { text: tolerance.toExponential(1) },
        { text: [at, why].filter(Boolean).join(': ') }
      ]
    }))
  };
}

function hookTable({ hooks, facts }: ModelCard): TableFigure {
  const sum = (pick: (group: HookGroup) => number): number => hooks.reduce((total, group) => total + pick(group), 0);
  return {
    kind: 'table',
    title: 'Hooks',
    caption: 'Tensors that can be read, by TransformerLens’s names; {l} is the layer.',
    alt: shortText(
      `Hooks of ${facts.label}: ${sum(group => group.verified)} verified, ${sum(group => group.unverified)} unverified, ${sum(group => group.unavailable)} unavailable.`
    ),
    corner: 'hook',
    columns: [
      { label: 'axes' },
      { label: 'verified', align: 'end' },
      { label: 'unverified', align: 'end' },
      { label: 'unavailable', align: 'end' },
      { label: 'why' }
    ],
    rows: hooks.map(({ name, dims, verified, unverified, unavailable, why }) => ({
      label: name,
      cells: [
        { text: dims.join(' × ') },
        { text: String(verified) },
        { text: String(unverified), bold: unverified > 0 },
        { text: String(unavailable), bold: unavailable > 0 },
        { text: why ?? '' }
      ]
    }))
  };
}

function headline({ towers }: ModelCard): string {
  return towers.length
    ? towers
        .map(({ name, layers, heads, dModel }) => `${name}, ${layers} layers × ${heads} heads, width ${dModel}`)
        .join('; ')
    : 'no transformer found';
}

function summary(card: ModelCard): string {
  const failed = card.identities.filter(({ holds }) => !holds);
  return [
    `Model ${card.facts.label}: ${headline(card)}`,
    ...textTable(['fact', 'value'], factPairs(card).slice(1), WIDEST).slice(1),
    ...card.towers.slice(0, 2).flatMap(tower => textTable(['part', 'value'], towerPairs(tower), WIDEST).slice(1)),
    `${card.level === 'full' ? 'full certificate' : 'certificate'}: ${card.identities.length - failed.length} of ${card.identities.length} identities hold`,
    ...failed
      .slice(0, 5)
      .map(({ name, error, at }) => `  fails: ${name}, error ${error.toExponential(1)}${at ? ` at ${at}` : ''}`),
    `hooks: ${card.hooks.length} kinds`,
    ...card.refusals.slice(0, 3).map(({ why, at }) => `  not understood: ${why} (${at})`)
  ].join('\n');
}
