import type { Block, NormPart, Projection, Tower } from '../../anatomy/anatomy';

interface Shared {
  readonly name: WeightName;
  readonly kind: 'matrix' | 'bias' | 'norm';
  /** Where the heads of a matrix lie, or the vocabulary of a table. */
  readonly headAxis?: 'rows' | 'columns';
  /** The certificate's identities that multiply it. */
  readonly identities: readonly string[];
}

/** One kind of weight and where the anatomy has it. */
export type WeightRow = Shared &
  (
    | {
        readonly scope: 'layer';
        readonly part: (block: Block) => Projection | NormPart | undefined;
        readonly heads?: (tower: Tower) => number;
        /** Why it is no map of each head alone. */
        readonly refuses?: (block: Block) => string | undefined;
      }
    | {
        readonly scope: 'model';
        readonly part: (tower: Tower) => Projection | NormPart | undefined;
        /** Of the axis that `range` cuts. */
        readonly size: (tower: Tower) => number;
        /** Rows that the file's table has before it. */
        readonly before?: (tower: Tower) => number;
      }
  );

export type WeightName =
  | `W_${'Q' | 'K' | 'V' | 'O' | 'in' | 'gate' | 'out' | 'E' | 'pos' | 'U'}`
  | `b_${'Q' | 'K' | 'V' | 'O' | 'in' | 'gate' | 'out' | 'U'}`
  | `${'ln1' | 'ln2' | 'ln1_post' | 'ln2_post' | 'q_norm' | 'k_norm' | 'ln_embed' | 'ln_final'}.${'w' | 'b'}`;

const all = ({ heads }: Tower): number => heads;
const own = ({ kvHeads }: Tower): number => kvHeads;

const layer = (
  suffix: 'Q' | 'K' | 'V' | 'O' | 'in' | 'gate' | 'out',
  part: (block: Block) => Projection | undefined,
  identities: readonly string[],
  heads?: (tower: Tower) => number
): readonly WeightRow[] => [
  {
    name: `W_${suffix}`,
    scope: 'layer',
    kind: 'matrix',
    headAxis: suffix === 'O' ? 'rows' : 'columns',
    part,
    identities,
    ...(heads && { heads })
  },
  { name: `b_${suffix}`, scope: 'layer', kind: 'bias', part, identities, ...(heads && suffix !== 'O' && { heads }) }
];

/** A table as a layer that takes one-hot rows. */
const asProjection = (weight: string | undefined): Projection | undefined =>
  weight === undefined ? undefined : { node: '', input: '', output: '', weight };

const NORM_ENDS = [
  ['w', 'norm'],
  ['b', 'bias']
] as const;

const norm = (role: 'ln1' | 'ln2' | 'ln1_post' | 'ln2_post' | 'q_norm' | 'k_norm'): readonly WeightRow[] =>
  NORM_ENDS.map(([end, kind]) => ({
    name: `${role}.${end}`,
    scope: 'layer',
    kind,
    part: ({ norms }) => norms.find(one => one.role === role),
    identities: ['norm-reproduced']
  }));

const outerNorm = (
  role: 'ln_embed' | 'ln_final',
  part: (tower: Tower) => NormPart | undefined,
  identity: string
): readonly WeightRow[] =>
  NORM_ENDS.map(([end, kind]) => ({
    name: `${role}.${end}`,
    scope: 'model',
    kind,
    part,
    identities: [identity],
    size: ({ dModel }) => dModel
  }));

/** What a head writes then depends on all others. */
const normedZ = ({ norms }: Block): string | undefined =>
  norms.some(({ role }) => role === 'z_norm') ? 'normalises all heads together in front of it' : undefined;

const vocabulary = ({ dVocab }: Tower): number => dVocab ?? 0;

/** Every kind of weight, by TransformerLens's names. */
export const WEIGHTS: readonly WeightRow[] = [
  ...layer('Q', ({ attention }) => attention.q, ['weights-reproduce-q'], all),
  ...layer('K', ({ attention }) => attention.k, ['weights-reproduce-k'], own),
  ...layer('V', ({ attention }) => attention.v, ['weights-reproduce-v'], own),
  ...layer('O', ({ attention }) => attention.o, ['z-reproduces-attn-out'], all).map(row =>
    row.kind === 'matrix' ? { ...row, refuses: normedZ } : row
  ),
  ...layer('in', ({ mlp }) => mlp?.in, ['weights-reproduce-mlp-pre', 'weights-reproduce-mlp-pre-linear']),
  ...layer('gate', ({ mlp }) => mlp?.gate, ['weights-reproduce-mlp-pre']),
  ...layer('out', ({ mlp }) => mlp?.out, ['mlp-post-reproduces-mlp-out']),
  ...(['ln1', 'ln2', 'ln1_post', 'ln2_post', 'q_norm', 'k_norm'] as const).flatMap(norm),
  {
    name: 'W_E',
    scope: 'model',
    kind: 'matrix',
    headAxis: 'rows',
    part: ({ embedding }) => asProjection(embedding?.weight),
    size: ({ embedding }) => embedding?.rows ?? 0,
    identities: ['embedding-is-the-table']
  },
  {
    name: 'W_pos',
    scope: 'model',
    kind: 'matrix',
    headAxis: 'rows',
    part: ({ embedding }) => asProjection(embedding?.positionWeight),
    size: ({ maxPositions }) => maxPositions ?? 0,
    before: ({ embedding }) => embedding?.firstPosition ?? 0,
    identities: []
  },
  {
    name: 'W_U',
    scope: 'model',
    kind: 'matrix',
    headAxis: 'columns',
    part: ({ head }) => head?.unembed,
    size: vocabulary,
    identities: []
  },
  { name: 'b_U', scope: 'model', kind: 'bias', part: ({ head }) => head?.unembed, size: vocabulary, identities: [] },
  ...outerNorm('ln_embed', ({ embedding }) => embedding?.norm ?? embedding?.tokenNorm, 'embeddings-add-up'),
  ...outerNorm('ln_final', ({ finalNorm }) => finalNorm, 'final-norm-reproduced')
];

/** Throws for a name that is none of them. */
export const weightRow = (name: string): WeightRow => {
  const row = WEIGHTS.find(one => one.name === name);
  if (row === undefined) {
    throw new Error(`weight unknown: '${name}' is none of ${WEIGHTS.map(one => one.name).join(', ')}`);
  }
  return row;
};
