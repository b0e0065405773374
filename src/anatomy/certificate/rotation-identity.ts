import type { Numbers } from '../../onnx/numbers';
import type { Block } from '../anatomy';
import { hooksOf, normOf, type CheckContext, type Outcome } from './identity';
import { normedHeads } from './normed-heads';

/**
 * At the first position nothing is rotated: queries and keys there are what they were before, each dimension times one factor
 * at most (scaled rotary embeddings have one). It ties hook_q to hook_rot_q in order, head by head and dimension by dimension.
 */
export const rotationStarts = (context: CheckContext, block: Block, layer: number): Outcome => {
  const sides = (['q', 'k'] as const).map(name => firstPositions(context, block, layer, name));
  const refused = sides.find(side => typeof side === 'string');
  const found = sides.flatMap(side => (typeof side === 'object' ? [side] : []));
  if (refused !== undefined || found.length === 0) {
    return refused;
  }
  return {
    file: Float64Array.from(found.flatMap(({ file }) => [...file])),
    computed: Float64Array.from(found.flatMap(({ computed }) => [...computed]))
  };
};

const firstPositions = (
  context: CheckContext,
  block: Block,
  layer: number,
  name: 'q' | 'k'
): { readonly file: Float64Array; readonly computed: Float64Array } | string | undefined => {
  const names = [`attn.hook_${name}`, `attn.hook_rot_${name}`];
  const dims = context.hook(`blocks.${layer}.${names[0]}`)?.dims;
  const found = hooksOf(context, layer, names);
  if (!block.attention.rotary || !found || !dims) {
    return undefined;
  }
  const [batch, pos, heads, width] = dims;
  const first = (x: Numbers): Float64Array =>
    Float64Array.from(x).filter((_, i) => Math.floor(i / (heads * width)) % pos === 0);
  const before = normedHeads(context, first(found[names[0]]), normOf(block, `${name}_norm`), heads * width, width);
  const file = first(found[names[1]]);
  return typeof before === 'string' ? before : { file, computed: factored(file, before, width, batch * heads) };
};

/** Each dimension times the factor that is nearest, 1 where there is too little to tell. */
const factored = (file: Float64Array, x: Numbers, width: number, count: number): Float64Array => {
  const [dots, squares] = [new Float64Array(width), new Float64Array(width)];
  file.forEach((value, i) => {
    dots[i % width] += value * x[i];
    squares[i % width] += x[i] * x[i];
  });
  return Float64Array.from(x, (value, i) => {
    const factor = count > 1 && squares[i % width] > 0 ? dots[i % width] / squares[i % width] : 1;
    return Math.abs(factor - 1) < 1e-3 ? value : value * factor;
  });
};
