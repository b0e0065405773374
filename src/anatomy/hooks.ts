import type {
  Attention,
  Block,
  Hook,
  HookSource,
  HookStep,
  NormPart,
  OutputLayer,
  Projection,
  Tower,
  UnembeddingHead
} from './anatomy';
import type { BuiltBlock } from './blocks';
import type { Dim } from './shapes/dims';
import type { Facts } from './facts';
import type { Layer } from './layer';
import type { Axis, Located, Operand } from './operand';

/** Sizes of one attention. */
export interface HeadSizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly dHead: number;
  /** Width of queries and keys, where values have another. */
  readonly dQuery?: number;
}

type Size = number | 'batch' | 'pos';

/** TransformerLens's names of axes and shapes: [batch, pos, d_model], [batch, head, query_pos, key_pos], … */
const dimsAndShape = (kind: Kind, size: number, heads: number): Pick<Hook, 'dims' | 'shape'> => {
  switch (kind) {
    case 'stream':
      return { dims: ['batch', 'pos', 'd_model'], shape: ['batch', 'pos', size] };
    case 'logits':
      return { dims: ['batch', 'pos', 'd_vocab'], shape: ['batch', 'pos', size] };
    case 'mlp':
      return { dims: ['batch', 'pos', 'd_mlp'], shape: ['batch', 'pos', size] };
    case 'vector':
      return { dims: ['batch', 'pos', 'head', 'd_head'], shape: ['batch', 'pos', heads, size] };
    case 'pattern':
      return {
        dims: ['batch', 'head', 'query_pos', 'key_pos'],
        shape: ['batch', heads, 'query_pos', 'key_pos']
      };
  }
};

type Kind = 'stream' | 'logits' | 'mlp' | 'vector' | 'pattern';

const served = (name: string, kind: Kind, size: number, heads: number, source: HookSource): Hook => ({
  name,
  ...dimsAndShape(kind, size, heads),
  status: 'unverified',
  why: 'not checked yet',
  source
});

const missing = (name: string, kind: Kind, size: number, heads: number, why: string): Hook => ({
  name,
  ...dimsAndShape(kind, size, heads),
  status: 'unavailable',
  why
});

/** A tensor of the residual stream, [batch, pos, width]: as it is, with rows merged, or without a batch axis. */
export const streamSource = (facts: Facts, tensor: string, width: number): HookSource => {
  const shape = facts.shape(tensor);
  if (shape?.length === 2 && !isRows(shape)) {
    return { tensor, steps: [{ op: 'expand', shape: ['batch', 'pos', width] }] };
  }
  if (shape?.length === 2) {
    return { tensor, steps: [{ op: 'reshape', shape: ['batch', 'pos', width] }] };
  }
  return { tensor, steps: shape?.[0] === 1 ? [{ op: 'expand', shape: ['batch', 'pos', width] }] : [] };
};

/** The first of two axes is batch × pos, not pos alone. */
const isRows = (shape: readonly Dim[]): boolean => typeof shape[0] !== 'string' || shape[0].includes('*');

const PARTED: Readonly<Partial<Record<Axis, readonly Axis[]>>> = {
  rows: ['batch', 'head'],
  width: ['head', 'dim'],
  one: []
};
const NATURAL: readonly Axis[] = ['batch', 'pos', 'head', 'dim'];

/** From the axes that the file has to [batch, pos, head, d_head]. */
export const vectorSource = ({ tensor, axes }: Located, heads: number, dHead: number): HookSource => {
  const steps: HookStep[] = [];
  let order = axes;
  if (axes.some(axis => axis in PARTED)) {
    order = axes.flatMap(axis => PARTED[axis] ?? [axis]);
    const size: Readonly<Partial<Record<Axis, Size>>> = { batch: 'batch', head: heads, pos: 'pos', dim: dHead };
    steps.push({ op: 'reshape', shape: order.map(axis => size[axis]!) });
  }
  const perm = NATURAL.map(axis => order.indexOf(axis));
  if (perm.some((axis, i) => axis !== i)) {
    steps.push({ op: 'transpose', perm });
  }
  return { tensor, steps };
};

/** One of each where key/value heads were repeated before they were rotated (Falcon's newer kind). */
const withoutCopies = (facts: Facts, { tensor, axes }: Located, count: number, { steps }: HookSource): HookSource => {
  const heads = facts.shape(tensor)?.[axes.indexOf('head')];
  const copied = typeof heads === 'number' && heads > count && heads % count === 0;
  return { tensor, steps: copied ? [...steps, { op: 'every', axis: 2, step: heads / count }] : steps };
};

/** As many positions as there are: of a past, and of the run. */
const openSource = ({ tensor, steps }: HookSource): HookSource => ({
  tensor,
  steps: steps.map(step =>
    step.op === 'reshape' ? { ...step, shape: step.shape.map(size => (size === 'pos' ? -1 : size)) } : step
  )
});

/** [batch, head, query_pos, key_pos]; batch and head may be merged in the file. */
const patternSource = (facts: Facts, tensor: string, heads: number): HookSource => ({
  tensor,
  steps: facts.shape(tensor)?.length === 3 ? [{ op: 'reshape', shape: ['batch', heads, 'pos', -1] }] : []
});

