import type { Attention, Block } from '../anatomy';
import type { CheckContext } from './identity';

/** One attention of a block: its own, or the one that reads another tower. */
export interface AttentionPart {
  readonly name: 'attn' | 'cross_attn';
  readonly attention: Attention;
  readonly block: Block;
}

/** Positions of queries and of keys, as the pattern has them. */
export const lengthsOf = (
  context: CheckContext,
  layer: number,
  { name }: AttentionPart
): { readonly queries: number; readonly keys: number } => {
  const dims = context.hook(`blocks.${layer}.${name}.hook_pattern`)?.dims;
  const length = context.probe[0].length;
  return { queries: dims?.[2] ?? length, keys: dims?.[3] ?? length };
};

/** Below this a score is masked: files use −∞, −3.4e38 or −1e4 and beyond for half precision. */
export const MASKED = -9e3;

/** Places along these axes, the last of them fastest, of an index; what is left of it comes last. */
export const coordinates = (index: number, sizes: readonly number[]): readonly number[] => {
  let rest = index;
  const out = sizes.map(size => {
    const at = rest % size;
    rest = Math.floor(rest / size);
    return at;
  });
  return [...out, rest];
};
