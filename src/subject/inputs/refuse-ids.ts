import { isContent } from '../../anatomy/certificate/row-input';
import type { ForwardRequest } from '../subject';
import type { SubjectParts } from '../subject-parts';

/** Ids, or places, tell nothing of the pixels or embeddings that a model reads. */
export const refuseIds = (
  { inputs, facts, reading }: Pick<SubjectParts, 'inputs' | 'facts' | 'reading'>,
  feeds: ForwardRequest['feeds'] = {}
): void => {
  // A decoder's rows are ids, what its encoder reads is none.
  const input = inputs.find(one => isContent(one) && (one.own === undefined || reading.tower.states !== undefined));
  if (input && feeds[input.name] === undefined) {
    throw new Error(
      `input differs: '${facts.label}' reads '${input.name}' [${input.shape.join(', ')}] (${input.role}) instead of ids, so give it as a tensor${input.role === 'pixels' ? ' or an image' : ''}`
    );
  }
};
