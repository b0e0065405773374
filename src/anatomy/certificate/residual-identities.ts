import type { Block } from '../anatomy';
import { beforeMlp, hooksOf, inBlock, isParallel, type CheckContext, type Outcome } from './identity';
import { boundedSum, roundedPart } from './rounded-sum';

const sum = (context: CheckContext, layer: number, total: string, parts: readonly string[]): Outcome => {
  const found = hooksOf(context, layer, [total, ...parts]);
  const routes = parts.map(part => context.route(inBlock(layer, part), inBlock(layer, total), 'sum'));
  const unknown = routes.find(route => typeof route === 'string');
  if (!found || unknown !== undefined) {
    return found && unknown;
  }
  return {
    file: found[total],
    ...boundedSum(
      parts.map((part, i) => roundedPart(found[part], routes[i])),
      routes
    )
  };
};

/** The stream behind the attention; in parallel blocks everything is added at once. */
export const residualAddsAttention = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (isParallel(block)) {
    return sum(context, layer, 'hook_resid_post', ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out']);
  }
  const after = block.residMid === undefined ? 'hook_resid_post' : 'hook_resid_mid';
  return sum(context, layer, after, ['hook_resid_pre', 'hook_attn_out']);
};

/** The stream behind the cross-attention. */
export const residualAddsCross = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (!block.cross) {
    return undefined;
  }
  const before = context.tower.norm.placement === 'post' ? 'ln1.hook_out' : 'hook_resid_mid';
  const after = block.residMidCross === undefined ? 'hook_resid_post' : 'hook_resid_mid_cross';
  return sum(context, layer, after, [before, 'hook_cross_attn_out']);
};

export const residualAddsMlp = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (!block.mlp) {
    return undefined;
  }
  const parts = isParallel(block)
    ? ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out']
    : [beforeMlp(context, block), 'hook_mlp_out'];
  return sum(context, layer, 'hook_resid_post', parts);
};

/** A block starts where the last one ended; the first one where the embeddings end. */
export const residualChains = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (layer === 0) {
    return undefined;
  }
  const before =
    context.tower.blocks[layer - 1].normalizedResidPost === undefined
      ? 'hook_resid_post'
      : 'hook_normalized_resid_post';
  const earlier = `blocks.${layer - 1}.${before}`;
  const found = hooksOf(context, layer, ['hook_resid_pre', `/${earlier}`]);
  const route = context.route(earlier, inBlock(layer, 'hook_resid_pre'), 'sum');
  return found && { file: found.hook_resid_pre, computed: roundedPart(found[`/${earlier}`], route) };
};
