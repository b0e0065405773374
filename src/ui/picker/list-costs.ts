import type { AnalysisEntry } from '../../report/list-analyses';
import type { Cost } from '../../subject/subject';
import type { ModelClient } from '../../worker/client';

/**
 * What each analysis costs on an open model with its defaults, one after the other; one that cannot say it untouched is left out. Ends
 * when the signal is aborted.
 */
export async function listCosts(
  entries: readonly AnalysisEntry[],
  client: Pick<ModelClient, 'cost' | 'opened'>,
  signal: AbortSignal,
  onCost: (id: string, cost: Cost) => void
): Promise<void> {
  for (const { id } of entries) {
    if (signal.aborted || !client.opened) {
      return;
    }
    if (client.opened.refusals[id] === undefined) {
      const cost = await client.cost(id, {}, { signal }).catch(() => undefined);
      if (cost && !signal.aborted) {
        onCost(id, cost);
      }
    }
  }
}
