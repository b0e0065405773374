import type { Intervention, Interventions } from '../../subject/interventions/interventions';
import type { Subject } from '../../subject/subject';
import { blockHook } from '../hooks';

/**
 * Nothing passes by attention and MLP: X' = MLP(attention(X)), of parallel blocks attention(X) + MLP(X), without MLPs attention(X); in a decoder
 * cross-attention stands between. The readers of each sum of the stream get the part that was added, by surgery on the file's graph. Norms stay where the
 * file has them.
 */
export function withoutSkips(subject: Subject, mlps: boolean): Interventions {
  const wiring: Record<string, readonly string[]> = {};
  const list: Intervention[] = [];
  subject.tower.blocks.forEach(({ mlp, normalizedResidPost, cross }, layer) => {
    const hook = (name: string): string => blockHook(subject, layer, name);
    const [mid, crossed, post] = ['hook_resid_mid', 'hook_resid_mid_cross', 'hook_resid_post'].map(hook);
    const [attention, looked, written] = ['hook_attn_out', 'hook_cross_attn_out', 'hook_mlp_out'].map(hook);
    const used = mlps && mlp !== undefined;
    if (subject.tower.parallel) {
      wiring[post] = used ? [attention, written] : [attention];
    } else if (normalizedResidPost !== undefined) {
      // Behind the first sum stands a norm, so that both sums are replaced, or the second has nothing added.
      wiring[mid] = [attention];
      if (cross) {
        wiring[crossed] = [looked];
      }
      if (used) {
        wiring[post] = [written];
      } else if (mlp) {
        list.push({ hook: written, op: 'zero' });
      }
    } else {
      const last = cross ? looked : attention;
      wiring[post] = used ? [written] : [last];
      if (used || cross) {
        wiring[mid] = [attention];
      }
      if (used && cross) {
        wiring[crossed] = [looked];
      }
    }
  });
  return { list, wiring };
}

/** The same with zeros for what every MLP adds. */
export const withoutMlps = (subject: Subject): Interventions => ({
  list: subject.tower.blocks.flatMap(({ mlp }, layer): Intervention[] =>
    mlp ? [{ hook: blockHook(subject, layer, 'hook_mlp_out'), op: 'zero' }] : []
  )
});

/** Hooks that are read or replaced. */
export const hooksOf = ({ list, wiring = {} }: Interventions): string[] => [
  ...new Set([
    ...list.map(({ hook }) => hook),
    ...Object.entries(wiring).flatMap(([hook, others]) => [hook, ...others])
  ])
];
