import type { Content, Embedding, Hook, NormPart, Refusal, Tower, UnembeddingHead } from './anatomy';
import { normPart, type BuiltBlock } from './blocks';
import { contentOf } from './content';
import { embeddingParts, type EmbeddingParts } from './embedding';
import { embeddingRoles, type EmbeddingRoles } from './embedding-roles';
import type { Facts } from './facts';
import { featureContent } from './features';
import { findOutputLayer, reaches, type HeadParts } from './head';
import type { ReadingTower } from './inputs';
import {
  blockHooks,
  embeddingHook,
  normHooks,
  outputLayerHooks,
  statesHook,
  unembeddingHooks,
  widthOf,
  type HeadSizes
} from './hooks';
import { isRefusal, isUnresolved, type Unresolved } from './layer';
import { coneOf, isCausal, scoreInputs } from './mask';
import { layerInput } from './linear';
import type { Norms } from './norms';
import { mostPositions, positional } from './positional';
import { scalingAfter } from './scaling';
import { headSizes } from './sizes';

export interface DescribedTower extends ReadingTower {
  readonly tower: Tower;
  readonly hooks: readonly Hook[];
}

type Built = readonly BuiltBlock[];

/** A chain of blocks as a tower with its hooks; or the tensors whose sizes must be seen first; or why not. */
export const describeTower = (
  facts: Facts,
  norms: Norms,
  built: Built,
  heads: readonly HeadParts[]
): DescribedTower | Refusal | Unresolved => {
  const sizes = commonSizes(facts, built);
  const dModel = modelWidth(facts, built);
  if (isUnresolved(sizes) || isRefusal(sizes)) {
    return sizes;
  }
  if (dModel === undefined) {
    return { unresolved: [built[0].block.residPre, built[0].block.residPost] };
  }
  const parts = embeddingParts(facts, norms, built[0].block.residPre);
  const { head, roles } = findHead(facts, norms, built, heads, parts);
  const { residPre } = built[0].block;
  const content = roles.tokens
    ? undefined
    : (contentOf(facts, norms, residPre, parts) ?? featureContent(facts, norms, residPre));
  if (content && content.kind !== 'embeddings' && content.length === null) {
    return { unresolved: [content.tokens] };
  }
  const plain = towerFacts(facts, built, sizes, dModel, parts, roles, head, content);
  const rest = heads.filter(({ unembed }) => unembed.node !== head?.unembed.node);
  const outputLayer = findOutputLayer(facts, norms, rest, streamOf(facts, built));
  const final = finalNorm(norms, built, plain);
  const tower = { ...plain, ...(final && { finalNorm: final }), ...(outputLayer && { outputLayer }) };
  return {
    tower,
    hooks: towerHooks(facts, built, sizes, tower, parts, roles),
    embedding: roles,
    ...(content && { content }),
    layers: built.map(({ layer }) => layer),
    crosses: built.flatMap(({ cross }) => cross ?? [])
  };
};

const commonSizes = (facts: Facts, built: Built): HeadSizes | Refusal | Unresolved => {
  const attentions = built.flatMap(({ layer, cross, block }) => [
    { layer, at: block.attention.node },
    ...(cross && block.cross ? [{ layer: cross, at: block.cross.node }] : [])
  ]);
  const all = attentions.map(({ layer }) => headSizes(facts, layer));
  const open = all.flatMap(sizes => (isUnresolved(sizes) ? sizes.unresolved : []));
  if (open.length) {
    return { unresolved: open };
  }
  const [first] = all as readonly HeadSizes[];
  const odd = (all as readonly HeadSizes[]).findIndex(
    ({ heads, kvHeads, dHead, dQuery }) =>
      heads !== first.heads || kvHeads !== first.kvHeads || dHead !== first.dHead || dQuery !== first.dQuery
  );
  return odd < 0 ? first : { why: `attention ${odd} has other heads than attention 0`, at: attentions[odd].at };
};

/** Width of the stream: of what is added to it, or of W_O's columns. */
const modelWidth = (facts: Facts, built: Built): number | undefined => {
  const [{ block, layer }] = built;
  const tensors = [block.residPre, block.residPost, block.attention.out, layer.projections.o.output];
  return tensors.map(tensor => facts.shape(tensor)?.at(-1)).find((dim): dim is number => typeof dim === 'number');
};

