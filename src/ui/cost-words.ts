import type { Cost } from '../subject/subject';
import { bytesText } from './bytes-text';
import { durationText } from './duration-text';
import type { Translate } from './translate';

/** What a run will take of the model: how many forwards it stands for, what of them is computed, memory, and time where it is worth saying. */
export const costWords = ({ forwards, bytes, work, session = 0, seconds = 0 }: Cost, trans: Translate): string => {
  if (forwards === 0) {
    return trans.__('No forward: the file’s own numbers are read.');
  }
  const memory = bytesText(bytes);
  const runs =
    work === undefined || work === forwards
      ? trans._n('%1 forward, %2 of activations.', '%1 forwards, %2 of activations.', forwards, memory)
      : trans.__(
          'What %1 forwards give, for the work of %2; %3 of activations.',
          forwards,
          forwardsMade({ forwards, work }),
          memory
        );
  const weights = session > 0 ? [trans.__('The weights are held once more: %1.', bytesText(session))] : [];
  const time = seconds >= 1 ? [trans.__('About %1 here.', durationText(seconds, trans))] : [];
  return [runs, ...weights, ...time].join(' ');
};

/** A sweep computes parts of the forwards that it stands for. */
export const forwardsMade = ({ forwards, work = forwards }: Pick<Cost, 'forwards' | 'work'>): number =>
  forwards === 0 ? 0 : Math.max(1, Math.ceil(work));
