import type { Span } from '../../subject/tensor-facts';
import type { Anatomy, Attention, Block, Hook, NormPart, Projection, Tower } from '../../anatomy/anatomy';
import type { Translate } from '../translate';

export type PartKind = 'embedding' | 'block' | 'norm' | 'attention' | 'head' | 'mlp' | 'unembedding';

/** A tensor of the file and what it is to its part. */
export interface PartTensor {
  readonly role: string;
  readonly tensor: string;
  /** Of the tensor's output axis, where several weights are packed in one: [start, end). */
  readonly columns?: readonly [number, number];
}

/** One cell of the anatomy's picture. */
export interface Part {
  /** Unique in the model: 'decoder/blocks.0/head.3'. */
  readonly id: string;
  readonly kind: PartKind;
  /** On the cell: 'H3'. */
  readonly label: string;
  /** In words: 'Head 3 of layer 0'. */
  readonly title: string;
  /** What it does, one sentence. */
  readonly about: string;
  readonly hooks: readonly Hook[];
  readonly tensors: readonly PartTensor[];
  /** What of the graph it is; absent where that is not known. */
  readonly span?: Span;
  /** What an analysis of this part is told. */
  readonly layer?: number;
  readonly head?: number;
}

/** One row of the picture: the embedding, a block, what follows the last block. */
export interface PartRow {
  readonly parts: readonly Part[];
}

/** The parts of a tower in the order in which the residual stream passes them. */
export function modelParts({ towers, hooks, inputs }: Anatomy, tower: Tower, trans: Translate): readonly PartRow[] {
  const make = maker(tower, towers.length > 1, hooks, trans);
  const given = inputs.map(({ name }) => name);
  return [
    { parts: embeddingParts(tower, given, make, trans) },
    ...tower.blocks.map((block, layer) => ({ parts: blockParts(tower, block, layer, make, trans) })),
    { parts: headParts(tower, make, trans) }
  ].filter(({ parts }) => parts.length > 0);
}

/** What a part is, its hooks still as a filter on their names. */
type Draft = Omit<Part, 'hooks'> & { readonly hooks: (name: string) => boolean };
type Make = (draft: Draft) => Part;

/** Of several towers the name stands in hooks before, in titles behind. */
const maker = ({ name: tower }: Tower, isOneOfMany: boolean, hooks: readonly Hook[], trans: Translate): Make => {
  const prefix = isOneOfMany ? `${tower}.` : '';
  const own = hooks.filter(({ name }) => name.startsWith(prefix));
  return ({ hooks: mine, id, title, ...part }) => ({
    ...part,
    title: isOneOfMany ? trans.__('%1, %2', title, tower) : title,
    id: `${tower}/${id}`,
    hooks: own.filter(({ name }) => mine(name.slice(prefix.length)))
  });
};

const under =
  (...starts: readonly string[]) =>
  (name: string): boolean =>
    starts.some(start => name.startsWith(start));

function embeddingParts({ embedding, blocks }: Tower, given: readonly string[], make: Make, trans: Translate): Part[] {
  if (!embedding) {
    return [];
  }
  const { weight, positionWeight, norm } = embedding;
  return [
    make({
      id: 'embedding',
      kind: 'embedding',
      label: trans.__('Embedding'),
      title: trans.__('Embedding'),
      about: trans.__('Tokens become vectors of the residual stream.'),
      hooks: under('hook_'),
      tensors: named(['W_E', weight], ['W_pos', positionWeight]),
      ...spanOf(given, norm?.input ?? blocks[0]?.residPre)
    }),
    ...(norm ? [normPart(norm, 'embedding', '', make, trans)] : [])
  ];
}