/** Behind the last block, also behind its norm. */
const streamOf = (facts: Facts, built: Built): ReadonlySet<string> => {
  const { residPost, normalizedResidPost } = built[built.length - 1].block;
  return new Set([residPost, ...(normalizedResidPost ? [normalizedResidPost] : [])].map(facts.streamOrigin));
};

type FoundHead = HeadParts & { readonly entry: string; readonly behindLayer?: true };

/** The head whose path back leads into the last block's stream, with as many columns as a table that is fed has rows. */
const findHead = (
  facts: Facts,
  norms: Norms,
  built: Built,
  heads: readonly HeadParts[],
  { lookUps, fed }: EmbeddingParts
): { head?: FoundHead; roles: EmbeddingRoles } => {
  const stream = streamOf(facts, built);
  for (const head of heads) {
    const entry = reaches(facts, norms, head, stream);
    const fits = lookUps.some(({ input, rows }) => input !== undefined && rows === head.vocabulary);
    // Without a table only a decoder's logits, and those behind a layer and a norm of their own (BERT), are a vocabulary's.
    const behind = isBehindLayer(facts, head, stream);
    const told = causalOf(facts, built) || (head.norm && behind);
    const untold = fed.length > 0 && told && facts.shape(head.logits)?.length === 3;
    if (entry !== undefined && (fits || untold)) {
      return {
        head: { ...head, entry, ...(behind && { behindLayer: true }) },
        roles: embeddingRoles(lookUps, head.vocabulary, fed.length > 0)
      };
    }
  }
  return { roles: embeddingRoles(lookUps, null, fed.length > 0) };
};

/** Neither its norm nor, without one, its layer reads the stream itself. */
const isBehindLayer = (facts: Facts, { norm, input }: HeadParts, stream: ReadonlySet<string>): boolean =>
  ![norm?.output ?? input, norm?.input ?? input].some(tensor => stream.has(facts.streamOrigin(tensor)));

const towerFacts = (
  facts: Facts,
  built: Built,
  { heads, kvHeads, dHead, dQuery }: HeadSizes,
  dModel: number,
  parts: EmbeddingParts,
  roles: EmbeddingRoles,
  head: FoundHead | undefined,
  content: Content | undefined
): Tower => {
  const [first] = built;
  const causal = causalOf(facts, built);
  const kind = content?.kind === 'pixels' ? 'vision' : causal ? 'decoder' : 'encoder';
  const mlps = built.flatMap(({ mlp }) => mlp ?? []);
  return {
    name: kind,
    kind,
    layers: built.length,
    heads,
    kvHeads,
    dModel,
    dHead,
    ...(dQuery !== undefined && { dQuery }),
    dMlp: mlps.length ? mlpWidth(facts, built) : null,
    dVocab: head?.vocabulary ?? null,
    maxPositions: mostPositions(facts, first, roles, content),
    causal,
    positional: positional(facts, first, roles, content, heads),
    norm: { kind: first.block.norms[0]?.kind ?? 'none', placement: placementOf(built) },
    mlp: mlps.some(({ kind: mlp }) => mlp === 'gated') ? 'gated' : mlps.length ? 'plain' : 'none',
    parallel: built.some(({ parallel }) => parallel),
    blocks: built.map(({ block }) => block),
    ...(first.cross?.states !== undefined && { states: first.cross.states }),
    ...(roles.tokens && { embedding: embeddingOf(facts, roles, parts, dModel) }),
    ...(content && { content }),
    ...(head && { head: headOf(facts, built, head) })
  };
};

const causalOf = (facts: Facts, [{ layer }]: Built): boolean =>
  isCausal(facts, coneOf(facts, scoreInputs(facts, layer.anchor).fixed));

const placementOf = (built: Built): Tower['norm']['placement'] =>
  (['sandwich', 'post', 'pre'] as const).find(placement => built.some(block => block.placement === placement)) ??
  'none';

