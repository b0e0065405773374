import type { Context } from '../../../subject/context';
import type { Check } from '../../check';
import { object, orNull, text } from '../../check';
import { shortText } from '../../short-text';

/** A part of a card, or why this model has none. */
export interface Section<T> {
  readonly found: T | null;
  /** '' where it is found. */
  readonly why: string;
}

export const section = <T>(check: Check<T>): Check<Section<T>> =>
  object<Section<T>>({ found: orNull(check), why: text });

const LONGEST_REASON = 300;

/** Computes a part unless there is a reason not to; what fails on this model alone (logits that are scaled, a table of positions that is too short) is a reason too. */
export async function sectionOf<T>(
  why: string | undefined,
  compute: () => Promise<T>,
  { signal }: Pick<Context, 'signal'>
): Promise<Section<T>> {
  if (why !== undefined) {
    return { found: null, why };
  }
  try {
    return { found: await compute(), why: '' };
  } catch (error) {
    signal.throwIfAborted();
    return { found: null, why: shortText((error as Error).message.replaceAll('\n', ' '), LONGEST_REASON) };
  }
}