function blockParts(tower: Tower, block: Block, layer: number, make: Make, trans: Translate): Part[] {
  const start = `blocks.${layer}.`;
  const at = `blocks.${layer}`;
  const norms = (roles: readonly string[]): Part[] =>
    block.norms.filter(({ role }) => roles.includes(role)).map(norm => normPart(norm, at, start, make, trans, layer));
  const attention = attentionParts(tower, block, layer, make, trans);
  const mlp = block.mlp ? [mlpPart(block.mlp, layer, make, trans)] : [];
  const whole = make({
    id: at,
    kind: 'block',
    label: String(layer),
    title: trans.__('Layer %1', layer),
    about: trans.__('The residual stream before, between and after its parts, and what they add to it.'),
    hooks: under(`${start}hook_`),
    tensors: [],
    ...spanOf([block.residPre, block.cross && tower.states], block.normalizedResidPost ?? block.residPost),
    layer
  });
  const cross = block.cross ? [crossPart(block.cross, layer, make, trans)] : [];
  // A cross-attention's norm is ln2, the MLP's ln3 then.
  const [second, third] = block.cross ? [norms(['ln2']), norms(['ln3'])] : [[], norms(['ln2'])];
  const sequence =
    tower.norm.placement === 'post'
      ? [...attention, ...norms(['ln1']), ...cross, ...second, ...mlp, ...third]
      : [
          ...norms(['ln1']),
          ...attention,
          ...norms(['ln1_post']),
          ...second,
          ...cross,
          ...third,
          ...mlp,
          ...norms(['ln2_post'])
        ];
  return [whole, ...sequence];
}

function crossPart(cross: Attention, layer: number, make: Make, trans: Translate): Part {
  const start = `blocks.${layer}.`;
  return make({
    id: `blocks.${layer}/cross`,
    kind: 'attention',
    label: trans.__('Cross'),
    title: trans.__('Cross-attention of layer %1', layer),
    about: trans.__(
      'Reads the last states of the encoder, with queries from this stream; the sum of its heads is added to it.'
    ),
    hooks: under(`${start}cross_attn.`, `${start}hook_cross_attn_out`),
    tensors: [
      ...projection('Q', cross.q),
      ...projection('K', cross.k),
      ...projection('V', cross.v),
      ...projection('O', cross.o)
    ],
    ...attentionSpan(cross),
    layer
  });
}

function attentionParts(
  tower: Tower,
  { attention, norms }: Block,
  layer: number,
  make: Make,
  trans: Translate
): Part[] {
  const start = `blocks.${layer}.`;
  const ofNorms = norms.filter(({ role }) => role === 'q_norm' || role === 'k_norm');
  const tensors = [
    ...projection('Q', attention.q),
    ...projection('K', attention.k),
    ...projection('V', attention.v),
    ...projection('O', attention.o),
    ...ofNorms.flatMap(({ role, weight }) => named([role, weight]))
  ];
  const hooks = (name: string): boolean => name.startsWith(`${start}attn.`);
  const whole = make({
    id: `blocks.${layer}/attention`,
    kind: 'attention',
    label: trans.__('Attn'),
    title: trans.__('Attention of layer %1', layer),
    about: trans.__('All its heads together: each moves information between tokens, their sum is added to the stream.'),
    hooks: name => hooks(name) || name === `${start}hook_attn_out`,
    tensors,
    ...attentionSpan(attention),
    layer
  });
  const heads = Array.from({ length: tower.heads }, (_, head) =>
    make({
      id: `blocks.${layer}/head.${head}`,
      kind: 'head',
      label: `H${head}`,
      title: trans.__('Head %1 of layer %2', head, layer),
      about: trans.__(
        'Hooks and weights are those of the whole layer; this head is index %1 of their head axis.',
        head
      ),
      hooks,
      tensors,
      ...attentionSpan(attention),
      layer,
      head
    })
  );
  return [whole, ...heads];
}

