import type { Block } from '../anatomy';
import {
  attentionInput,
  beforeMlp,
  behindNorm,
  hooksOf,
  inBlock,
  isParallel,
  normOf,
  product,
  timesScale,
  type CheckContext,
  type Outcome
} from './identity';

/** mlp_out = post · W_out + b, and the norm and the factor behind it. */
export const mlpOutput = (context: CheckContext, block: Block, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['mlp.hook_post', 'hook_mlp_out']);
  const { dMlp, dModel } = context.tower;
  if (!found || !block.mlp?.out || dMlp === null) {
    return undefined;
  }
  const { out: projection, outScale } = block.mlp;
  const norm = normOf(block, 'ln2_post');
  return product(
    context,
    {
      file: found.hook_mlp_out,
      x: found['mlp.hook_post'],
      from: dMlp,
      to: dModel,
      projection,
      route: context.route(inBlock(layer, 'mlp.hook_post'), inBlock(layer, 'hook_mlp_out'), 'product')
    },
    norm || outScale ? y => timesScale(context, behindNorm(context, y, norm), outScale) : undefined
  );
};

export const mlpInput =
  (hook: 'hook_pre' | 'hook_pre_linear') =>
  (context: CheckContext, block: Block, layer: number): Outcome => {
    const { dMlp, dModel, norm } = context.tower;
    const layerOf = hook === 'hook_pre' ? (block.mlp?.gate ?? block.mlp?.in) : block.mlp?.in;
    const own = block.cross ? 'ln3' : 'ln2';
    const placed =
      norm.placement !== 'post' && normOf(block, own)
        ? `${own}.hook_out`
        : norm.placement !== 'post' && isParallel(block)
          ? attentionInput(context, block)
          : beforeMlp(context, block);
    const found = hooksOf(context, layer, [placed, `mlp.${hook}`]);
    if (!found || !layerOf || dMlp === null) {
      return undefined;
    }
    const [file, x] = [found[`mlp.${hook}`], found[placed]];
    const route = context.route(inBlock(layer, placed), inBlock(layer, `mlp.${hook}`), 'product');
    return product(context, { file, x, from: dModel, to: dMlp, projection: layerOf, route });
  };
