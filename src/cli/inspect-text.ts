import type { GraphInput, Hook, Tower } from '../anatomy/anatomy';
import type { Identity } from '../anatomy/certificate/certificate';
import type { Subject } from '../subject/subject';

export type Inspected = Pick<Subject, 'facts' | 'anatomy' | 'certificate' | 'tokens' | 'imageSizes'>;

/** What a person wants to see of a model, some thirty lines. */
export const inspectText = (subject: Inspected): string => {
  const { facts, anatomy, certificate, tokens } = subject;
  const held = certificate.identities.filter(({ holds }) => holds).length;
  const rows = [
    ['model', `${facts.label}, ${megabytes(facts.bytes)} MB, ${Object.keys(facts.dtypes).join(', ')}, ${facts.hash}`],
    ['graph', `${facts.nodes} nodes by ${facts.producer || 'an unnamed exporter'}`],
    ['runtime', `${facts.runtime}, ${facts.threads} thread${facts.threads === 1 ? '' : 's'}`],
    ...(anatomy.towers.some(({ content }) => content === undefined)
      ? [['tokenizer', tokens ? `${tokens.vocabularySize} tokens` : tokenizerText(facts)]]
      : []),
    ...anatomy.inputs.filter(isContent(anatomy)).map(input => ['reads', contentText(input, subject)]),
    ...anatomy.towers.map(tower => [tower.name, towerText(tower)]),
    [
      'identities',
      `${held} of ${certificate.identities.length} hold (${certificate.level}, ${certificate.forwards} forwards)`
    ],
    ...certificate.identities.map(identity => ['', identityText(identity)]),
    ['hooks', hooksText(anatomy.hooks)],
    ...reasons(anatomy.hooks).map(line => ['', line])
  ];
  // Names come from the file: no control characters, no marks that turn the direction of a text.
  return rows.map(([label, text]) => `${label.padEnd(11)}${text.replace(/\p{C}/gu, '\ufffd')}\n`).join('');
};

const isContent =
  ({ towers }: Inspected['anatomy']) =>
  ({ name }: GraphInput): boolean =>
    towers.some(({ content }) => content?.input === name);

const contentText = (input: GraphInput, { anatomy: { towers }, imageSizes }: Inspected): string => {
  const patches = towers.find(({ content }) => content?.input === input.name)?.content?.patches;
  return [
    `${input.role} '${input.name}' [${input.shape?.join(', ')}]`,
    ...(imageSizes?.input === input.name ? [`sizes from ${imageSizes.from}`] : []),
    ...(patches ? [`${patches.grid.join(' × ')} patches and ${patches.leading} tokens before them`] : [])
  ].join(', ');
};

const tokenizerText = ({ tokenizerFault }: Inspected['facts']): string =>
  `none${tokenizerFault === undefined ? '' : ` that is served (${tokenizerFault})`}: give ids`;

const megabytes = (bytes: number): string => (bytes / 1e6).toPrecision(3);

const towerText = (tower: Tower): string => {
  const { layers, heads, kvHeads, dModel, dHead, dMlp, dVocab, maxPositions, mlp, norm } = tower;
  return [
    `${layers} layers, ${heads} heads${kvHeads === heads ? '' : ` (${kvHeads} key/value)`}`,
    `d_model ${dModel}, d_head ${dHead}${dMlp === null ? (mlp === 'none' ? ', no MLP' : ', an MLP of several parts') : `, d_mlp ${dMlp}`}`,
    ...(dVocab === null ? [] : [`vocabulary ${dVocab}`]),
    `${tower.positional} positions${maxPositions === null ? '' : ` (${maxPositions})`}`,
    norm.kind === 'none' ? 'no norm' : `${norm.kind} norm (${norm.placement})`,
    tower.causal ? 'causal' : 'bidirectional',
    ...(tower.parallel ? ['parallel blocks'] : [])
  ].join(', ');
};

const identityText = ({ name, error, tolerance, holds, at, why, places = [] }: Identity): string => {
  const cause = holds ? undefined : places.find(place => place.at === at)?.because;
  const measured = cause ?? `${error.toExponential(1)} ${holds ? '≤' : 'against'} ${tolerance.toExponential(0)}`;
  return `${holds ? 'holds' : why === undefined ? 'FAILS' : 'open '}  ${name}  ${why ?? measured}${holds || at === undefined ? '' : ` at ${at}`}`;
};

const STATUSES = ['verified', 'unverified', 'unavailable'] as const;

const hooksText = (hooks: readonly Hook[]): string =>
  STATUSES.map(status => `${hooks.filter(hook => hook.status === status).length} ${status}`).join(', ');

const MOST_REASONS = 8;

/** Each reason once, with how many hooks it keeps back. */
const reasons = (hooks: readonly Hook[]): readonly string[] => {
  const counts = new Map<string, string[]>();
  for (const { name, status, why } of hooks.filter(hook => hook.status !== 'verified')) {
    const key = `${status}: ${why ?? 'no reason given'}`;
    counts.set(key, [...(counts.get(key) ?? []), name]);
  }
  return [...counts]
    .slice(0, MOST_REASONS)
    .map(([why, names]) => `${names[0]}${names.length > 1 ? ` and ${names.length - 1} more` : ''} ${why}`);
};