/** All hooks of one block, `prefix` being 'blocks.3.'. */
export const blockHooks = (
  facts: Facts,
  prefix: string,
  { block, layer, cross, mlp, parallel }: BuiltBlock,
  sizes: HeadSizes,
  { dModel }: Pick<Tower, 'dModel'>,
  dMlp: number | null
): readonly Hook[] => [
  ...residualHooks(facts, prefix, block, parallel, dModel),
  ...attentionHooks(facts, `${prefix}attn.`, block.attention, layer, sizes),
  ...(cross && block.cross ? attentionHooks(facts, `${prefix}cross_attn.`, block.cross, cross, sizes) : []),
  ...(mlp ? mlpHooks(facts, `${prefix}mlp.`, block, dMlp) : []),
  ...block.norms.flatMap(norm =>
    normHooks(facts, prefix, { ...norm, input: asHooked(facts, block, norm.input) }, dModel)
  )
];

/** The stream under the name that its hook has: behind the same Cast, so that what is put there is seen by the norm's hook too. */
const asHooked = (facts: Facts, { residPre, residMid, residMidCross, residPost }: Block, input: string): string =>
  [residPre, residMid, residMidCross, residPost].find(
    tensor => tensor !== undefined && facts.streamOrigin(tensor) === facts.streamOrigin(input)
  ) ?? input;

const residualHooks = (
  facts: Facts,
  prefix: string,
  { residPre, residMid, residMidCross, residPost, normalizedResidPost, attention, cross, mlp }: Block,
  parallel: boolean,
  dModel: number
): readonly Hook[] => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['hook_resid_pre', residPre],
    ['hook_attn_out', attention.out],
    ['hook_resid_mid', parallel ? undefined : residMid],
    ['hook_cross_attn_out', cross?.out],
    ['hook_resid_mid_cross', residMidCross],
    ['hook_mlp_out', mlp?.output],
    ['hook_resid_post', residPost],
    ['hook_normalized_resid_post', normalizedResidPost]
  ];
  return rows.flatMap(([name, tensor]) =>
    tensor === undefined ? [] : [served(prefix + name, 'stream', dModel, 0, streamSource(facts, tensor, dModel))]
  );
};

const LATENT =
  'queries and keys are put together of a part that is rotated and one that is not (multi-head latent attention): hook_rot_q and hook_rot_k are what is multiplied';

const attentionHooks = (
  facts: Facts,
  prefix: string,
  attention: Attention,
  layer: Layer,
  { heads, kvHeads, dHead, dQuery = dHead }: HeadSizes
): readonly Hook[] => {
  const { q, k, v } = layer.operands;
  const source = (at: Located, count: number, width: number): HookSource =>
    withoutCopies(facts, at, count, vectorSource(at, count, width));
  const vector = (name: string, at: Located, count: number, cached?: Located, width = dHead): Hook => ({
    ...served(prefix + name, 'vector', width, count, source(at, count, width)),
    ...(cached && { cached: openSource(source(cached, count, width)) })
  });
  const unrotated = (name: string, at: Located, count: number, cached?: Located): Hook =>
    layer.latent ? missing(prefix + name, 'vector', dQuery, count, LATENT) : vector(name, at, count, cached);
  const past = ({ cached }: Operand, of: 'raw' | 'rotated'): Located | undefined =>
    cached?.of === of ? cached : undefined;
  const zAxes: readonly Axis[] =
    layer.anchor.axes.z ??
    (facts.shape(attention.z)?.length === 3 ? ['rows', 'pos', 'dim'] : ['batch', 'head', 'pos', 'dim']);
  return [
    unrotated('hook_q', q.raw, heads),
    unrotated('hook_k', k.raw, kvHeads, past(k, 'raw')),
    vector('hook_v', v.raw, kvHeads, past(v, 'raw')),
    ...(q.rotated ? [vector('hook_rot_q', q.rotated, heads, undefined, dQuery)] : []),
    ...(k.rotated ? [vector('hook_rot_k', k.rotated, kvHeads, past(k, 'rotated'), dQuery)] : []),
    served(`${prefix}hook_attn_scores`, 'pattern', 0, heads, patternSource(facts, layer.anchor.scores, heads)),
    served(`${prefix}hook_pattern`, 'pattern', 0, heads, patternSource(facts, attention.pattern, heads)),
    vector('hook_z', transposed(facts, { tensor: attention.z, axes: zAxes }), heads)
  ];
};

/** The file's own transposition to [batch, pos, head, d_head], where it has one: nothing is left to do when reading. */
const transposed = (facts: Facts, at: Located): Located => {
  const node = (at.axes.join() === 'batch,head,pos,dim' ? facts.consumers(at.tensor) : []).find(
    ({ opType, attributes }) => opType === 'Transpose' && attributes[0]?.ints?.join() === '0,2,1,3'
  );
  return node && at.axes.length === 4 ? { tensor: node.outputs[0], axes: NATURAL } : at;
};

