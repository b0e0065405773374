import type { ShuffledModel, Subject } from '../subject/subject';

/** The subject whose runs are those of its shuffled copy; its weights stay. */
export function asShuffled(subject: Subject, shuffled: ShuffledModel): Subject {
  const { reading } = subject;
  return {
    ...subject,
    forward: shuffled.forward,
    ...(reading && { reading: request => ({ ...reading(request), ...shuffled.reading(request) }) })
  };
}