/** Rows of the last layer's weight, else the width of what it reads. */
const mlpWidth = (facts: Facts, built: Built): number | null => {
  const post = built.find(({ mlp }) => mlp)?.mlp?.post;
  const width = post === undefined ? undefined : facts.shape(post)?.at(-1);
  return typeof width === 'number' ? width : null;
};

const embeddingOf = (
  facts: Facts,
  { tokens, positions, types, boxes }: EmbeddingRoles,
  { norm, tokenNorm, project, strange }: EmbeddingParts,
  dModel: number
): Embedding => ({
  ids: tokens!.input!,
  rows: tokens!.rows,
  ...(widthOf(facts, tokens!.output, dModel) !== dModel && { width: widthOf(facts, tokens!.output, dModel) }),
  ...(project && { project }),
  ...(tokens!.weight !== undefined && { weight: tokens!.weight }),
  tokens: tokens!.output,
  ...(tokens!.scale !== undefined && { scale: tokens!.scale }),
  ...(tokenNorm && { tokenNorm: normPart('ln_embed', tokenNorm) }),
  ...(positions && { positions: positions.output }),
  ...(positions?.weight !== undefined && { positionWeight: positions.weight }),
  ...(positions?.first !== undefined && { firstPosition: positions.first }),
  ...(types && { types: types.output }),
  ...(boxes.length > 0 && { boxes: boxes.map(({ output }) => output) }),
  ...(norm && { norm: normPart('ln_embed', norm) }),
  strange
});

const headOf = (
  facts: Facts,
  built: Built,
  { entry, norm, logits, unembed, behindLayer }: FoundHead
): UnembeddingHead => {
  const last = built.length - 1;
  const { residPost, normalizedResidPost } = built[last].block;
  const normalised = normalizedResidPost !== undefined && entry !== facts.streamOrigin(residPost);
  const { softcap } = scalingAfter(facts, unembed.output, logits) ?? {};
  return {
    input: normalised ? normalizedResidPost : residPost,
    hook: `blocks.${last}.${normalised ? 'hook_normalized_resid_post' : 'hook_resid_post'}`,
    ...(norm && !normalised && { norm: normPart('ln_final', norm) }),
    logits,
    unembed,
    ...(behindLayer && { behindLayer }),
    ...(softcap !== undefined && { softcap })
  };
};

/** The norm behind the last block, with or without an unembedding behind it; post-norm blocks have none. */
const finalNorm = (norms: Norms, built: Built, { head, norm }: Tower): NormPart | undefined => {
  const [only] = norm.placement === 'post' ? [] : norms.reading(built[built.length - 1].block.residPost);
  return head?.norm ?? (only && normPart('ln_final', only));
};

const towerHooks = (
  facts: Facts,
  built: Built,
  sizes: HeadSizes,
  tower: Tower,
  { norm }: EmbeddingParts,
  { tokens, positions, types, boxes }: EmbeddingRoles
): readonly Hook[] => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['hook_embed', tower.content?.tokens ?? tokens?.output],
    ['hook_pos_embed', tower.content?.positions ?? positions?.output],
    ['hook_token_type_embed', types?.output],
    ...boxes.map(({ output }, i) => [`hook_box_embed.${i}`, output] as const),
    [
      'hook_full_embed',
      tower.content && tower.content.kind !== 'embeddings' ? tower.content.norm?.output : norm?.output
    ]
  ];
  return [
    ...rows.flatMap(([name, tensor]) =>
      tensor === undefined
        ? []
        : [
            embeddingHook(
              facts,
              name,
              tensor,
              widthOf(facts, tensor, tower.dModel),
              tower.dModel,
              tensor === positions?.output && positions.counted
            )
          ]
    ),
    ...(tower.states === undefined ? [] : [statesHook(facts, tower.states, tower.dModel)]),
    ...built.flatMap((block, i) => blockHooks(facts, `blocks.${i}.`, block, sizes, tower, tower.dMlp)),
    ...(tower.finalNorm ? normHooks(facts, '', tower.finalNorm, tower.dModel) : []),
    ...(tower.head ? unembeddingHooks(facts, layerInput(facts, tower.head.unembed.input), tower.head, tower) : []),
    ...(tower.outputLayer ? outputLayerHooks(facts, tower.outputLayer, tower.dModel) : [])
  ];
};