const mlpHooks = (facts: Facts, prefix: string, { mlp }: Block, dMlp: number | null): readonly Hook[] => {
  if (!mlp || dMlp === null || !mlp.in) {
    const why = 'the MLP is neither one layer, an activation function and one layer, nor gated';
    return ['hook_pre', 'hook_post'].map(name => missing(prefix + name, 'mlp', dMlp ?? 0, 0, why));
  }
  const { gate, in: first, post } = mlp;
  const rows: readonly (readonly [string, string])[] = [
    ['hook_pre', projectionOutput(facts, gate ?? first)],
    ...(gate ? [['hook_pre_linear', projectionOutput(facts, first)] as const] : []),
    ['hook_post', post!]
  ];
  return rows.map(([name, tensor]) => served(prefix + name, 'mlp', dMlp, 0, streamSource(facts, tensor, dMlp)));
};

/** A layer's output as a part of the block reads it: behind the Split where layers are packed. */
const projectionOutput = (facts: Facts, { output, columns }: Projection): string => {
  if (!columns) {
    return output;
  }
  const split = facts.consumers(output).find(({ opType }) => opType === 'Split');
  const sliced = facts.consumers(output).filter(({ opType }) => opType === 'Slice');
  const piece = columns[0] === 0 ? 0 : 1;
  return split?.outputs[piece] ?? sliced[piece]?.outputs[0] ?? output;
};

/** `hook_out` is the norm's output; `hook_normalized`, as in TransformerLens 3, comes before weight and bias. */
export const normHooks = (
  facts: Facts,
  prefix: string,
  { role, kind, input, output, epsilon }: NormPart,
  dModel: number
): readonly Hook[] => {
  if (role === 'q_norm' || role === 'k_norm' || role === 'z_norm') {
    return [];
  }
  const from = streamSource(facts, input, dModel);
  const steps: readonly HookStep[] = [...from.steps, { op: 'normalise', kind, epsilon: epsilon ?? 0 }];
  return [
    served(`${prefix}${role}.hook_normalized`, 'stream', dModel, 0, { tensor: from.tensor, steps }),
    served(`${prefix}${role}.hook_out`, 'stream', dModel, 0, streamSource(facts, output, dModel))
  ];
};

/**
 * [batch, pos, width]: tables may be narrower than the stream. `shared`: the same for every sequence, so that two axes are
 * [pos, width].
 */
export const embeddingHook = (
  facts: Facts,
  name: string,
  tensor: string,
  width: number,
  dModel: number,
  shared: boolean
): Hook => {
  const source: HookSource =
    shared && facts.shape(tensor)?.length === 2
      ? { tensor, steps: [{ op: 'expand', shape: ['batch', 'pos', width] }] }
      : streamSource(facts, tensor, width);
  const hook = served(name, 'stream', width, 0, source);
  return ofWidth(hook, width, dModel);
};

/** What the cross-attention of all blocks reads, as wide as its tower's stream. */
export const statesHook = (facts: Facts, states: string, dModel: number): Hook => {
  const width = widthOf(facts, states, dModel);
  return ofWidth(served('hook_encoder_states', 'stream', width, 0, streamSource(facts, states, width)), width, dModel);
};

/** What is not as wide as the stream is not of its kind. */
const ofWidth = (hook: Hook, width: number, dModel: number): Hook =>
  width === dModel ? hook : { ...hook, dims: ['batch', 'pos', 'd_embed'] };

/** What the unembedding reads, and the logits; a dense layer before it may have narrowed the stream. */
export const unembeddingHooks = (
  facts: Facts,
  input: string,
  { logits }: Pick<UnembeddingHead, 'logits'>,
  { dModel, dVocab }: Pick<Tower, 'dModel' | 'dVocab'>
): readonly Hook[] => {
  const width = widthOf(facts, input, dModel);
  return [
    ofWidth(served('unembed.hook_in', 'stream', width, 0, streamSource(facts, input, width)), width, dModel),
    served('unembed.hook_out', 'logits', dVocab ?? 0, 0, { tensor: logits, steps: [] })
  ];
};

/** What the layer in front of an output reads, and what it makes: [batch, width] where tokens were pooled. */
export const outputLayerHooks = (facts: Facts, { layer, pooled }: OutputLayer, dModel: number): readonly Hook[] => {
  const hook = (name: string, tensor: string, axis: string): Hook => {
    const width = widthOf(facts, tensor, dModel);
    const made = served(name, 'stream', width, 0, streamSource(facts, tensor, width));
    return pooled
      ? { ...made, dims: ['batch', axis], shape: ['batch', width], source: { tensor, steps: [] } }
      : { ...made, dims: ['batch', 'pos', axis] };
  };
  return [hook('head.hook_in', layer.input, 'd_head_in'), hook('head.hook_out', layer.output, 'd_head_out')];
};

/** Of a tensor's last axis. */
export const widthOf = (facts: Facts, tensor: string, otherwise: number): number => {
  const width = facts.shape(tensor)?.at(-1);
  return typeof width === 'number' ? width : otherwise;
};
