import type { Block, NormPart, Refusal } from './anatomy';
import type { BuiltBlock } from './blocks';
import type { Facts } from './facts';

/**
 * A chain's attentions as its blocks: a self-attention without an MLP and the cross-attention behind it are one block
 * (Vaswani et al. 2017). A Refusal where cross-attention stands elsewhere, or reads other states than in the first block.
 */
export const joinCross = (facts: Facts, chain: readonly BuiltBlock[]): readonly BuiltBlock[] | Refusal => {
  const crossing = chain.filter(({ layer }) => layer.states !== undefined);
  if (crossing.length === 0) {
    return chain;
  }
  const reduced = crossing.find(({ layer, block }) => isMadeOf(facts, layer.states!, block.residPre));
  if (reduced) {
    const why =
      'keys and values are of other positions than the queries, though of the same stream: the pattern is not token × token';
    return { why, at: reduced.block.attention.node };
  }
  const origins = new Set(crossing.map(({ layer }) => facts.streamOrigin(layer.states!)));
  const odd = chain.find(({ layer }, i) => (layer.states !== undefined) !== (i % 2 === 1));
  const alone = odd ?? (chain.length % 2 === 1 ? chain[chain.length - 1] : undefined);
  if (alone ?? (origins.size > 1 ? crossing[0] : undefined)) {
    const why = alone
      ? 'cross-attention and self-attention do not follow one another in turn'
      : 'the cross-attentions of the blocks read different streams';
    return { why, at: (alone ?? crossing[0]).block.attention.node };
  }
  const early = chain.find(({ mlp, placement }, i) => (i % 2 === 0 ? mlp : placement === 'sandwich'));
  if (early) {
    const what = early.mlp && !early.layer.states ? 'an MLP in front of' : 'a norm behind';
    return { why: `${what} cross-attention, which is not understood`, at: early.block.attention.node };
  }
  return crossing.map((cross, i) => joined(chain[2 * i], cross));
};

const MOST_BEHIND = 60;

/** A tensor is computed from another within a few steps (SegFormer and PVT shorten the stream by a convolution). */
const isMadeOf = (facts: Facts, tensor: string, stream: string): boolean => {
  const origin = facts.streamOrigin(stream);
  const queue = [tensor];
  for (let i = 0; i < queue.length && i < MOST_BEHIND; i++) {
    if (facts.streamOrigin(queue[i]) === origin) {
      return true;
    }
    const inputs = facts.producer(queue[i])?.inputs.filter(facts.isActivation) ?? [];
    queue.push(...inputs.filter(input => !queue.includes(input)));
  }
  return false;
};

const joined = (self: BuiltBlock, cross: BuiltBlock): BuiltBlock => {
  const { attention, norms, residMid, residPost, normalizedResidPost, mlp } = cross.block;
  const headwise = norms.some(({ role }) => role === 'q_norm' || role === 'k_norm');
  const block: Block = {
    residPre: self.block.residPre,
    residMid: self.block.residPost,
    ...(residMid !== undefined && { residMidCross: residMid }),
    residPost,
    ...(normalizedResidPost !== undefined && { normalizedResidPost }),
    attention: self.block.attention,
    cross: headwise ? { ...attention, scale: undefined } : attention,
    ...(mlp && { mlp }),
    norms: [...self.block.norms, ...norms.flatMap(renamed)]
  };
  return { ...cross, block, layer: self.layer, cross: cross.layer };
};

const LATER: Readonly<Partial<Record<NormPart['role'], NormPart['role']>>> = {
  ln1: 'ln2',
  ln2: 'ln3',
  ln2_post: 'ln2_post'
};

/** Norms of the cross-attention's own queries and keys have no hooks. */
const renamed = (norm: NormPart): readonly NormPart[] => {
  const role = LATER[norm.role];
  return role ? [{ ...norm, role }] : [];
};
