import type { AttentionPatterns } from '../../analyses/attention/attention-patterns';
import type { HeadPlace } from '../../figures/part-names';
import type { Payload } from '../../report/payload';

/** Heads of which as much is saved as of one. */
const FEW = 4;

/**
 * How the same attention patterns are asked for of one head alone, of which more tokens are told apart; undefined where the output tells them all
 * apart already, or shows so few heads that one has no more room.
 */
export function closerLook({
  analysis,
  model,
  seed,
  spec,
  result
}: Payload): ((head: HeadPlace) => Payload) | undefined {
  if (analysis !== 'attention-patterns' || result === undefined) {
    return undefined;
  }
  const { values, layers, heads, input, source } = result as AttentionPatterns;
  const [, , queries, keys] = values.shape;
  const all = input.ids.length;
  const isPooled = queries < all - (source ?? 0) || keys < (source ?? all);
  return isPooled && layers.length * heads.length > FEW
    ? ({ layer, head }) => ({ analysis, model, seed, spec: { ...spec, layers: [layer], heads: [head] } })
    : undefined;
}
