import type { HeadPlace } from '../../figures/part-names';
import { listAnalyses } from '../../report/list-analyses';
import type { Payload } from '../../report/payload';

const CARD = 'head-card';

export const hasHeadCard = (): boolean => listAnalyses().some(({ id }) => id === CARD);

/** The card of a head, on the prompts or the text of the output in which it was kept, where that has any. */
export function cardOf({ model, seed, spec }: Payload, { layer, head }: HeadPlace): Payload {
  const { prompts, text } = spec;
  const shown = prompts ?? (typeof text === 'string' && text !== '' ? [{ clean: text }] : undefined);
  return { analysis: CARD, model, seed, spec: { layer, head, ...(shown !== undefined && { prompts: shown }) } };
}
