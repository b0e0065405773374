import type { Check } from '../check';
import { object, orNull, text } from '../check';

/** A part of a card, or why this model has none. */
export interface Section<T> {
  readonly found: T | null;
  /** '' where it is found. */
  readonly why: string;
}

export const section = <T>(check: Check<T>): Check<Section<T>> =>
  object<Section<T>>({ found: orNull(check), why: text });

/** Computes a part unless there is a reason not to. */
export async function sectionOf<T>(why: string | undefined, compute: () => Promise<T>): Promise<Section<T>> {
  return why === undefined ? { found: await compute(), why: '' } : { found: null, why };
}
