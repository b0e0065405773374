import type { Intervention, Interventions } from '../../subject/interventions/interventions';
import type { Subject } from '../../subject/subject';
import { blockHook } from '../hooks';

/**
 * Nothing passes by attention and MLP: X' = MLP(attention(X)), of parallel blocks attention(X) + MLP(X), without MLPs attention(X). The readers of each
 * sum of the stream get the part that was added, by surgery on the file's graph. Norms stay where the file has them.
 */
export function withoutSkips(subject: Subject, mlps: boolean): Interventions {
  const wiring: Record<string, readonly string[]> = {};
  const list: Intervention[] = [];
  subject.tower.blocks.forEach(({ mlp, normalizedResidPost }, layer) => {
    const [mid, post, attention, written] = ['hook_resid_mid', 'hook_resid_post', 'hook_attn_out', 'hook_mlp_out'].map(
      name => blockHook(subject, layer, name)
    );
    const used = mlps && mlp !== undefined;
    if (subject.tower.parallel) {
      wiring[post] = used ? [attention, written] : [attention];
    } else if (normalizedResidPost !== undefined) {
      // Behind the first sum stands a norm, so that both sums are replaced, or the second has nothing added.
      wiring[mid] = [attention];
      if (used) {
        wiring[post] = [written];
      } else if (mlp) {
        list.push({ hook: written, op: 'zero' });
      }
    } else {
      wiring[post] = used ? [written] : [attention];
      if (used) {
        wiring[mid] = [attention];
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