function mlpPart(mlp: NonNullable<Block['mlp']>, layer: number, make: Make, trans: Translate): Part {
  const start = `blocks.${layer}.`;
  return make({
    id: `blocks.${layer}/mlp`,
    kind: 'mlp',
    label: trans.__('MLP'),
    title: trans.__('MLP of layer %1', layer),
    about: trans.__('Works on each token alone; what comes out is added to the stream.'),
    hooks: under(`${start}mlp.`, `${start}hook_mlp_out`),
    tensors: [...projection('in', mlp.in), ...projection('gate', mlp.gate), ...projection('out', mlp.out)],
    ...spanOf([mlp.in?.input, mlp.gate?.input], mlp.output),
    layer
  });
}

/** Undefined roles keep their name. */
const NORM_LABELS: Readonly<Partial<Record<NormPart['role'], string>>> = {
  ln1: 'LN1',
  ln2: 'LN2',
  ln3: 'LN3',
  ln1_post: 'LN1′',
  ln2_post: 'LN2′',
  ln_final: 'LN',
  ln_embed: 'LN'
};

function normPart(norm: NormPart, at: string, start: string, make: Make, trans: Translate, layer?: number): Part {
  const { role, kind, input, output, weight, bias } = norm;
  const name = kind === 'rms' ? trans.__('RMS norm') : trans.__('Layer norm');
  const label = NORM_LABELS[role] ?? role;
  return make({
    id: `${at}/${role}`,
    kind: 'norm',
    label: kind === 'rms' ? label.replace('LN', 'RMS') : label,
    title: layer === undefined ? `${name} (${role})` : trans.__('%1 of layer %2 (%3)', name, layer, role),
    about: trans.__('Brings each token’s vector to one scale before the next part reads it.'),
    hooks: under(`${start}${role}.`),
    tensors: named([`${role}.w`, weight], [`${role}.b`, bias]),
    ...spanOf([input], output),
    ...(layer !== undefined && { layer })
  });
}

function headParts({ finalNorm, head, outputLayer }: Tower, make: Make, trans: Translate): Part[] {
  return [
    ...(finalNorm ? [normPart(finalNorm, 'end', '', make, trans)] : []),
    ...(head
      ? [
          make({
            id: 'unembedding',
            kind: 'unembedding',
            label: trans.__('Unembedding'),
            title: trans.__('Unembedding'),
            about: trans.__('The last residual stream becomes logits, one for each token of the vocabulary.'),
            hooks: under('unembed.'),
            tensors: projection('U', head.unembed),
            ...spanOf([head.unembed.input], head.logits)
          })
        ]
      : []),
    ...(outputLayer
      ? [
          make({
            id: 'output-layer',
            kind: 'unembedding',
            label: trans.__('Output layer'),
            title: trans.__('Output layer'),
            about: outputLayer.pooled
              ? trans.__('One vector of each input becomes the output %1.', outputLayer.output)
              : trans.__('Each token’s vector becomes the output %1.', outputLayer.output),
            hooks: under('head.'),
            tensors: projection('head', outputLayer.layer),
            ...spanOf([outputLayer.layer.input], outputLayer.output)
          })
        ]
      : [])
  ];
}

const attentionSpan = ({ q, k, v, out }: Attention): Pick<Part, 'span'> => spanOf([q.input, k.input, v.input], out);

/** Nothing where an end is not known. */
const spanOf = (from: readonly (string | undefined)[], to: string | undefined): Pick<Part, 'span'> => {
  const known = from.filter(name => name !== undefined);
  return known.length && to !== undefined ? { span: { from: known, to: [to] } } : {};
};

const named = (...pairs: readonly (readonly [string, string | undefined])[]): PartTensor[] =>
  pairs.flatMap(([role, tensor]) => (tensor === undefined ? [] : [{ role, tensor }]));

const projection = (suffix: string, at: Projection | undefined): PartTensor[] =>
  at
    ? named([`W_${suffix}`, at.weight], [`b_${suffix}`, at.bias]).map(one => ({
        ...one,
        ...(at.columns && { columns: at.columns })
      }))
    : [];
